"""The emergency in memory: who may promote, what it says, and what holds afterwards for everything else."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ledger import Promotion
from livemove.model.ports import ControlRow, ControlState, Link, TableProgress
from livemove.model.spec import Side
from livemove.switchover import manual_recovery as night
from livemove.switchover import promotion
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.guards import refusals
from livemove.switchover.next_action import ActionKind, next_action
from livemove.switchover.protocol import Switchover
from livemove.switchover.rollback import go_back
from tests.doubles.moving import Died, Universe
from tests.raising import raises

S, T = Side.SOURCE, Side.TARGET
OPEN, FENCED, CEDED, FOLLOW, CLAIMED = ControlState
WORD = "the source of shop is off"


def kill(world: Universe) -> None:
    """The machine of the data centre is gone: database and web server."""
    db = world.db[S]
    db.reachable, db.locked, db.events_on = False, True, False
    db.tick = lambda: None  # type: ignore[method-assign]
    world.fleet.servers[0].dead = True
    world.db[T].beaten = world.clock.now() - timedelta(seconds=3)
    world.ledger.write("schema/source", {"triggers": [], "events": []})


def come_back(world: Universe, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it died: open by its own row."""
    db = world.db[S]
    db.reachable, db.locked, db.events_on = True, False, True
    monkeypatch.setattr(world, "check", lambda: None)


def maker(world: Universe, attempt: str = "p") -> night.Maker:
    return lambda to: Switchover(world.parts(), to, attempt, guards=refusals)


def promote(world: Universe, word: str = WORD, token: str = "token") -> Promotion:
    return promotion.promote(world.parts(), T, word, token, maker(world))


def test_the_target_takes_over_and_says_what_may_be_missing() -> None:
    world = Universe()
    kill(world)
    done = promote(world)
    assert (done.epoch, done.owner, done.token) == (2, Side.TARGET, "token")
    assert world.owner() is world.db[T]
    assert world.db[T].events_on
    assert world.db[T].triggers
    assert world.fleet.servers[1].uses is T
    said = " ".join(done.message)
    assert "the last watermark that arrived was written on the source at" in said
    assert "14 s at the most" in said  # three when it died, ten of silence, one more look
    assert world.ledger.load(Promotion, epoch=2) == done
    assert [e["event"] for e in world.ledger.noted][-1] == "promoted"


@pytest.mark.parametrize("word", ["", "yes", "the target of shop is off", "the source of shop is off "])
def test_nobody_promotes_without_the_sentence(word: str) -> None:
    world = Universe()
    kill(world)
    with raises(RefusedError, promotion.sentence("shop")):
        promote(world, word)
    assert world.db[T].state is FOLLOW


def test_a_source_that_answers_is_no_emergency_whatever_is_typed() -> None:
    world = Universe()
    world.ledger.write("schema/source", {"triggers": []})
    with raises(RefusedError, "source OPEN@1"):
        promote(world)
    assert world.db[T].state is FOLLOW
    world.audit(S)


def test_a_committed_move_needs_no_promotion() -> None:
    world = Universe()

    def die_after_claim(name: str) -> None:
        if name == "claim":
            world.die(name)
        world.strike(0, die_after_claim, after=True)

    world.strike(0, die_after_claim, after=True)
    with contextlib.suppress(Died):
        Switchover(world.parts(), T, "a", guards=refusals).run()
    world.dead, world.fault = False, None
    kill(world)
    with raises(RefusedError, "livemove continue"):
        promote(world)
    assert not world.db[T].promoted


def test_without_the_application_s_triggers_it_is_refused() -> None:
    world = Universe()
    kill(world)
    world.ledger.kept.clear()
    with pytest.raises(RefusedError, match="neither triggers nor events"):
        promote(world)


def test_what_the_replicator_still_holds_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Universe()
    kill(world)
    began = world.clock.now()

    def tables(link: Link) -> list[TableProgress]:
        behind = (world.clock.now() - began).total_seconds() < 30
        return [TableProgress("shop", "orders", "Table completed", inserts=9, applied=5 if behind else 9)]

    monkeypatch.setattr(world.replicator, "tables", tables)
    done = promote(world)
    assert (world.clock.now() - began).total_seconds() >= 30 + promotion.QUIET
    assert done.undelivered == 0


