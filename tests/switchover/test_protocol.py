"""The protocol in memory: every call of every move struck by a crash, a lost answer, a second attempt."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from livemove.model.errors import (
    LivemoveError,
    ManualInterventionRequired,
    RefusedError,
    SwitchoverAborted,
    SwitchoverIncomplete,
    UnreachableError,
)
from livemove.model.ports import Answered, ControlState, Json, Link, Outcome, Reply, SwitchHealth
from livemove.model.spec import Side
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.guards import (
    CALLS_IN_A_ROW,
    OWN_WORK_MS,
    WORDS_IN_A_ROW,
    expected_pause,
    refusals,
    server_reasons,
    switch_ticks,
)
from livemove.switchover.protocol import STEPS, Switchover
from livemove.switchover.rollback import go_back
from livemove.switchover.steps import HELD_WITHIN
from tests.doubles.moving import Died, Universe
from tests.raising import raises

S, T = Side.SOURCE, Side.TARGET


def move(world: Universe, to: Side = T, attempt: str = "a") -> Json:
    return Switchover(world.parts(), to, attempt, guards=refusals).run()


def back(world: Universe) -> Json:
    def prepare(parts: object) -> Json:
        owner = next(db for db in world.db.values() if db.state is ControlState.OPEN)
        world.replicator.prepare(Link("shop", owner.epoch + 1, owner.side.other))
        return {}

    parts = world.parts()
    return go_back(parts, lambda to: Switchover(parts, to, "back", guards=refusals), prepare)


def calls_of_a_move() -> int:
    world = Universe()
    began = len(world.calls)
    move(world)
    return len(world.calls) - began


CALLS = calls_of_a_move()
BOTH = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
EACH = pytest.mark.parametrize("number", range(CALLS))
LATE = pytest.mark.parametrize("asleep", [False, True], ids=["waiters look", "waiters sleep"])


Fault = Callable[[Universe, str], None]


def die(world: Universe, name: str) -> None:
    world.die(name)


def lose(world: Universe, name: str) -> None:
    raise UnreachableError(f"the answer to {name} was lost")


def struck(world: Universe, number: int, fault: Fault, after: bool) -> None:
    """A move to the target with one fault; whatever it raises is its own affair."""
    world.strike(number, lambda name: fault(world, name), after=after)
    with contextlib.suppress(Died, LivemoveError):
        move(world)
    world.dead = False


def test_a_move_and_its_return_path(capsys: pytest.CaptureFixture[str]) -> None:
    world = Universe()
    document = move(world)
    assert (document.epoch, document.from_, document.to, document.result) == (
        2,
        "source",
        "target",
        "moved",
    )
    assert world.ledger.kept["switchover/2"]["fenced_ms"] == document.fenced_ms
    world.audit(T)
    followed = return_path.run(world.parts())
    assert followed.position == document.position
    assert str(world.db[S].read()) == "source FOLLOW@2"
    world.turn()
    world.turn()
    assert sorted(world.db[S].rows) == sorted(world.db[T].rows) or world.replicator.writes_to(world.db[S])


def test_the_dry_run_tells_the_steps_of_the_real_run_in_their_order() -> None:
    world = Universe()
    told = Switchover(world.parts(), T, "dry", guards=refusals).dry_run(1)
    assert len(world.calls) == 0
    done = move(world).steps
    assert [t.split(":")[0] for t in told] == [f"{s.step} {s.name}" for s in done]
    assert [s.number for s in STEPS] == list(range(12))
    assert (
        told[6] == "6 commit: reads source FENCED@1, mine, lease not near its end, nothing written after the"
        " position; "
        "source CEDED@2: one compare-and-set. Undo: none: only forward. May write then: nobody"
    )
    assert told[9].endswith("May write then: target")


@BOTH
@EACH
def test_the_process_dies_and_nobody_comes(number: int, after: bool) -> None:
    """I3: before the commit the old owner opens by itself; after it all is closed, or the target is open."""
    world = Universe()
    struck(world, number, die, after)
    world.wait(30)
    source, target = world.db[S], world.db[T]
    if source.state is ControlState.OPEN:
        assert world.owner() is source
        assert source.events_on
    else:
        assert source.state is ControlState.CEDED
        assert world.owner() in (None, target)


@BOTH
@EACH
@pytest.mark.parametrize("wait", [0, 30])
@LATE
def test_the_process_dies_and_a_retry_completes_the_move(
    number: int, after: bool, wait: int, asleep: bool
) -> None:
    world = Universe()
    world.fleet.asleep = asleep
    struck(world, number, die, after)
    world.wait(wait)
    move(world, attempt="retry")
    world.audit(T)
    return_path.run(world.parts())
    world.audit(T)


@BOTH
@EACH
@LATE
def test_the_process_dies_and_a_rollback_brings_everything_home(
    number: int, after: bool, asleep: bool
) -> None:
    world = Universe()
    world.fleet.asleep = asleep
    struck(world, number, die, after)
    assert back(world).document["owner"] == "source"
    world.fleet.look()
    world.audit(S)


@BOTH
@EACH
def test_a_lost_answer_never_loses_a_write(number: int, after: bool) -> None:
    world = Universe()
    struck(world, number, lose, after)
    move(world, attempt="retry")
    world.audit(T)


@BOTH
@EACH
@pytest.mark.parametrize("other", ["retry", "rollback"])
def test_a_stalled_attempt_wakes_up_behind_another(number: int, after: bool, other: str) -> None:
    """I4: the zombie's late acts are refused or change nothing, whoever ran in between."""
    world = Universe()

    def overtake(world: Universe, name: str) -> None:
        if world.lock_of:
            return  # the row's lock keeps others waiting; here nobody can wait
        try:
            if other == "retry":
                move(world, attempt="second")
                return_path.run(world.parts())
            else:
                back(world)
        except LivemoveError:
            pass

    struck(world, number, overtake, after)
    world.wait(30)
    goal = T if other == "retry" else world.owner().side if world.owner() else S  # type: ignore[union-attr]
    if other == "retry":
        move(world, attempt="last")
    world.audit(goal)


