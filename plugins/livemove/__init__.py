"""livemove: moves a live web service and its MariaDB/MySQL database from a data centre to AWS.

Read docs/architecture.md for the rooms and docs/flow.md for three paths through them. Each room's docstring
has what it promises, where to enter and what it never does. From top to bottom, imports only downward:

dag                                the stages that several DAGs share
ui, cli                            pages in Airflow; `livemove` at a terminal
reporting                          gates with their evidence, console, report
switchover                         moves the writes, and back
preflight, traffic, servers        checks before; users' requests; the web servers
comparison, replication, schema    rows are equal; DMS; tables, keys and code
dns, provisioning                  the public record; Terraform and RDS
history, control                   who owned when; the row that decides who may write
runtime, model                     connections and waiting; spec, ports, errors, ledger
"""

__version__ = "0.1.0"
