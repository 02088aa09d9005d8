"""Pages inside Airflow's UI: the console and the preflight's findings.

Promises: every route wants a login and the right to read that service's DAG; none writes.
Enter at: `routes`, `pages` (the FastAPI apps of the plugin), `console/` and `findings.html` (static files).
Never: holds data in a page, writes values as markup.
"""