@pytest.mark.parametrize("unarmed", [set(), {"idc", "cloud"}], ids=["armed", "told"])
def test_an_attempt_that_was_overtaken_leaves_no_server_holding_and_no_job_off(unarmed: set[str]) -> None:
    for number in range(CALLS):
        world = Universe()
        world.fleet.unarmed = unarmed

        def overtake(name: str, world: Universe = world) -> None:
            if not world.lock_of:
                with contextlib.suppress(LivemoveError):
                    move(world, attempt="second")
                    return_path.run(world.parts())

        world.strike(number, overtake, after=False)
        with contextlib.suppress(LivemoveError):
            move(world)
        owner = world.owner()
        assert owner
        assert world.fleet.jobs is owner.side, number
        assert [s.name for s in world.fleet.servers if s.held] == [], number


def test_an_undone_attempt_leaves_the_hold_to_the_one_that_has_the_fence_now() -> None:
    world = Universe()

    def overtaken(name: str) -> None:
        assert world.db[S].lift(1, "a").done
        assert world.db[S].arm(1, "b", 20).done

    at(world, "arm", overtaken, time=2)
    with pytest.raises(SwitchoverAborted):
        move(world)
    assert (world.db[S].state, world.db[S].attempt) == (ControlState.FENCED, "b")
    assert [(s.armed, s.held) for s in world.fleet.servers] == [((2, T), True)] * 2
    assert world.fleet.jobs is None


@pytest.mark.parametrize("blind", [False, True], ids=["rows answer", "rows do not"])
def test_an_attempt_whose_guards_break_claims_nothing_of_what_another_did_meanwhile(blind: bool) -> None:
    world = Universe()

    def overtaken(parts: object, to: Side, epoch: int) -> list[str]:
        move(world, attempt="b")
        world.db[S].reachable = world.db[T].reachable = not blind
        raise UnreachableError("the target did not answer in time")

    with pytest.raises(SwitchoverAborted) as e:
        Switchover(world.parts(), T, "a", guards=overtaken).run()
    assert e.value.owner == ("it is not known which database" if blind else "the target")
    document = world.ledger.kept["switchover/2"]
    assert (document["attempt"], document["result"]) == ("b", "moved")
    assert [e["result"] for e in world.ledger.noted if e["event"] == "switchover"] == ["moved", "aborted"]


