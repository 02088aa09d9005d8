"""What DMS is asked when a task starts, and when it goes on."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from livemove.model.ports import Link, ReplicationStatus, TaskState
from livemove.model.spec import Side
from livemove.replication.adapters.dms import DmsReplicator


@pytest.mark.parametrize(("state", "position"), [(TaskState.READY, "bin.1:4"), (TaskState.STOPPED, None)])
def test_only_a_first_start_says_from_where(state: TaskState, position: str | None) -> None:
    dms: Any = object.__new__(DmsReplicator)
    dms.dms = MagicMock()
    answers = [ReplicationStatus(state), ReplicationStatus(TaskState.RUNNING)]
    dms._wait = lambda *_: answers.pop(0)
    dms.tables, dms._arn = lambda _: [], lambda _: "arn"
    dms.start(Link("shop", 2, Side.TARGET), position="bin.1:4")
    asked = dms.dms.start_replication_task.call_args.kwargs
    assert asked.get("CdcStartPosition") == position
