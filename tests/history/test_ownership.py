"""The ledger's owner at each moment against the real one, for moves that crash at every call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from livemove.history import History
from livemove.history.ownership import OwnershipChange, attempts, ownership_changes
from livemove.model.errors import LivemoveError
from livemove.model.ledger import AttemptResult, moment
from livemove.model.ports import Json, Link
from livemove.model.spec import Side
from livemove.switchover import manual_recovery as night
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.protocol import Switchover
from tests.doubles.contents import contents
from tests.doubles.memory import MemoryLedger
from tests.doubles.moving import Died, Universe
from tests.switchover.test_protocol import BOTH, EACH, back, die, lose, move, struck

S, T = Side.SOURCE, Side.TARGET
STEP = timedelta(milliseconds=1)


class Stamped(MemoryLedger):
    """Events carry the time at which they were noted; a dead process notes nothing."""

    world: Any

    def write(self, name: str, document: Json) -> None:
        self._alive()
        super().write(name, document)

    def append(self, event: Json) -> None:
        self._alive()
        self.noted.append({**event, "time": self.world.clock.now().isoformat()})

    def _alive(self) -> None:
        if self.world.dead:
            raise Died("ledger")


class Watched(Universe):
    """Remembers after each call who might really write."""

    def __init__(self) -> None:
        self.truth: list[tuple[datetime, Side | None]] = []
        super().__init__()
        self.ledger = Stamped()
        self.ledger.world = self

    def arrive(self, name: str, port: object) -> None:
        super().arrive(name, port)
        self.clock.time += STEP

    def turn(self, *, tick: bool = False) -> None:
        super().turn(tick=tick)
        owner = self.owner()
        self.truth.append((self.clock.time, owner.side if owner else None))

    def told(self) -> list[OwnershipChange]:
        return ownership_changes(self.ledger.snapshot(), None)


def agree(world: Watched) -> None:
    """Every observed moment is in an interval that says the same, or that says it is uncertain."""
    told = world.told()
    edges = [moment(t.at) for t in told[1:] if t.at]
    assert edges == sorted(edges)
    for at, owner in world.truth:
        # at an edge itself both are right: the row changes a moment before or after it is noted
        if any(abs(edge - at) <= 2 * STEP for edge in edges):
            continue
        turn = told[sum(edge <= at for edge in edges)]
        if turn.certain and turn.owner != owner:
            raise AssertionError(f"{at:%H:%M:%S.%f}: {owner} might write, told: {turn}")


def test_a_move_a_way_back_and_a_move_again() -> None:
    world = Watched()
    move(world)
    return_path.run(world.parts())
    world.wait(5)
    back(world)
    world.wait(5)
    world.replicator.prepare(Link("shop", 4, T))
    move(world, attempt="again")
    agree(world)
    assert [(t.owner, t.epoch) for t in world.told()] == [
        (S, 1),
        (None, 1),
        (T, 2),
        (None, 2),
        (S, 3),
        (None, 3),
        (T, 4),
    ]
    assert all(t.certain for t in world.told())


def test_a_rollback_that_read_both_databases_ends_a_doubt() -> None:
    events: list[Json] = [
        {
            "event": "switchover_began",
            "epoch": 2,
            "from": "source",
            "to": "target",
            "attempt": "1",
            "time": "2026-11-23T04:00:00+00:00",
        },
        {"event": "rollback_writes", "owner": "source", "epoch": 1, "time": "2026-11-23T04:05:00+00:00"},
    ]
    assert [t.certain for t in ownership_changes(contents({}, events[:1]), None)] == [True, False]
    assert [(t.owner, t.certain) for t in ownership_changes(contents({}, events), None)][1:] == [
        (S, False),
        (S, True),
    ]


@BOTH
@EACH
@pytest.mark.parametrize("then", ["nobody", "retry", "rollback"])
@pytest.mark.parametrize("fault", [die, lose])
def test_whatever_strikes_a_move_what_is_told_for_certain_was_so(
    number: int, after: bool, then: str, fault: Callable[[Universe, str], None]
) -> None:
    world = Watched()
    struck(world, number, fault, after)
    world.wait(7)
    with contextlib.suppress(Died, LivemoveError):
        if then == "retry":
            move(world, attempt="retry")
            return_path.run(world.parts())
        elif then == "rollback":
            back(world)
    world.wait(30)
    agree(world)
    last = world.told()[-1]
    if then == "retry":
        assert (last.owner, last.epoch, last.certain) == (T, 2, True)


@pytest.mark.parametrize("by", ["retry", "abort"])
def test_whoever_lifts_a_fence_that_was_left_behind_says_how_long_it_stood(by: str) -> None:
    world = Watched()
    number = next(n for n, name in enumerate(calls(world)) if name == "source close")
    world = Watched()
    struck(world, number, die, True)
    began = world.clock.now()
    world.wait(7)
    if by == "retry":
        move(world, attempt="retry")
    else:
        night.abort(world.parts())
    left = next(a for a in attempts(world.ledger.snapshot()) if a.result is AttemptResult.INTERRUPTED)
    assert left.fenced_at
    assert left.lifted_at
    assert abs(moment(left.fenced_at) - began) < timedelta(seconds=1)
    assert timedelta(seconds=7) <= moment(left.lifted_at) - moment(left.fenced_at) < timedelta(seconds=8)
    assert [(t.owner, t.certain) for t in world.told()][:3] == [(S, True), (None, False), (S, True)]
    agree(world)


def calls(world: Watched) -> list[str]:
    """The names of all calls of a move, in their order."""
    began = len(world.calls)
    move(world)
    return world.calls[began:]


def test_a_refused_attempt_changes_nothing() -> None:
    world = Watched()
    with pytest.raises(LivemoveError):
        Switchover(world.parts(), T, "a", guards=lambda *_: ["no"]).run()
    assert [a.result for a in attempts(world.ledger.snapshot())] == [AttemptResult.REFUSED]
    assert [(t.owner, t.certain) for t in world.told()] == [(S, True)]


def test_an_undone_attempt_is_no_completed_switchover_and_the_move_after_it_is() -> None:
    world = Watched()
    differences = world.proof.differences
    world.proof.differences = lambda seconds: ["shop.orders: 1 rows differ"]  # type: ignore[method-assign]
    with pytest.raises(LivemoveError):
        move(world)
    assert world.ledger.kept["switchover/2"]["result"] == "aborted"
    assert History(world.ledger.snapshot()).completed_switchovers == []
    world.proof.differences = differences  # type: ignore[method-assign]
    move(world, attempt="again")
    completed = History(world.ledger.snapshot()).completed_switchovers
    assert [(m.epoch, m.attempt) for m in completed] == [(2, "again")]


def test_a_promotion_says_when_the_source_was_heard_last_and_that_more_is_not_known() -> None:
    events: list[Json] = [
        {
            "event": "switchover",
            "result": "moved",
            "epoch": 2,
            "from": "source",
            "to": "target",
            "attempt": "1",
            "started_at": "2026-11-23T04:10:00+00:00",
            "opened_at": "2026-11-23T04:10:20+00:00",
            "time": "2026-11-23T04:10:21+00:00",
        },
    ]
    promoted = {"promotion/2": {"epoch": 2, "owner": "target", "last_watermark": "2026-11-23T04:00:05+00:00"}}
    told = ownership_changes(contents(promoted, events), "2026-11-22T00:00:00+00:00")
    assert [(t.at, t.owner, t.certain) for t in told] == [
        ("2026-11-22T00:00:00+00:00", S, True),
        ("2026-11-23T04:00:05+00:00", None, False),
        ("2026-11-23T04:10:20+00:00", T, True),
    ]


def test_a_move_whose_event_is_missing_is_told_by_its_document_or_its_return_path() -> None:
    documents = {
        "switchover/2": {
            "epoch": 2,
            "from": "source",
            "to": "target",
            "fenced_ms": 240,
            "started_at": "2026-11-23T04:00:00+00:00",
        },
        "switchover/plan": {"epoch": 2, "steps": []},
        "return_path/3": {
            "epoch": 3,
            "reads": "source",
            "writes": "target",
            "running_since": "2026-11-23T05:00:00+00:00",
        },
    }
    told = ownership_changes(contents(documents), None)
    assert [(t.owner, t.epoch, t.certain) for t in told] == [(S, 1, True), (T, 2, True), (S, 3, True)]


def test_the_next_attempt_that_found_the_owner_open_ends_a_doubt() -> None:
    def tried(attempt: str, epoch: int, to: Side, result: AttemptResult, minute: int) -> list[Json]:
        began, ended = f"2026-11-23T18:{minute}:00+00:00", f"2026-11-23T18:{minute + 1}:00+00:00"
        known = {"attempt": attempt, "epoch": epoch, "from": str(to.other), "to": str(to)}
        return [
            {**known, "event": "switchover_began", "time": began},
            {**known, "event": "switchover", "result": str(result), "started_at": began, "time": ended},
        ]

    unknown, refused = (
        tried("a", 2, T, AttemptResult.UNKNOWN, 10),
        tried("b", 3, S, AttemptResult.REFUSED, 20),
    )
    assert (
        ownership_changes(contents({}, unknown), None)[-1].owner,
        ownership_changes(contents({}, unknown), None)[-1].certain,
    ) == (None, False)
    last = ownership_changes(contents({}, unknown + refused), None)[-1]
    assert (last.owner, last.epoch, last.certain) == (T, 2, True)
