"""The commands for recovery in memory: in each state after a crash, explained, done or refused."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from livemove.model.errors import LivemoveError, RefusedError, UnreachableError
from livemove.model.ports import ControlState, Json, Link
from livemove.model.spec import Side
from livemove.switchover import manual_recovery as night
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover
from tests.doubles.moving import Died, Universe
from tests.raising import raises

S, T = Side.SOURCE, Side.TARGET


def make(world: Universe) -> night.Maker:
    return lambda to: Switchover(world.parts(), to, "night", guards=refusals)


def prepare(world: Universe) -> Any:
    def ready(parts: object) -> Json:
        owner = next(db for db in world.db.values() if db.state is ControlState.OPEN)
        world.replicator.prepare(Link("shop", owner.epoch + 1, owner.side.other))
        return {}

    return ready


def died_at(call: str) -> Universe:
    """A move to the target whose process died right after this call."""
    world = Universe()

    def look(name: str) -> None:
        if name == call:
            world.die(name)
        world.strike(0, look, after=True)

    world.strike(0, look, after=True)
    with contextlib.suppress(Died):
        Switchover(world.parts(), T, "airflow", guards=refusals).run()
    world.dead, world.fault = False, None
    return world


def report(world: Universe) -> str:
    return "\n".join(night.report(world.parts()))


FENCED, COMMITTED, OPENED = "close", "cede", "open"


def test_before_any_move_nothing_is_to_be_done() -> None:
    world = Universe()
    text = report(world)
    assert "source OPEN@1" in text
    assert "target FOLLOW@1" in text
    assert "owner of the writes: source" in text
    assert "a move to the target would: start" in text
    assert "replication shop-e1-source-to-target: running" in text
    assert "next: nothing has to be done" in text
    assert "nothing was changed" in night.abort(world.parts())
    assert "no move is under way" in night.go_on(world.parts(), make(world))
    assert "is the owner from the beginning" in night.roll_back(world.parts(), make(world), prepare(world))
    assert night.rollback_plan(world.parts(), night.ControlStates.of(world.parts())) == []
    world.audit(S)


def test_a_fence_is_lifted_by_abort_and_by_nothing_else() -> None:
    world = died_at(FENCED)
    assert "attempt airflow" in report(world)
    assert "next: if nobody is moving the writes right now: livemove abort" in report(world)
    with raises(RefusedError, "livemove abort"):
        night.go_on(world.parts(), make(world))
    assert (
        night.abort_plan(night.ControlStates.of(world.parts()))[0]
        == "CALL livemove.lift_fence(1, 'airflow') on the source: source OPEN@1"
    )
    assert night.abort(world.parts()).startswith("source OPEN@1")
    world.audit(S)


@pytest.mark.parametrize("call", [COMMITTED, "claim", OPENED, "repoint"])
def test_after_the_commit_abort_refuses_and_continue_finishes(call: str) -> None:
    world = died_at(call)
    assert "next: livemove continue" in report(world)
    with raises(RefusedError, "livemove continue"):
        night.abort(world.parts())
    plan = night.continue_plan(world.parts(), night.ControlStates.of(world.parts()))
    assert [line.split(" ")[0] for line in plan] == ["7", "8", "9", "10", "11", "12", "13"]
    assert (
        night.go_on(world.parts(), make(world)) == "the target is the owner since epoch 2, the source follows"
    )
    world.audit(T)
    assert "livemove rollback moves the writes back" in report(world)


@pytest.mark.parametrize("call", [FENCED, COMMITTED, "claim", OPENED, "repoint"])
def test_rollback_brings_the_writes_home_from_everywhere(call: str) -> None:
    world = died_at(call)
    assert night.rollback_plan(world.parts(), night.ControlStates.of(world.parts())) or call == FENCED
    said = night.roll_back(world.parts(), make(world), prepare(world))
    assert said.startswith("the source is the owner")
    world.audit(S)


def test_a_finished_move_is_continued_without_harm_and_rolled_back() -> None:
    world = Universe()
    Switchover(world.parts(), T, "a", guards=refusals).run()
    return_path.run(world.parts())
    night.go_on(world.parts(), make(world))
    world.audit(T)
    plan = night.rollback_plan(world.parts(), night.ControlStates.of(world.parts()))
    assert any(line.startswith("6 commit: reads target FENCED@2") for line in plan)
    night.roll_back(world.parts(), make(world), prepare(world))
    world.audit(S)
    assert "the source is the owner since epoch 3" in night.go_on(world.parts(), make(world))
    world.audit(S)


@pytest.mark.parametrize("call", ["", FENCED, COMMITTED])
def test_a_silent_source_is_told_and_nothing_is_touched(call: str) -> None:
    world = died_at(call) if call else Universe()
    world.db[S].reachable = False
    before = (world.db[T].state, world.db[T].epoch)
    assert "source: does not answer" in report(world)
    assert "touch nothing before the source answers" in report(world)
    for verb in (
        lambda: night.abort(world.parts()),
        lambda: night.go_on(world.parts(), make(world)),
        lambda: night.roll_back(world.parts(), make(world), prepare(world)),
    ):
        with pytest.raises(LivemoveError):
            verb()
    assert (world.db[T].state, world.db[T].epoch) == before


def test_a_silent_target_after_no_move_at_all_is_no_move_to_continue() -> None:
    world = Universe()
    world.db[T].reachable = False
    assert "source is the owner; touch nothing before the target answers" in report(world)
    with pytest.raises(UnreachableError):
        night.go_on(world.parts(), make(world))
    world.audit(S)


def test_a_source_that_dies_after_the_claim_leaves_the_target_serving_and_says_what_is_missing() -> None:
    world = died_at("claim")
    world.db[S].reachable = False
    with raises(UnreachableError, "livemove continue"):
        night.go_on(world.parts(), make(world))
    assert world.owner() is world.db[T]
    world.db[S].reachable = True
    night.go_on(world.parts(), make(world))
    world.audit(T)


def test_servers_and_replication_that_do_not_answer_are_lines_of_the_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Universe()
    world.fleet.servers[0].dead = True

    def gone() -> list[Link]:
        raise UnreachableError("DMS does not answer")

    monkeypatch.setattr(world.replicator, "links", gone)
    text = report(world)
    assert "server idc: does not answer (dead)" in text
    assert "replication: DMS does not answer" in text
