"""Each task leaves from when to when it was at work; clearing it does not forget the attempt before."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from livemove.dag import DEFAULTS
from livemove.reporting.adapters import report_writer
from livemove.reporting.operators import callbacks
from tests.doubles.memory import START
from tests.doubles.worlds import MemoryWorld


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    world = MemoryWorld()
    monkeypatch.setattr(callbacks, "ServiceContext", lambda spec, **ids: world)
    return world


def context(map_index: int = -1, **more: Any) -> dict[str, Any]:
    task = SimpleNamespace(service="shop")
    ti = SimpleNamespace(
        task=task, task_id="switchover.soak", dag_id="migrate_shop", map_index=map_index, start_date=START
    )
    return {"ti": ti, "run_id": "r", **more}


def test_every_task_of_the_story_keeps_its_times(world: MemoryWorld) -> None:
    assert DEFAULTS["on_success_callback"] is callbacks.note_success
    assert callbacks.note_failure in DEFAULTS["on_failure_callback"]
    world.clock.sleep(90)
    callbacks.note_success(context())
    world.clock.sleep(60)
    callbacks.note_failure(context(exception=ValueError("x")))
    first, second = world.ledger.kept["ran/switchover.soak"]["spans"]
    assert first == {
        "began": START.isoformat(),
        "ended": (START + timedelta(seconds=90)).isoformat(),
        "state": "success",
        "dag_id": "migrate_shop",
        "run_id": "r",
    }
    assert (second["state"], second["ended"]) == ("failed", (START + timedelta(seconds=150)).isoformat())


def killed() -> dict[str, Any]:
    """As the DAG processor calls for a task whose process is gone: no error, and no time when it began."""
    task = SimpleNamespace(service="shop")
    ti = RuntimeTaskInstance.model_construct(
        id=uuid4(),
        task_id="switchover.switch_over",
        dag_id="migrate_shop",
        run_id="r",
        try_number=1,
        task=task,
    )
    return {"ti": ti, "run_id": "r"}


def test_a_killed_task_leaves_its_times_and_a_report_that_says_so(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(
        report_writer, "write_report", lambda world, failed: told.append(failed) or (None, {"html": "h"})
    )
    callbacks.note_failure(killed())
    (failed,) = told
    assert (failed["task_id"], failed["found"], failed["harmless"]) == (
        "switchover.switch_over",
        "it was killed and left no word",
        False,
    )
    (span,) = world.ledger.kept["ran/switchover.switch_over"]["spans"]
    assert (span["began"], span["state"]) == (span["ended"], "failed")


def test_times_that_cannot_be_kept_hold_up_no_report(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(
        report_writer, "write_report", lambda *given: told.append(given) or (None, {"html": "h"})
    )
    monkeypatch.setattr(world.ledger, "write", lambda *_: 1 / 0)
    callbacks.note_failure(context(exception=ValueError("x")))
    callbacks.note_success(context())
    assert len(told) == 1


def test_mapped_tasks_keep_theirs_in_a_document_each(world: MemoryWorld) -> None:
    for index in (3, 0, 3):
        callbacks.note_success(context(map_index=index))
    kept = {name: len(d["spans"]) for name, d in world.ledger.kept.items()}
    assert kept == {"ran/switchover.soak/0": 1, "ran/switchover.soak/3": 2}


def test_a_task_that_is_cleared_again_and_again_keeps_its_last_attempts(world: MemoryWorld) -> None:
    for _ in range(30):
        callbacks.note_success(context())
    assert len(world.ledger.kept["ran/switchover.soak"]["spans"]) == callbacks.KEPT_SPANS