def test_one_that_never_gets_quiet_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Universe()
    kill(world)
    monkeypatch.setattr(
        world.replicator, "tables", lambda link: [TableProgress("shop", "orders", "?", inserts=9, applied=5)]
    )
    began = world.clock.now()
    assert promote(world).undelivered == 4
    assert (world.clock.now() - began).total_seconds() <= promotion.LONGEST + 30


CALLS = 40


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(CALLS))
def test_it_may_die_anywhere_and_is_finished_by_running_it_again(number: int, after: bool) -> None:
    world = Universe()
    kill(world)
    world.strike(number, world.die, after=after)
    with contextlib.suppress(Died, LivemoveError):
        promote(world)
    world.dead, world.fault = False, None
    # what was known at the take-over, or seen now where its answer got lost
    most = 15 if world.db[T].promoted and "promotion/2" not in world.ledger.kept else 14
    taken = world.db[T].promoted
    again = promote(world, token="another")
    assert again.epoch == 2
    assert not taken or any(f"{most} s at the most" in line for line in again.message)
    assert world.owner() is world.db[T]
    assert world.fleet.servers[1].uses is T


def test_two_people_at_once_promote_once() -> None:
    world = Universe()
    kill(world)
    done = []

    def arriving(name: str) -> None:
        if name.endswith("promote"):
            done.append(promote(world, token="first"))
        else:
            world.strike(0, arriving, after=False)

    world.strike(0, arriving, after=False)
    with pytest.raises(RefusedError, match="could not be promoted"):
        promote(world, token="second")
    assert [d.token for d in done] == ["first"]
    assert world.db[T].epoch == 2
    assert world.owner() is world.db[T]


def test_a_source_that_comes_back_is_never_an_owner_a_follower_or_a_way_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Universe()
    kill(world)
    promote(world)
    come_back(world, monkeypatch)
    told = "\n".join(night.report(world.parts()))
    assert "next: AT ONCE livemove promote again: the source came back and is open beside the target" in told
    for act in (
        lambda: Switchover(world.parts(), S, "x", guards=refusals).run(),
        lambda: Switchover(world.parts(), T, "x", guards=refusals).run(),
        lambda: return_path.run(world.parts()),
        lambda: go_back(world.parts(), maker(world), lambda p: {}),
        lambda: night.go_on(world.parts(), maker(world)),
    ):
        with pytest.raises(RefusedError, match="was promoted"):
            act()
    assert (world.db[S].state, world.db[S].epoch) == (OPEN, 1)

    again = promote(world)
    assert "came back as source OPEN@1 and is closed now" in again.old_owner_came_back
    assert (world.db[S].state, world.db[S].epoch, world.db[S].locked) == (CEDED, 2, True)
    monkeypatch.undo()
    world.wait(5)
    assert world.owner() is world.db[T]
    assert "the source is never reopened: rebuild it" in "\n".join(night.report(world.parts()))
    with pytest.raises(RefusedError, match="was promoted"):
        return_path.run(world.parts())
    with pytest.raises(RefusedError, match="was promoted"):
        go_back(world.parts(), maker(world), lambda p: {})


def row(side: Side, state: ControlState, epoch: int, promoted: bool = False) -> ControlRow:
    return ControlRow(side, state, epoch, promoted=promoted)


@pytest.mark.parametrize("state", list(ControlState))
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_beside_a_promoted_target_no_source_is_ever_started_or_followed(
    state: ControlState, epoch: int
) -> None:
    target, source = row(T, OPEN, 2, promoted=True), row(S, state, epoch)
    assert next_action(target, source, to=S).do is ActionKind.REBUILD
    there = next_action(source, target, to=T).do
    assert there is (ActionKind.GO_ON if state is CEDED else ActionKind.REBUILD)
    assert next_action(source, row(T, CLAIMED, 2, promoted=True), to=T).do is ActionKind.GO_ON
