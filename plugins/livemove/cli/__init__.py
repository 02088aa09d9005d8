"""`livemove` at a terminal: the same code as the DAG's tasks, for an outage of Airflow.

Promises: asks neither Airflow's database nor its processes. A command that changes something shows its steps
and waits for the service's name; it may begin what a task finishes, and the other way round. Exit codes say
what has become of the writes.
Enter at: `main`, `commands` (one function a command, the exit codes); what they do is in
`switchover/manual_recovery`, `switchover/promotion`, `comparison/adapters/compared_tables`.
Never: decides anything that a task would not; changes anything in a dry run.
"""

from livemove.cli.commands import app, main

__all__ = ["app", "main"]
