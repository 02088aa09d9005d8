"""The lab's DMS: an API with AWS's states, and one replicator process for each task, which replicates."""
