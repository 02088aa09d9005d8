"""A load is over at the first stop of its task, not in the seconds between its last row and the stop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from livemove.model.ledger import Outputs
from livemove.model.ports import Link
from livemove.model.spec import Side
from livemove.replication.adapters.dms import DmsReplicator
from tests.doubles.memory import HandClock

LINK = Link("shop", 1, Side.SOURCE)


class Dms:
    """One task, as DMS describes it."""

    def __init__(self, **task: Any) -> None:
        self.task = {"ReplicationTaskIdentifier": LINK.name, **task}

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Iterator[Any]:
        yield {"ReplicationTasks": [self.task]}


@pytest.mark.parametrize(
    ("state", "ago", "done"),
    [
        ("running", 1, False),
        ("running", 59, False),
        ("running", 61, True),
        ("stopped", 1, True),
        ("stopping", 1, False),
        ("running", None, True),
    ],
)
def test_a_task_that_is_about_to_stop_has_not_ended_its_load(state: str, ago: int | None, done: bool) -> None:
    """`ago`: seconds since the last row was loaded. Older, the task has gone on from its stop."""
    clock = HandClock()
    ended = {} if ago is None else {"FullLoadFinishDate": clock.now() - timedelta(seconds=ago)}
    dms = Dms(Status=state, ReplicationTaskStats={"FullLoadProgressPercent": 100, **ended})
    made = DmsReplicator(dms, None, service="shop", schemas=(), settings=str, outputs=Outputs, clock=clock)
    assert made.status(LINK).full_load_done is done