def test_going_on_after_a_crash_in_the_return_path() -> None:
    for after in (False, True):
        for number in range(40):
            world = Universe()
            move(world)
            world.strike(number, world.die, after=after)
            with contextlib.suppress(Died):
                return_path.run(world.parts())
            world.dead, world.fault = False, None
            return_path.run(world.parts())
            world.audit(T)
            assert back(world).document["owner"] == "source"
            world.audit(S)


def test_there_and_back_twice_ends_at_epoch_five() -> None:
    world = Universe()
    for n in range(2):
        move(world, attempt=f"there {n}")
        return_path.run(world.parts())
        assert back(world).epoch == 3 + 2 * n
        world.replicator.prepare(Link("shop", 4 + 2 * n, T))
        world.audit(S)
    assert back(world).message.endswith("epoch 5")


def test_whatever_is_written_after_the_first_watermark_is_seen_before_the_commit() -> None:
    """An account that no fence knows: its row may lie behind the watermarks, so it must count as late."""
    world = Universe()
    document = move(world)
    watermark = next(n for n, e in enumerate(world.db[S].log) if e[0] == "mark" and e[1][1] == "a")
    assert int(document.drained.split(":")[1]) <= watermark


def test_asking_it_to_stop_undoes_before_the_commit_and_finishes_after_it() -> None:
    for number in range(CALLS):
        world = Universe()
        mover = Switchover(world.parts(), T, "a", guards=refusals)
        world.strike(number, lambda name, m=mover: m.stop(), after=False)  # type: ignore[misc]
        goal = T
        try:
            mover.run()
        except SwitchoverAborted as e:
            goal = S
            if "the source is the owner; nothing was changed" not in str(e):
                raise
        world.audit(goal)


def test_a_rollback_that_has_nothing_to_undo_says_so_and_touches_nothing() -> None:
    world = Universe()
    assert "is the owner from the beginning" in back(world).message
    assert world.calls == ["source read", "target read"]


def test_a_source_that_is_gone_after_the_commit_does_not_keep_the_target_shut() -> None:
    world = Universe()
    world.strike(CALLS - 12, world.die, after=False)
    with pytest.raises(Died):
        move(world)
    world.dead = False
    assert world.db[T].state is ControlState.CLAIMED
    world.db[S].reachable = False
    move(world, attempt="retry")
    assert world.owner() is world.db[T]
    assert world.db[T].events_on


def test_a_source_that_is_gone_before_the_claim_is_a_question_for_a_person() -> None:
    world = Universe()
    world.db[S].reachable = False
    before = world.db[T].state
    with raises(ManualInterventionRequired, changed=False):
        move(world)
    assert world.db[T].state is before


def test_an_unreachable_target_refuses_and_names_the_owner() -> None:
    world = Universe()
    world.db[T].reachable = False
    with raises(RefusedError, "nothing was changed"):
        move(world)
    world.audit(S)


def test_a_gap_in_the_epochs_stops_for_a_person() -> None:
    world = Universe()
    world.db[S].epoch = 5
    with pytest.raises(ManualInterventionRequired):
        move(world)


def test_an_unanswered_commit_with_a_silent_source_is_neither_yes_nor_no() -> None:
    world = Universe()

    def partition(name: str) -> None:
        if name == "cede":
            world.db[S].reachable = False
            raise UnreachableError("lost")
        world.strike(0, partition, after=True)

    world.strike(0, partition, after=True)
    with pytest.raises(ManualInterventionRequired, match="either the source or"):
        move(world)
    world.db[S].reachable = True
    move(world, attempt="retry")
    world.audit(T)


