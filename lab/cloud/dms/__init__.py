"""The lab's DMS: an API with AWS's state machine, and one replicator process per task that really
replicates."""
