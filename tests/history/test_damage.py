"""What a damaged ledger, a frozen database or a later attempt may not change."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from livemove.control.adapters import state
from livemove.control.rows import ControlRows
from livemove.history import History, RestsOn, SwitchoverStage
from livemove.history.adapters.history_reader import read_completed_switchovers
from livemove.model.errors import UnreachableError
from livemove.model.ports import ControlRow, ControlState, Json
from livemove.model.spec import Side
from tests.doubles.contents import contents, contents_as_read
from tests.doubles.worlds import MemoryWorld

S, T = Side.SOURCE, Side.TARGET
MOVED: Json = {
    "epoch": 2,
    "from": "source",
    "to": "target",
    "attempt": "1-a",
    "result": "moved",
    "fenced_ms": 80,
    "started_at": "2026-11-23T19:00:00+00:00",
    "opened_at": "2026-11-23T19:00:01+00:00",
    "ended_at": "2026-11-23T19:00:02+00:00",
}
CLOSED = {"event": "replication_deleted", "time": "2026-11-23T20:00:00+00:00", "links": []}
ROWS = ControlRows(ControlRow(S, ControlState.OPEN, 1), ControlRow(T, ControlState.FOLLOW, 1))


@pytest.mark.parametrize("later", ["switchover_began", "switchover"])
def test_an_attempt_after_it_does_not_open_a_closed_rollback_again(later: str) -> None:
    attempt = {
        "event": later,
        "time": "2026-11-23T21:00:00+00:00",
        "epoch": 3,
        "from": "target",
        "to": "source",
        "attempt": "2-b",
        "started_at": "2026-11-23T21:00:00+00:00",
        "result": "aborted",
    }
    history = History(contents({"switchover/2": MOVED}, [CLOSED, attempt]))
    assert history.way_back_closed_at == CLOSED["time"]


@pytest.mark.parametrize(
    ("documents", "events"),
    [
        ({}, [{"event": "waited", "time": "yesterday"}]),
        ({"promotion/x": {"epoch": 2}}, []),
        ({}, [{"event": "switchover_began", "time": "2026-11-23T19:00:00+00:00"}]),
    ],
)
def test_rows_that_tell_decide_whatever_is_damaged_in_the_ledger(
    documents: dict[str, Json], events: list[Json]
) -> None:
    now = History(contents_as_read(documents, events), ROWS).current
    assert (now.owner, now.epoch, now.certain, now.rests_on) == (S, 1, True, RestsOn.ROWS)


@pytest.mark.parametrize(
    ("documents", "events", "certain"),
    [
        ({"switchover/2": {"epoch": 2}}, [], False),
        ({"promotion/2": {"epoch": 2}}, [], False),
        ({}, [{"event": "switchover", "time": "2026-11-23T19:00:00+00:00"}], False),
        ({}, ["no object"], False),
        ({}, [{"event": "waited", "time": "yesterday"}], True),
        ({"plan": {"counts": 3}}, [], True),
    ],
)
def test_without_rows_a_ledger_that_lost_a_word_about_the_owner_is_not_certain(
    documents: dict[str, Json], events: list[Any], certain: bool
) -> None:
    now = History(contents_as_read(documents, events)).current
    assert (now.certain, now.stage is SwitchoverStage.UNKNOWN) == (certain, not certain)


def test_a_document_that_is_no_json_is_left_out() -> None:
    world = MemoryWorld()
    world.ledger.write("switchover/2", MOVED)
    world.ledger.write("switchover/3", ["no object"])  # type: ignore[arg-type]
    assert [d.epoch for d in read_completed_switchovers(world)] == [2]  # type: ignore[arg-type]


def test_a_frozen_database_keeps_nobody_waiting_for_an_hour() -> None:
    limits: list[dict[str, Any]] = []

    class Frozen(MemoryWorld):
        @contextmanager
        def database(self, side: Side, **options: Any) -> Any:
            limits.append(options)
            raise UnreachableError(f"the {side} is frozen")
            yield

        def secret(self, connection: str) -> Any:
            raise UnreachableError("no connection")

    assert state.readable_rows(Frozen()) == ControlRows()  # type: ignore[arg-type]
    assert limits
    assert all(o["read_timeout"] <= 10 for o in limits)