def test_a_dead_server_is_reported_and_the_others_move() -> None:
    world = Universe()
    mover = Switchover(world.parts(), T, "a", guards=lambda *_: [])
    world.fleet.servers[0].dead = True
    assert mover.run().servers_left_behind == ["idc"]
    world.audit(T)


def test_a_server_that_answers_and_does_not_move_makes_the_task_fail_for_a_retry() -> None:
    world = Universe()
    mover = Switchover(world.parts(), T, "a", guards=lambda *_: [])
    world.fleet.servers[0].epoch = 9
    with raises(SwitchoverIncomplete, owner="the target", changed=True):
        mover.run()
    world.fleet.servers[0].epoch = 0
    move(world, attempt="retry")
    world.audit(T)


def test_all_reasons_of_the_guards_are_told_at_once() -> None:
    world = Universe()
    world.replicator.stop(Link("shop", 1, S))
    world.replicator.delete(Link("shop", 2, T))
    world.fleet.servers[1].dead = True
    with pytest.raises(RefusedError) as refused:
        move(world)
    for reason in (
        "is stopped",
        "reverse replication is not prepared",
        "server cloud does not answer",
        "a watermark",
    ):
        assert reason in str(refused.value)
    world.audit(S)


def at_the_commit(world: Universe, fault: Callable[[], None]) -> None:
    """The fault strikes when the commit has arrived and before its answer is read."""
    at(world, "cede", lambda name: fault(), time=None)


def at(world: Universe, call: str, fault: Callable[[str], None], *, time: int | None = 1) -> None:
    """The fault strikes after the call of this name, the first or a later time; None: each time."""
    seen = 0

    def look(name: str) -> None:
        nonlocal seen
        world.strike(0, look, after=True)
        if name == call:
            seen += 1
            if time in (None, seen):
                fault(name)

    world.strike(0, look, after=True)


def test_a_commit_whose_answer_was_lost_is_read_from_the_row() -> None:
    world = Universe()

    def lost() -> None:
        raise UnreachableError("lost")

    at_the_commit(world, lost)
    document = move(world)
    assert document.steps[6].seen == "source CEDED@2; its answer was lost"
    world.audit(T)


def test_a_commit_whose_answer_comes_when_others_have_finished_the_move_is_not_called_undone() -> None:
    world = Universe()

    def lost() -> None:
        move(world, attempt="second")
        return_path.run(world.parts())
        raise UnreachableError("lost")

    at_the_commit(world, lost)
    document = move(world)
    assert document.steps[6].seen == "source FOLLOW@2; its answer was lost"
    world.audit(T)


def test_an_interruption_right_after_the_commit_is_finished_and_not_called_aborted() -> None:
    world = Universe()

    def interrupted() -> None:
        raise TimeoutError("the task's time is over")

    at_the_commit(world, interrupted)
    assert move(world).result == "moved"
    world.audit(T)


def test_armed_servers_move_by_themselves_and_are_told_as_well() -> None:
    world = Universe()
    document = move(world)
    assert [s.moved_by for s in world.fleet.servers] == ["itself", "itself"]
    assert document.steps[1].seen == "armed: 2 of 2 servers; requests wait: 2 of 2 servers"
    assert document.steps[10].seen == "2 of 2 servers"
    names = [c for c in world.calls if c in ("arm", "target ask_hold", "target held", "source arm")]
    assert names == ["target ask_hold", "arm", "target ask_hold", "target held", "source arm"]


def test_a_server_that_cannot_be_armed_is_named_and_told_by_word() -> None:
    world = Universe()
    world.fleet.unarmed = {"idc"}
    document = move(world)
    assert document.steps[1].seen.startswith("armed: 1 of 2 servers; idc: ")
    assert world.fleet.told_to_hold == ["idc"]
    assert {s.name: s.moved_by for s in world.fleet.servers} == {"idc": "word", "cloud": "itself"}
    assert world.ledger.kept["expected_pause"]["not_armed"] == {"idc": "no client"}
    assert world.ledger.kept["expected_pause"]["budget_ms"] == world.parts().settings.pause_budget * 1000
    world.audit(T)


