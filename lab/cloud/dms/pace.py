"""How long DMS takes on AWS, and how long the lab lets it take."""

from __future__ import annotations

from lab.cloud.pace import Wait

INSTANCE_AVAILABLE = Wait(2.0, "5 to 15 min")
INSTANCE_DELETED = Wait(1.0, "5 to 10 min")
TASK_READY = Wait(0.5, "10 to 60 s")
TASK_MODIFIED = Wait(0.5, "10 to 60 s")
TASK_DELETED = Wait(0.5, "1 to 5 min")
CONNECTION_TEST = Wait(0.4, "20 to 60 s")
TASK_STOP_GRACE = Wait(20.0, "minutes")
RECOVERY = Wait(1.0, "RecoverableErrorInterval, 5 s, growing")
"""Pause before a replicator that died is started again."""
METRICS = Wait(5.0, "60 s")
"""Between two values in CloudWatch."""
