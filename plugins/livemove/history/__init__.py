"""What happened, derived once from the ledger: owner, certainty, completed switchovers, questions and their ends.

Promises: gates, rollback, console, report, notifications and the CLI ask this room and derive nothing themselves. Where rows of
the databases can be read, rows decide; what the ledger cannot know is called uncertain.
Enter at: `ownership` (who owned the writes at each moment), `completed_switchovers`, `approvals` (who decided what).
Never: reads a database, a clock or Airflow; writes anything; decides a switchover.
"""