def test_a_server_whose_waiter_does_not_answer_keeps_the_hold_waiting_no_longer_than_its_limit() -> None:
    world = Universe()
    world.fleet.asleep = True
    began = world.clock.now()
    document = move(world)
    assert document.steps[1].seen.endswith("0 of 2 servers; cloud: did not hold; idc: did not hold")
    assert (world.clock.now() - began).total_seconds() < HELD_WITHIN + 1
    assert [s.moved_by for s in world.fleet.servers] == ["word", "word"]


def test_an_undone_move_ends_hold_and_waiters_and_lets_the_jobs_run_again() -> None:
    world = Universe()
    mover = Switchover(world.parts(), T, "a", guards=refusals)
    seen: list[tuple[bool, Side | None]] = []

    def stop(name: str) -> None:
        seen.append((all(s.held for s in world.fleet.servers), world.fleet.jobs))
        mover.stop()

    at(world, "close", stop)
    with pytest.raises(SwitchoverAborted):
        mover.run()
    assert seen == [(True, None)]
    assert [(s.armed, s.held) for s in world.fleet.servers] == [(None, False)] * 2
    assert world.fleet.jobs is S
    assert world.db[T].hold_until <= world.clock.now()
    move(world, attempt="retry")
    assert world.fleet.jobs is T


def test_a_hold_that_a_dead_attempt_left_behind_is_called_off_before_the_servers_are_armed_anew() -> None:
    world = Universe()
    at(world, "ask_hold", world.die, time=2)
    with pytest.raises(Died):
        move(world)
    world.dead = False
    assert all(s.held for s in world.fleet.servers)
    held_at_arm: list[bool] = []
    at(world, "ask_hold", lambda name: held_at_arm.append(any(s.held for s in world.fleet.servers)))
    move(world, attempt="retry")
    assert held_at_arm == [False]


def test_a_waiter_that_nobody_reached_and_that_wakes_behind_a_rollback_stays_at_home() -> None:
    world = Universe()
    lost = world.fleet.servers[0]

    def away(name: str) -> None:
        lost.dead = True

    at(world, "cede", away)
    with contextlib.suppress(SwitchoverIncomplete):
        move(world)
    assert lost.armed == (2, T)
    back(world)
    lost.dead = False
    world.fleet.look()
    assert (lost.armed, lost.uses) == (None, S)
    world.audit(S)


def test_only_servers_that_cannot_be_armed_bring_their_delivery_into_the_expected_pause() -> None:
    expected = {}
    for unarmed in (set(), {"cloud"}):
        world = Universe()
        world.fleet.unarmed = unarmed
        world.fleet.delivery = 2.0
        expected[len(unarmed)] = expected_pause(world.parts(), T).ms
    assert expected[0] == OWN_WORK_MS + WORDS_IN_A_ROW * 30
    assert expected[1] == expected[0] + 4000


def test_a_far_database_brings_its_way_into_the_expected_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = Universe(), Universe()
    for db in far.db.values():
        monkeypatch.setattr(db, "ping", lambda: far.clock.sleep(0.01), raising=True)
    there = expected_pause(far.parts(), T)
    assert there.database_ms == 10
    assert there.ms - expected_pause(near.parts(), T).ms == CALLS_IN_A_ROW * 10


def test_a_write_behind_the_drained_position_is_no_commit() -> None:
    world = Universe()
    source = world.db[S]

    def somebody_writes(seconds: float) -> list[str]:
        source.log.append(("ddl", 0))
        return []

    world.proof.differences = somebody_writes  # type: ignore[method-assign]
    with pytest.raises(SwitchoverAborted):
        move(world)
    assert (source.state, source.epoch) == (ControlState.OPEN, 1)


LOOKS_UNTIL_CLEAR = pytest.mark.parametrize(
    "seen",
    [
        [(Answered.DONE, 0), (Answered.DONE, 0)],
        [(Answered.DONE, 0), (Answered.DONE, 1), (Answered.DONE, 0), (Answered.DONE, 0)],
        [(Answered.DONE, 0), (Answered.BUSY, 0), (Answered.DONE, 0), (Answered.DONE, 0)],
    ],
)


