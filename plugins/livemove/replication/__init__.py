"""DMS: one task for each direction and epoch, its states in AWS's words, lag and table states.

Promises: start, resume or reload follow from the task's real state, so retry and clear are safe. Settings
that hide a loss are refused.
Enter at: `operators`, `sensors`, `adapters/replicator` (`replicator_of`), `adapters/dms` (the Replicator
port), `dms_rules` (what is asked for, what its states mean).
Never: takes "running" for healthy or 0 s of latency for caught up; starts a task twice from the start.
"""
