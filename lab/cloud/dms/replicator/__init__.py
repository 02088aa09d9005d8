"""One replication task as a process: full load from a consistent snapshot, then the binlog, byte exact.

Start it with `python -m lab.cloud.dms.replicator <task folder>`; it knows nothing of the AWS API or of moto.
"""