@LOOKS_UNTIL_CLEAR
def test_the_fence_is_clear_after_two_answers_in_a_row_that_saw_nobody(
    seen: list[tuple[Answered, int]],
) -> None:
    world = Universe()
    source = world.db[S]
    close, left = source.close, list(seen)

    def look(epoch: int, attempt: str) -> Outcome:
        answered, remaining = left.pop(0)
        return replace(close(epoch, attempt), answered=answered, remaining=remaining)

    source.close = look  # type: ignore[method-assign]
    assert move(world).result == "moved"
    assert left == []


@LOOKS_UNTIL_CLEAR
def test_a_claim_is_clear_after_two_answers_in_a_row_that_saw_nobody(
    seen: list[tuple[Answered, int]],
) -> None:
    world = Universe()
    target = world.db[T]
    claim, left = target.claim, list(seen)

    def look(epoch: int) -> Outcome:
        answered, remaining = left.pop(0)
        return replace(claim(epoch), answered=answered, remaining=remaining)

    target.claim = look  # type: ignore[method-assign]
    assert move(world).result == "moved"
    assert left == []


def fenced_for_ever(world: Universe) -> None:
    """From the fence on the replicator brings nothing more; a wait without an end is an error."""

    def stand_still(name: str) -> None:
        world.replicator.apply = lambda: None  # type: ignore[method-assign]

    at(world, "close", stand_still)
    sleep, until = world.clock.sleep, world.clock.now() + timedelta(minutes=1)

    def patiently(seconds: float) -> None:
        assert world.clock.now() < until, "the wait does not end"
        sleep(seconds)

    world.clock.sleep = patiently  # type: ignore[method-assign]


def test_a_drain_that_does_not_end_is_undone_when_the_budget_is_over() -> None:
    world = Universe()
    fenced_for_ever(world)
    began = world.clock.now()
    with pytest.raises(SwitchoverAborted):
        move(world)
    waited = (world.clock.now() - began).total_seconds()
    assert 0 <= waited - world.parts().settings.pause_budget < 1
    assert (world.db[S].state, world.db[S].epoch) == (ControlState.OPEN, 1)


def test_a_fence_that_never_gets_clear_is_undone_when_the_budget_is_over() -> None:
    world = Universe()
    source, close, began = world.db[S], world.db[S].close, world.clock.now()
    source.close = lambda *mine: replace(close(*mine), remaining=1)  # type: ignore[method-assign]
    with pytest.raises(SwitchoverAborted):
        move(world)
    waited = (world.clock.now() - began).total_seconds()
    assert 0 <= waited - world.parts().settings.pause_budget < 1
    assert (source.state, source.epoch) == (ControlState.OPEN, 1)


def test_a_batch_that_brings_its_watermark_before_its_rows_loses_none() -> None:
    world = Universe()
    source, target, link = world.db[S], world.db[T], Link("shop", 1, S)
    late: list[tuple[str, int]] = []

    def in_batches() -> None:
        """A batch ends with a watermark, which is there at once; its rows come with the next batch."""
        batch = source.log[world.replicator.at[link] :]
        if link.epoch not in target.replicators or not any(e[0] == "mark" for e in batch):
            return
        target.rows += late
        target.log += late
        late[:] = [(e[0], e[1]) for e in batch if e[0] != "mark"]
        target.marks |= {e[1]: source.marks[e[1]] for e in batch if e[0] == "mark"}
        world.replicator.at[link] = len(source.log)

    world.replicator.apply = in_batches  # type: ignore[method-assign]
    world.proof.differences = lambda seconds: []  # type: ignore[method-assign]
    move(world)
    world.audit(T)


