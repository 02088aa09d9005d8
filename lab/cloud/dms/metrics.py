"""What DMS tells CloudWatch of a running task, in the lab every few seconds instead of every minute.

The dimension ReplicationTaskIdentifier is the last part of the task's ARN, not the task's name.
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Monitoring.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from lab.cloud.dms import pace
from lab.cloud.dms.replicator.status import Status, TableState
from lab.cloud.dms.tasks import Task, TaskState

log = logging.getLogger(__name__)
NAMESPACE = "AWS/DMS"
Put = Callable[[str, list[dict[str, Any]]], None]


def values(status: Status) -> dict[str, tuple[float, str]]:
    """(value, unit) by name. Both latencies are 0 when nothing is under way, which proves nothing."""
    pending = sum(
        t.inserts
        + t.updates
        + t.deletes
        - t.applied_inserts
        - t.applied_updates
        - t.applied_deletes
        - t.rejected_inserts
        - t.rejected_updates
        - t.rejected_deletes
        for t in status.tables
    )
    lag = float(status.lag or 0.0) if pending or time.time() - newest(status) < 60 else 0.0
    return {
        "CDCLatencySource": (lag, "Seconds"),
        "CDCLatencyTarget": (lag, "Seconds"),
        "CDCIncomingChanges": (float(pending), "Count"),
        "CDCChangesMemoryTarget": (float(pending), "Count"),
        "ValidationFailedOverallCount": (float(sum(t.validation_failed for t in status.tables)), "Count"),
        "ValidationPendingOverallCount": (float(sum(t.validation_pending for t in status.tables)), "Count"),
        "TablesErrored": (float(sum(t.state is TableState.ERROR for t in status.tables)), "Count"),
    }


def newest(status: Status) -> float:
    return max((t.changed for t in status.tables), default=0.0)


def data(task: Task, instance: str) -> list[dict[str, Any]]:
    status = task.status()
    if task.now() is not TaskState.RUNNING or status is None:
        return []
    dimensions = [
        {"Name": "ReplicationInstanceIdentifier", "Value": instance},
        {"Name": "ReplicationTaskIdentifier", "Value": task.resource_id},
    ]
    return [
        {
            "MetricName": name,
            "Dimensions": dimensions,
            "Value": value,
            "Unit": unit,
            "Timestamp": datetime.now(UTC).replace(tzinfo=None),
        }
        for name, (value, unit) in values(status).items()
    ]


def publish(tasks: Callable[[], Iterable[tuple[Task, str]]], put: Put) -> threading.Thread:
    """Begin to tell CloudWatch of these (task, instance identifier), until the process ends."""

    def loop() -> None:
        while True:
            time.sleep(pace.METRICS.lab)
            try:
                for task, instance in tasks():
                    if found := data(task, instance):
                        put(NAMESPACE, found)
            except Exception:
                log.exception("metrics of DMS were not published")

    thread = threading.Thread(target=loop, name="dms-metrics", daemon=True)
    thread.start()
    return thread
