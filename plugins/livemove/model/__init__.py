"""What a migration is, in types: spec, errors, ports, the ledger's documents and events, stages and titles.

Promises: values, and functions of values; only `spec` does I/O: it finds and reads the YAML files.
Enter at: `spec` (one YAML file a service), `errors` (one tree; found, wanted, next step), `ports` (the
outside world as Protocols), `ledger` (every document and event), `stages` (stages, questions and titles of
tasks), `source_settings` (what my.cnf of the source must say), `approvals` (answers of the gates), `window`
(the low-traffic window).
Never: asks a clock, knows Airflow, decides about a running migration, imports another room.
"""
