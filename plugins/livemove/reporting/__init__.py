"""What people are shown: gates' questions with their evidence, the console, the report.

Promises: it tells and never decides; what is not certain is called so. An answer approves exactly what was
shown, by its checksum.
Enter at: `operators` (the gates, the report, callbacks of every task), `gates` (a question's text), `console`
(the page's JSON), `templates/` (the questions' sentences, the report's page), `report` and `report_model`
(the published shape), `adapters/evidence` (what a question reads when it asks).
Never: writes to a database, derives the owner by itself (that is `history`).
"""