@pytest.mark.parametrize(
    ("sessions", "watermarks"), [(({1}, {1}), 2), (({1}, {2}, {2}, {2}), 4), ((set(), {1}, {1}), 4)]
)
def test_watermarks_count_that_came_through_one_incarnation_of_the_replicator(
    sessions: tuple[set[int], ...], watermarks: int
) -> None:
    world, seen = Universe(), list(sessions)
    world.db[T].replicator_sessions = lambda epoch: frozenset(seen.pop(0))  # type: ignore[method-assign]
    move(world)
    assert seen == []
    assert sum(stream == "a" for _, stream, _ in world.db[T].marks) == watermarks


def test_asking_it_to_stop_ends_a_wait_inside_the_fence() -> None:
    world = Universe()
    mover = Switchover(world.parts(), T, "a", guards=refusals)
    fenced_for_ever(world)
    sleep, began = world.clock.sleep, world.clock.now()

    def stopped_after_a_second(seconds: float) -> None:
        sleep(seconds)
        if (world.clock.now() - began).total_seconds() > 1:
            mover.stop()

    world.clock.sleep = stopped_after_a_second  # type: ignore[method-assign]
    with pytest.raises(SwitchoverAborted):
        mover.run()
    assert (world.clock.now() - began).total_seconds() < 2
    assert world.db[S].state is ControlState.OPEN


def test_a_commit_that_cannot_be_undone_for_silence_is_a_question_for_a_person() -> None:
    """The commit was sent, its wait was interrupted, and the database that would tell has fallen silent."""
    world = Universe()

    def interrupted() -> None:
        world.db[S].reachable = False
        raise TimeoutError("the task's time is over")

    at_the_commit(world, interrupted)
    with pytest.raises(ManualInterventionRequired):
        move(world)
    world.db[S].reachable = True
    move(world, attempt="retry")
    world.audit(T)


def test_differences_inside_the_fence_are_no_commit() -> None:
    world = Universe()
    world.proof.differences = lambda seconds: ["shop.orders: 1 rows differ"]  # type: ignore[method-assign]
    with pytest.raises(SwitchoverAborted, match=r"shop\.orders: 1 rows differ"):
        move(world)
    world.audit(S)


@pytest.mark.parametrize(("age", "reasons"), [(None, 2), (2.9, 0), (3.1, 2), (29.0, 2)])
def test_a_switch_that_has_not_ticked_for_three_seconds_refuses(age: float | None, reasons: int) -> None:
    world = Universe()
    for db in world.db.values():
        db.health = lambda _: SwitchHealth(True, True, age)  # type: ignore[method-assign]
    assert len(list(switch_ticks(world.parts(), T, 1))) == reasons


@pytest.mark.parametrize(
    ("health", "reasons"),
    [
        (SwitchHealth(True, True, 0.1), {S: 0, T: 0}),
        (SwitchHealth(False, True, 0.1), {S: 1, T: 1}),
        (SwitchHealth(True, False, 0.1), {S: 1, T: 1}),
        (SwitchHealth(True, True, 0.1, prepared_xa=1), {S: 1, T: 0}),
        (SwitchHealth(True, True, 0.1, long_transactions=("session 7", "session 8")), {S: 2, T: 0}),
    ],
)
def test_what_makes_a_database_unsafe_refuses(health: SwitchHealth, reasons: dict[Side, int]) -> None:
    """On both sides what a power cut or a dead switch would undo; on the owner what the fence awaits."""
    for ill, count in reasons.items():
        world = Universe()
        world.db[ill].health = lambda _: health  # type: ignore[method-assign]
        assert len(list(switch_ticks(world.parts(), T, 1))) == count


@pytest.mark.parametrize(("seen", "refused"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_server_that_has_seen_a_later_epoch_refuses(seen: int, refused: bool) -> None:
    reply = Reply("idc", True, facts={"epoch": seen, "reached": True})
    assert [bool(list(server_reasons([reply], to, 1))) for to in (S, T)] == [refused, refused]


def test_a_dead_server_holds_only_those_who_go_where_it_stands() -> None:
    cloud, idc = (Reply("web", False, "dead", {"site": site}) for site in (T, S))
    for to, held in ((T, [True, True]), (S, [False, True])):
        assert [bool(list(server_reasons([r], to, 1))) for r in (cloud, idc)] == held
