"""What a migration is, in types: spec, errors, ports, the ledger's documents and events, stages and titles.

Promises: pure values. Nothing here does I/O, knows Airflow or decides about a running migration.
Enter at: `spec` (one YAML file a service), `errors` (one tree; found, wanted, next step), `ports` (the
outside world as Protocols), `ledger` (every document and event), `approvals` (answers of the gates), `window`
(the low-traffic window).
Never: reads a file other than the spec, asks a clock, imports another room.
"""
