"""The in-memory control row and the SQL procedures answer the same calls alike.

The state machine in test_state_machine.py trusts the one in memory, production runs the other. Both get the
same calls here, in random order; after each call the answers, the rows, the locked accounts, read_only and
the events must agree. The dead-man's switch is called by hand, and time passes by moving every date of the
row: no test waits.

Not compared: sessions that remain (nobody is connected), heartbeats, `newest_watermark` and `held` (in memory
the servers are asked themselves).

LIVEMOVE_EXAMPLES=500 searches for longer; LIVEMOVE_SHRINK=0 ends with the first difference, however long the
way to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from livemove.model.ports import ControlState, Json, Outcome
from livemove.model.spec import Side
from tests.doubles.moving import Db, Universe
from tests.switchover.conftest import Two

OPEN, FOLLOW = ControlState.OPEN, ControlState.FOLLOW
ATTEMPTS = st.sampled_from(["", "a", "A", "b"])
SECONDS = st.sampled_from([0, 100, 300])
PLACES = st.sampled_from(["", "bin:4", "bin:7"])
MARKS = st.tuples(st.sampled_from(list(Side)), st.sampled_from(["proof", "drain"]), st.integers(1, 2))
SLACK = 20.0
"""Seconds of real time that one example may take; every length above is far longer or 0."""
DATES = {
    "control": ("deadline", "armed_at", "test_until"),
    "hold": ("until",),
    "watermark_source_target": ("written_at",),
    "watermark_target_source": ("written_at",),
}


class Alone(Universe):
    """One database that nobody uses: no servers, no replicator, no promises between two."""

    def __init__(self) -> None:
        super().__init__()
        self.fleet.servers, self.replicator.tasks = [], {}
        for side, db in self.db.items():
            self.db[side] = replace(db, rows=[], log=[])

    def check(self) -> None:
        pass


class Both(RuleBasedStateMachine):
    """The same call to both; the epoch is mostly the row's own, or nearly nothing would be done."""

    def __init__(self, two: Two, side: Side) -> None:
        super().__init__()
        self.two, self.side, self.real = two, side, two.control[side]
        self.world = Alone()
        self.memory: Db = self.world.db[side]
        self._reset()

    def _reset(self) -> None:
        run, owns = self.real.db.run, self.side is Side.SOURCE
        for table in (
            "sleeping_event",
            "hold",
            "held_server",
            "watermark_source_target",
            "watermark_target_source",
        ):
            run(f"DELETE FROM livemove.{table}")
        run(
            "UPDATE livemove.control SET state = %s, epoch = 1, attempt = '', position = '', deadline = NULL,"
            " armed_at = NULL, test_until = NULL, promoted_at = NULL",
            (str(OPEN if owns else FOLLOW),),
        )
        self.real.settle()
        run(f"ALTER EVENT shop.e {'ENABLE' if owns else 'DISABLE'}")

    def _same(self, real: Outcome, memory: Outcome) -> None:
        assert _plain(real) == _plain(memory)
        assert _near(real.seconds_left, memory.seconds_left)

    def _epoch(self, away: int) -> int:
        return max(0, self.memory.epoch + away)

    away = st.sampled_from([0, 0, 0, 0, 1, -1])
    mine = st.one_of(st.none(), st.none(), ATTEMPTS)

    def _attempt(self, given: str | None) -> str:
        return self.memory.attempt if given is None else given

    # acts -----------------------------------------------------------------------------------------
    @rule(away=away, attempt=ATTEMPTS, lease=SECONDS)
    def arm(self, away: int, attempt: str, lease: int) -> None:
        epoch = self._epoch(away)
        self._same(self.real.arm(epoch, attempt, lease), self.memory.arm(epoch, attempt, lease))

    @rule(away=away, attempt=mine)
    def close(self, away: int, attempt: str | None) -> None:
        call = self._epoch(away), self._attempt(attempt)
        self._same(self.real.close(*call), self.memory.close(*call))

    @rule(away=away, attempt=mine)
    def lift(self, away: int, attempt: str | None) -> None:
        call = self._epoch(away), self._attempt(attempt)
        self._same(self.real.lift(*call), self.memory.lift(*call))

    @rule(away=away, attempt=mine, margin=SECONDS)
    def cede(self, away: int, attempt: str | None, margin: int) -> None:
        call = self._epoch(away), self._attempt(attempt), margin
        self._same(self.real.cede(*call), self.memory.cede(*call))

    @rule(
        lease=st.sampled_from([100, 300]),
        seconds=SECONDS,
        attempt=mine,
        margin=SECONDS,
        act=st.sampled_from(["close", "lift", "cede"]),
    )
    def act_within_or_after_a_lease(
        self, lease: int, seconds: int, attempt: str | None, margin: int, act: str
    ) -> None:
        self.arm(0, "a", lease)
        self.time_passes(seconds)
        if act == "cede":
            self.cede(0, attempt, margin)
        else:
            getattr(self, act)(0, attempt)

    @rule(place=PLACES, again=st.booleans())
    def take_the_writes(self, place: str, again: bool) -> None:
        self.claim(0, False)
        self.set_position(0, place)
        if again:
            self.set_position(0, "bin:9")
        self.open(0)

    @rule(again=st.booleans())
    def give_the_writes_away(self, again: bool) -> None:
        self.arm(0, "a", 300)
        self.close(0, None)
        self.cede(0, None, 0)
        if again:
            self.follow(0)

    @rule(away=away, again=st.booleans())
    def claim(self, away: int, again: bool) -> None:
        epoch = self._epoch(away) + (0 if again else 1)
        self._same(self.real.claim(epoch), self.memory.claim(epoch))

    @rule(away=away, place=PLACES)
    def set_position(self, away: int, place: str) -> None:
        epoch = self._epoch(away)
        self._same(self.real.set_position(epoch, place), self.memory.set_position(epoch, place))

    @rule(away=away)
    def open(self, away: int) -> None:
        epoch = self._epoch(away)
        self._same(self.real.open(epoch), self.memory.open(epoch))

    @rule(away=away)
    def follow(self, away: int) -> None:
        epoch = self._epoch(away)
        self._same(self.real.follow(epoch), self.memory.follow(epoch))

    @rule(away=away, again=st.booleans(), attempt=mine)
    def promote(self, away: int, again: bool, attempt: str | None) -> None:
        call = max(0, self._epoch(away) - again), self._attempt(attempt)
        self._same(self.real.promote(*call), self.memory.promote(*call))

    @rule(away=away, again=st.booleans())
    def abandon(self, away: int, again: bool) -> None:
        epoch = max(0, self._epoch(away) - again)
        self._same(self.real.abandon(epoch), self.memory.abandon(epoch))

    @rule(away=away, seconds=SECONDS)
    def allow_test(self, away: int, seconds: int) -> None:
        epoch = self._epoch(away)
        self._same(self.real.allow_test(epoch, seconds), self.memory.allow_test(epoch, seconds))

    @rule(away=away, seconds=SECONDS)
    def ask_hold(self, away: int, seconds: int) -> None:
        epoch = self._epoch(away)
        self._same(self.real.ask_hold(epoch, seconds), self.memory.ask_hold(epoch, seconds))

    @rule(
        away=away,
        state=st.sampled_from(list(ControlState)),
        here=st.booleans(),
        name=st.sampled_from("ef"),
        definer=st.booleans(),
    )
    def put_events_under_the_lock(
        self, away: int, state: ControlState, here: bool, name: str, definer: bool
    ) -> None:
        call = (self.memory.state if here else state), self._epoch(away)
        user = "other@%" if definer and name == "f" else self._definer()
        event: Json = {"event_schema": "shop", "event_name": name, "definer": user}
        real = self.real.while_in(*call, lambda: self.real.put_events([event]))
        self._same(real, self.memory.while_in(*call, lambda: self.memory.put_events([event])))

    @rule(here=st.booleans())
    def work_that_fails_under_the_lock(self, here: bool) -> None:
        call = (self.memory.state, self.memory.epoch + (not here))
        for control in (self.real, self.memory):
            if here:
                with pytest.raises(ZeroDivisionError):
                    control.while_in(*call, lambda: print(1 / 0))
            else:
                assert not control.while_in(*call, lambda: print(1 / 0)).done

    def _definer(self) -> str:
        rows = self.two.root(
            self.side, "SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop'"
        )
        return str(rows[0][0])

    # watermarks and the binlog --------------------------------------------------------------------
    @rule(mark=MARKS)
    def write_watermark(self, mark: tuple[Side, str, int]) -> None:
        for control in (self.real, self.memory):
            control.write_watermark(*mark)

    @rule(mark=MARKS)
    def has_watermark(self, mark: tuple[Side, str, int]) -> None:
        assert self.real.has_watermark(*mark) == self.memory.has_watermark(*mark)

    @rule(mark=MARKS, marked=st.booleans(), written=st.booleans())
    def touched_since(self, mark: tuple[Side, str, int], marked: bool, written: bool) -> None:
        places = self.real.binlog_position(), self.memory.binlog_position()
        if marked:
            self.write_watermark(mark)
        if written:
            self.two.root(self.side, "INSERT INTO shop.log (what) VALUES ('written')")
            self.memory.log.append(("write", 0))
        touched = self.real.touched_since(places[0]), self.memory.touched_since(places[1])
        assert [bool(t) for t in touched] == [written, written]

    # the world ------------------------------------------------------------------------------------
    @rule()
    def tick(self) -> None:
        self.real.db.run("CALL livemove.tick()")
        self.memory.tick()

    @rule()
    def settle(self) -> None:
        assert self.real.settle().done
        self.memory._match()

    @rule(seconds=st.sampled_from([100, 200]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.time += timedelta(seconds=seconds)
        for table, dates in DATES.items():
            back = ", ".join(f"{d} = {d} - INTERVAL {seconds} SECOND" for d in dates)
            self.real.db.run(f"UPDATE livemove.{table} SET {back}")

    # what must agree ------------------------------------------------------------------------------
    @invariant()
    def the_rows_agree(self) -> None:
        real, memory = self.real.read(), self.memory.read()
        for name in ("side", "state", "epoch", "attempt", "position", "promoted"):
            assert getattr(real, name) == getattr(memory, name), name
        assert _near(real.seconds_left, memory.seconds_left)
        assert _near(real.armed_ago, memory.armed_ago)

    @invariant()
    def the_doors_agree(self) -> None:
        row = self.real.db.one("SELECT @@GLOBAL.read_only AS read_only, has_read_only FROM livemove.control")
        assert self.two.locked(self.side) is self.memory.locked
        if row["has_read_only"]:
            assert bool(row["read_only"]) is self.memory.locked
        for epoch in (1, 2, 3):
            open_now = not self.two.locked(self.side, f"livemove_apply_e{epoch}")
            assert open_now is (epoch in self.memory.replicators), f"the replicator of epoch {epoch}"

    @invariant()
    def the_events_agree(self) -> None:
        status = self.two.root(
            self.side, "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop'"
        )
        assert (status[0][0] == "ENABLED") is self.memory.events_on
        assert _names(self.real.sleeping_events()) == _names(self.memory.sleeping_events())

    @invariant()
    def the_hold_agrees(self) -> None:
        rows = self.real.db.rows("SELECT until > UTC_TIMESTAMP(6) AS holds FROM livemove.hold")
        until = self.memory.hold_until
        assert any(r["holds"] for r in rows) is (until is not None and until > self.world.clock.now())

    @invariant()
    def the_watermarks_agree(self) -> None:
        now = self.real.db.one(
            "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6 AS now"
        )["now"]
        for reads in Side:
            real = {
                (m.stream, m.number): float(now) - m.at
                for m in self.real.watermarks(reads)
                if m.stream != "beat"
            }
            clock = self.world.clock.now().timestamp()
            memory = {(m.stream, m.number): clock - m.at for m in self.memory.watermarks(reads)}
            assert real.keys() == memory.keys()
            assert all(_near(real[k], memory[k]) for k in real), (real, memory)


def _plain(o: Outcome) -> tuple[Any, ...]:
    return o.answered, o.state, o.epoch, o.attempt, o.remaining


def _near(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else abs(float(a) - float(b)) < SLACK


def _names(events: list[Json]) -> list[tuple[str, str]]:
    return sorted((e["event_schema"], e["event_name"]) for e in events)


@pytest.mark.servers
@pytest.mark.parametrize("side", list(Side))
def test_the_row_in_memory_answers_as_the_procedures_do(two: Two, side: Side) -> None:
    two.control[side].db.run("DROP EVENT livemove.dead_mans_switch")
    two.control[side].db.run("CREATE EVENT shop.e ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DO 1")
    for epoch in (1, 2, 3):
        two.allow_replicator(side, epoch)
    run_state_machine_as_test(
        lambda: Both(two, side),
        settings=settings(
            max_examples=int(os.environ.get("LIVEMOVE_EXAMPLES", "25")),
            stateful_step_count=25,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *([Phase.shrink] if os.environ.get("LIVEMOVE_SHRINK") != "0" else [])],
        ),
    )


Call = tuple[str, *tuple[Any, ...]]
MINE, ANOTHERS, NEXT_EPOCH = (0, None), (0, "b"), (1, None)
FENCE: tuple[Call, ...] = (("arm", 0, "a", 100),)
SHUT: tuple[Call, ...] = (*FENCE, ("close", *MINE))
TRACES: dict[str, tuple[Call, ...]] = {
    "arm, at another epoch": (("arm", 1, "a", 100),),
    "close, after the lease": (*FENCE, ("time_passes", 200), ("close", *MINE)),
    "close, another's fence": (*FENCE, ("close", *ANOTHERS)),
    "lift, another's fence": (*FENCE, ("lift", *ANOTHERS)),
    "lift, at another epoch": (*FENCE, ("lift", *NEXT_EPOCH)),
    "lift, then the events of the list are awake and the list is empty": (*SHUT, ("lift", *MINE)),
    "cede, another's fence": (*FENCE, ("cede", *ANOTHERS, 0)),
    "cede, at another epoch": (*FENCE, ("cede", *NEXT_EPOCH, 0)),
    "cede, near the end of the lease": (*FENCE, ("cede", *MINE, 300)),
    "cede, then the switch closes what was not closed": (*FENCE, ("cede", *MINE, 0), ("tick",)),
    "follow, with events disabled": (*SHUT, ("cede", *MINE, 0), ("follow", 0)),
    "follow, after its own writes began at a position": (
        ("take_the_writes", "bin:4", False),
        *SHUT,
        ("cede", *MINE, 0),
        ("follow", 0),
    ),
    "claim, an epoch too far": (("claim", 1, False),),
    "claim ends a connection test": (
        *SHUT,
        ("allow_test", 0, 100),
        ("take_the_writes", "bin:4", False),
    ),
    "set_position, twice": (("take_the_writes", "bin:4", True),),
    "open, without a position": (("claim", 0, False), ("open", 0)),
    "promote, by nobody": (("promote", 0, False, ""),),
    "promote, then again": (("promote", 0, False, "a"), ("promote", 0, True, "a")),
    "promote, then by another": (("promote", 0, False, "a"), ("promote", 0, True, "b")),
    "abandon, fenced": (*FENCE, ("abandon", 0, False)),
    "abandon, then again": (("abandon", 0, False), ("abandon", 0, True)),
    "hold": (("ask_hold", 0, 100), ("ask_hold", 0, 0)),
    "hold, at another epoch": (("ask_hold", 1, 100),),
    "test, then its time is over": (("allow_test", 0, 100), ("time_passes", 200), ("tick",)),
    "test, then it is ended": (("allow_test", 0, 100), ("allow_test", 0, 0)),
    "tick, within the lease": (*FENCE, ("tick",)),
    "tick, after the lease": (*SHUT, ("time_passes", 200), ("tick",)),
}
"""Short ways to each procedure's refusal, which the search above would find only by chance."""
AGREE: tuple[Callable[[Both], None], ...] = (
    Both.the_rows_agree,
    Both.the_doors_agree,
    Both.the_events_agree,
    Both.the_hold_agrees,
    Both.the_watermarks_agree,
)


@pytest.mark.servers
@pytest.mark.parametrize("side", list(Side))
def test_known_traces_are_answered_alike(two: Two, side: Side) -> None:
    two.control[side].db.run("DROP EVENT livemove.dead_mans_switch")
    two.control[side].db.run("CREATE EVENT shop.e ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DO 1")
    for epoch in (1, 2, 3):
        two.allow_replicator(side, epoch)
    for name, calls in TRACES.items():
        both = Both(two, side)
        for call, *given in calls:
            getattr(both, call)(*given)
            try:
                for agree in AGREE:
                    agree(both)
            except AssertionError as e:
                raise AssertionError(f"{name}: after {call} {given}: {e}") from e
