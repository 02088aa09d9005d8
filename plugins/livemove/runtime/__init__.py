"""One service at run time: connections, sessions, the ledger on S3, commands on servers, waiting.

Promises: nothing is connected before it is used, every outside call has a timeout, no secret is logged.
Enter at: `service_context` (spec + Airflow connections -> databases, AWS clients, servers, ledger),
`operator` and `sensor` (bases of all tasks), `mariadb`, `s3_ledger`, `ssh` and `ssm` (the Host port),
`watermarks` (waiting until writes arrived), `deadlines` (waiting with a time limit), `parallel` (all servers
at once).
Never: acts for a capability. Zone, replicator and Terraform are ports that their rooms make from the service
context; `links` only knows the addresses of their pages at AWS (`DmsTaskLink`), because several rooms show
them.
"""
