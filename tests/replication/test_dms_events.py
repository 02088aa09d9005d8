"""Failures in DMS's events: only since the task was made, all pages, and None when they cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from livemove.model.ledger import Outputs
from livemove.model.ports import Link
from livemove.model.spec import Side
from livemove.replication.adapters.dms import EVENTS_BACK, DmsReplicator
from tests.doubles.memory import START, HandClock

LINK = Link("shop", 1, Side.SOURCE)


class Dms:
    """Two pages of events, and one task that was made at `made`."""

    def __init__(self, made: datetime | None) -> None:
        self.made, self.asked = made, []  # type: ignore[var-annotated]

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def describe_replication_tasks(self, **_: Any) -> list[dict[str, Any]]:
        task = {
            "ReplicationTaskIdentifier": LINK.name,
            "ReplicationTaskCreationDate": self.made,
            "ReplicationInstanceArn": "a",
            "ReplicationTaskArn": "a:t",
        }
        return [{"ReplicationTasks": [task] if self.made else []}]

    def describe_events(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked.append(asked)
        events = [
            {"Date": datetime(2026, 11, 23, 3, n, tzinfo=UTC), "Message": f"failure {n}"} for n in (1, 2)
        ]
        return [{"Events": [event]} for event in events]


def replicator(dms: Any) -> DmsReplicator:
    return DmsReplicator(
        dms, None, service="shop", schemas=("shop",), settings=str, outputs=Outputs, clock=HandClock()
    )


def test_all_failures_since_the_task_was_made() -> None:
    dms = Dms(START - timedelta(days=3))
    assert replicator(dms).diagnostics(LINK)["failures"] == [
        "2026-11-23 03:01:00 UTC failure 1",
        "2026-11-23 03:02:00 UTC failure 2",
    ]
    assert dms.asked[0]["StartTime"] == START - timedelta(days=3)
    assert dms.asked[0]["EventCategories"] == ["failure"]


def test_of_an_old_task_as_far_back_as_is_asked_for() -> None:
    dms = Dms(START - timedelta(days=90))
    replicator(dms).diagnostics(LINK)
    assert dms.asked[0]["StartTime"] == START - EVENTS_BACK


def test_without_a_task_there_is_nothing_to_tell() -> None:
    assert replicator(Dms(None)).diagnostics(LINK)["failures"] == []


def test_cloudwatch_that_does_not_answer_hides_no_failure() -> None:
    class Broken:
        def get_metric_statistics(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "500", "Message": "no"}}, "GetMetricStatistics")

    made = replicator(Dms(START - timedelta(days=3)))
    made.cloudwatch = Broken()
    made._instance = lambda arn: "dms"  # type: ignore[method-assign]
    seen = made.diagnostics(LINK)
    assert (len(seen["failures"]), seen["latency"]) == (2, {})


def test_what_cannot_be_read_is_not_the_same_as_none() -> None:
    class Refuses(Dms):
        def describe_events(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedFault", "Message": "no"}}, "DescribeEvents")

    assert replicator(Refuses(START)).diagnostics(LINK)["failures"] is None
