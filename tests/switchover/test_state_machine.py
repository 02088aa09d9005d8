"""The protocol under random interleavings: Hypothesis picks what happens next, the promises always hold.

In `make test` the examples are always the same ones; `make model` looks at many more, other ones each time
(`python -m tests.switchover.test_state_machine`). Each planted bug must be found, or the machine is blind.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from livemove.model.errors import UnreachableError
from livemove.model.ports import ControlState
from livemove.model.spec import Side
from livemove.switchover import next_action as decisions
from livemove.switchover import protocol as switchover
from livemove.switchover import reverse_replication as return_path
from livemove.switchover import steps as acts
from tests.doubles.moving import Broken, Code, Db, moment
from tests.doubles.simulation import Attempt, LivingDb, LivingFleet, LivingReplicator, LivingWorld

S, T = Side.SOURCE, Side.TARGET
sides = st.sampled_from(Side)
few = st.integers(1, 6)
SECOND = timedelta(seconds=1)
AT_MOST = 4
"""Tasks that run beside one another."""


CALLS = (
    "read",
    "arm",
    "close",
    "replicator_sessions",
    "write_watermark",
    "has_watermark",
    "binlog_position",
    "touched_since",
    "cede",
    "cede",
    "cede",
    "lift",
    "claim",
    "while_in",
    "wake",
    "put_events",
    "set_position",
    "set_position",
    "open",
    "open",
    "repoint",
    "follow",
    "sleep",
    "start",
)
"""Of the ports: where a task is halted. Twice each: before it arrives, and before its answer does."""


def lease_ends(world: LivingWorld) -> None:
    world.clock.time += 21 * SECOND
    world.rest(2)
    users_write(world)


def the_session_ends(world: LivingWorld) -> None:
    """31 s without a word: the lock of the row is free again."""
    world.clock.time += 31 * SECOND
    world.rest(2)


def old_repoints_arrive(world: LivingWorld) -> None:
    for message in list(world.fleet.post):
        world.fleet.tell(*message)


def rows_flow_backwards(world: LivingWorld) -> None:
    """The last of the batch in hand comes first, and the rest of it not yet."""
    for link in world.replicator.running():
        world.replicator.advance(link, len(world.replicator.in_hand.get(link) or "abc") - 1)


def hostile_replicator(world: LivingWorld) -> None:
    world.replicator.hostile = True


def a_write_is_in_commit(world: LivingWorld) -> None:
    for server in world.fleet.servers:
        world.write(server, halfway=True)


def users_write(world: LivingWorld) -> None:
    for server in world.fleet.servers:
        world.write(server, halfway=False)


def another_fence_begins(world: LivingWorld) -> None:
    """The lease is over, and somebody else has the next one."""
    lease_ends(world)
    other = world.move(T if world.db[S].state is ControlState.OPEN else S)
    for _ in range(100):
        if other.runs and other.at != "after arm":
            other.step()
            world.live()


MEANWHILE: dict[str, Callable[[LivingWorld], None]] = {
    "lease ends": lease_ends,
    "session ends": the_session_ends,
    "users write": users_write,
    "another fence": another_fence_begins,
    "a write is in commit": a_write_is_in_commit,
    "source restarts": lambda w: w.db[S].restart(),
    "target restarts": lambda w: w.db[T].restart(),
    "replicator restarts": lambda w: w.replicator.restart(),
    "rows flow backwards": rows_flow_backwards,
    "hostile replicator": hostile_replicator,
    "old repoints": old_repoints_arrive,
    "nothing": lambda w: None,
    "a move": lambda w: w.finish(w.move(T)),
    "a move back": lambda w: w.finish(w.move(S)),
    "a rollback": lambda w: w.finish(w.rollback()),
    "reverse replication": lambda w: w.finish(w.return_path()),
}


things = st.sampled_from(sorted(MEANWHILE))
OVERTAKEN = {
    "what": st.sampled_from(["move", "move", "move", "rollback", "return path"]),
    "to": sides,
    "when": st.sampled_from(["before", "after"]),
    "call": st.sampled_from(CALLS),
    "first": things,
    "second": things,
    "third": things,
    "then": st.sampled_from(["goes on", "goes on", "goes on", "stays", "dies", "gets no answer"]),
}


class Protocol(RuleBasedStateMachine):
    """Tasks start, halt, die and resume late, while users, databases, servers and messages act at random."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.ERROR)
        self.world = LivingWorld()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.world.somebody_comes(T)
                self.world.somebody_comes(S)
        finally:
            self.world.end_all()
            logging.disable(logging.NOTSET)

    def running(self) -> list[Attempt]:
        return [a for a in self.world.attempts if a.runs]

    def one(self, pick: int) -> Attempt:
        return self.running()[pick % len(self.running())]

    # tasks ----------------------------------------------------------------------------------------
    @precondition(lambda self: len(self.running()) < AT_MOST)
    @rule(to=sides)
    def a_move_begins(self, to: Side) -> None:
        self.world.move(to)

    @precondition(lambda self: len(self.running()) < AT_MOST)
    @rule()
    def a_return_path_begins(self) -> None:
        self.world.return_path()

    @precondition(lambda self: len(self.running()) < AT_MOST)
    @rule()
    def a_rollback_begins(self) -> None:
        self.world.rollback()

    @precondition(lambda self: self.running())
    @rule(pick=few, calls=st.integers(1, 12), lively=st.booleans())
    def a_task_goes_on(self, pick: int, calls: int, lively: bool) -> None:
        task = self.one(pick)
        for _ in range(calls):
            if task.runs:
                task.step()
                if lively:
                    self.world.live()

    def overtake(
        self, what: str, to: Side, when: str, call: str, first: str, second: str, third: str, then: str
    ) -> None:
        """The zombie: halted at one call, while the world and other tasks go on."""
        if len(self.running()) >= AT_MOST:
            return
        world = self.world
        task = {"move": lambda: world.move(to), "rollback": world.rollback, "return path": world.return_path}[
            what
        ]()
        for _ in range(400):
            if not task.runs or (task.at.startswith(when) and task.at.endswith(f" {call}")):
                break
            task.step()
            world.live()
        for name in (first, second, third):
            MEANWHILE[name](world)
        if task.runs and then == "dies":
            task.die()
        elif task.runs and then == "gets no answer":
            task.throw(UnreachableError(f"no answer {task.at}"))
        if task.runs and then != "stays":
            world.finish(task)

    # what finds most stands here more than once: Hypothesis picks all rules alike
    a_task_is_overtaken = initialize(**OVERTAKEN)(overtake)
    a_task_is_overtaken_again = rule(**OVERTAKEN)(overtake)
    a_zombie_wakes_up = rule(**OVERTAKEN)(overtake)
    a_zombie_wakes_up_again = rule(**OVERTAKEN)(overtake)
    a_task_meets_another = rule(**OVERTAKEN)(overtake)
    a_task_meets_the_world = rule(**OVERTAKEN)(overtake)

    @precondition(lambda self: self.running())
    @rule(pick=few)
    def a_task_ends(self, pick: int) -> None:
        self.world.finish(self.one(pick))

    @precondition(lambda self: self.running())
    @rule(pick=few)
    def a_task_dies(self, pick: int) -> None:
        self.one(pick).die()

    @precondition(lambda self: self.running())
    @rule(pick=few)
    def an_answer_is_lost(self, pick: int) -> None:
        """Or the call itself, when it has not arrived yet."""
        task = self.one(pick)
        task.throw(UnreachableError(f"no answer {task.at}"))

    @rule(to=sides)
    def somebody_clears_the_task(self, to: Side) -> None:
        self.world.somebody_comes(to)

    @rule()
    def nobody_comes(self) -> None:
        self.world.nobody_comes()

    # users ----------------------------------------------------------------------------------------
    @rule(server=st.integers(0, 1), halfway=st.booleans())
    def a_user_writes(self, server: int, halfway: bool) -> None:
        self.world.write(self.world.fleet.servers[server], halfway=halfway)

    @rule(side=sides)
    def commits_arrive(self, side: Side) -> None:
        self.world.db[side].commits()

    # databases and replication --------------------------------------------------------------------
    @rule(side=sides)
    def the_switch_ticks(self, side: Side) -> None:
        self.world.db[side].tick()

    @rule(seconds=st.sampled_from([1, 7, 19, 21]))
    def time_passes(self, seconds: int) -> None:
        """Nobody moves, not even a switch: an event may be late."""
        self.world.clock.time += seconds * SECOND

    @rule(side=sides)
    def a_database_restarts(self, side: Side) -> None:
        self.world.db[side].restart()

    @rule(side=sides, yes=st.booleans())
    def a_database_is_cut_off(self, side: Side, yes: bool) -> None:
        """From livemove only; users and events go on."""
        self.world.db[side].reachable = not yes

    @precondition(lambda self: self.world.replicator.running())
    @rule(pick=few, count=few)
    def rows_flow(self, pick: int, count: int) -> None:
        for _ in range(count):
            for link in self.world.replicator.running():
                self.world.replicator.advance(link, pick)

    @rule()
    def the_replicator_restarts(self) -> None:
        self.world.replicator.restart()

    # servers --------------------------------------------------------------------------------------
    @rule(mail=st.sampled_from(["arrives", "is lost or late"]))
    def from_now_on_a_repoint(self, mail: str) -> None:
        self.world.fleet.mail = mail

    @precondition(lambda self: self.world.fleet.post)
    @rule(pick=st.integers(0, 60))
    def an_old_repoint_arrives(self, pick: int) -> None:
        post = self.world.fleet.post
        self.world.fleet.tell(*post[pick % len(post)])

    @rule(server=st.integers(0, 1))
    def a_waiter_looks(self, server: int) -> None:
        self.world.fleet.look(self.world.fleet.servers[server])

    @invariant()
    def the_promises_hold(self) -> None:
        self.world.check()


def search(examples: int, steps: int, *, always_the_same: bool = True) -> None:
    """Broken when a promise does not hold; Hypothesis then prints the shortest way there."""
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=always_the_same,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )


def sweep(*, to: Side = T, ahead: int = 0) -> None:
    """The machine's chief rule at every call in turn, with each thing in turn that may happen meanwhile.

    `ahead`: turns of the world before the move begins, so that users and replicator stand elsewhere in their
    own rounds.
    """
    ways = (*((thing, "goes on") for thing in sorted(MEANWHILE)), ("nothing", "dies"))
    for call, when, (thing, then) in itertools.product(dict.fromkeys(CALLS), ("before", "after"), ways):
        machine = Protocol()
        for _ in range(ahead):
            machine.world.live()
        try:
            machine.overtake("move", to, when, call, "users write", thing, "users write", then)
            machine.world.somebody_comes(to)
        except AssertionError as e:
            e.add_note(f"a move to the {to} halted {when} {call}; meanwhile {thing}; then it {then}")
            raise
        finally:
            machine.world.end_all()
            logging.disable(logging.NOTSET)


def sweeps() -> None:
    for ahead in (0, 1):
        sweep(ahead=ahead)


def test_no_promise_breaks_whatever_happens_at_any_call() -> None:
    sweeps()


def test_no_promise_breaks() -> None:
    search(40, 15)


# planted bugs -------------------------------------------------------------------------------------
Plant = Callable[[pytest.MonkeyPatch], None]


def fence_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LivingDb, "shut", lambda self, epoch, attempt: self._outcome(self._mine(epoch, attempt)))


def fence_does_not_wait_for_sessions(patch: pytest.MonkeyPatch) -> None:
    def fence(self: acts.LiveSteps) -> str:
        self.f.close(self.move.epoch, self.move.attempt)
        return "closed"

    patch.setattr(acts.LiveSteps, "fence", fence)


def commit_without_guard(patch: pytest.MonkeyPatch) -> None:
    def cede(self: Db, epoch: int, attempt: str, margin: float) -> object:
        self.state, self.epoch, self.attempt, self.deadline = ControlState.CEDED, epoch + 1, "", None
        return self._outcome(True)

    cede.__wrapped__ = cede  # type: ignore[attr-defined]
    patch.setattr(Db, "cede", cede)


def open_without_guard(patch: pytest.MonkeyPatch) -> None:
    @moment
    def open(self: Db, epoch: int) -> object:
        self.state, self.epoch = ControlState.OPEN, epoch
        self._match()
        return self._outcome(True)

    patch.setattr(Db, "open", open)


def position_written_twice(patch: pytest.MonkeyPatch) -> None:
    @moment
    def set_position(self: Db, epoch: int, position: str) -> object:
        self.position = position
        return self._outcome(True)

    def prepare(self: acts.LiveSteps) -> str:
        self._prepare()
        self.t.set_position(self.move.new, self.t.binlog_position())
        return "prepared"

    patch.setattr(Db, "set_position", set_position)
    patch.setattr(acts.LiveSteps, "prepare", prepare)


def position_before_the_claim(patch: pytest.MonkeyPatch) -> None:
    real, early = acts.LiveSteps.drain, {}

    def drain(self: acts.LiveSteps) -> str:
        early[self.move.attempt] = self.t.binlog_position()
        return real(self)

    def position(self: LivingDb) -> str:
        me = self.world.current
        return (
            early.pop(me.what, None)
            if self.state is ControlState.CLAIMED and me.what in early
            else real_position(self)
        )

    real_position = Db.binlog_position
    patch.setattr(acts.LiveSteps, "drain", drain)
    patch.setattr(LivingDb, "binlog_position", position)


def servers_forget_the_epoch(patch: pytest.MonkeyPatch) -> None:
    def tell(self: LivingFleet, server: object, epoch: int, to: Side) -> bool:
        server.epoch, server.session, server.uses = epoch, None, to  # type: ignore[attr-defined]
        return True

    patch.setattr(LivingFleet, "tell", tell)


def one_watermark(patch: pytest.MonkeyPatch) -> None:
    def drain(self: acts.LiveSteps) -> str:
        self.f.write_watermark(self.move.f, self.move.attempt, 1)
        self._wait_for_watermark(1)
        self.move.drained = self.f.binlog_position()
        return "drained"

    patch.setattr(acts.LiveSteps, "drain", drain)


def no_incarnation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LivingDb, "replicator_sessions", lambda self, epoch: frozenset({1}))


def replicator_is_let_in_always(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LivingReplicator, "_may", lambda self, link: True)


def switch_does_not_tick(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LivingDb, "tick", lambda self: None)


def no_answer_means_no(patch: pytest.MonkeyPatch) -> None:
    @moment
    def lift(self: Db, epoch: int, attempt: str) -> object:
        self.state, self.epoch = ControlState.OPEN, epoch
        self._match()
        return self._outcome(True)

    def unanswered(self: acts.LiveSteps, why: UnreachableError) -> str:
        raise acts.UndoAttempt("no answer")

    patch.setattr(acts.LiveSteps, "_unanswered", unanswered)
    patch.setattr(Db, "lift", lift)


def retry_reopens_after_the_commit(patch: pytest.MonkeyPatch) -> None:
    """The rescue that opens the source again after any error."""
    real = decisions.next_action

    def decide(f: object, t: object, *, to: Side) -> decisions.Action:
        action = real(f, t, to=to)  # type: ignore[arg-type]
        if action.do is decisions.ActionKind.GO_ON:
            return decisions.Action(decisions.ActionKind.UNDO, "rescue", action.epoch)
        return action

    def lift(self: switchover.Switchover, db: LivingDb, action: object) -> None:
        db.state = ControlState.OPEN
        db._match()

    patch.setattr(switchover, "next_action", decide)
    patch.setattr(switchover.Switchover, "_lift", lift)


def triggers_stay_on_the_follower(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Code, "sleep", lambda self, follower: None)


def helpers_stay_on_the_next_owner(patch: pytest.MonkeyPatch) -> None:
    def wake(self: Code, owner: Side, follower: Side | None) -> None:
        self.world.db[owner].triggers = True

    patch.setattr(Code, "wake", wake)


def the_follower_gets_no_helpers(patch: pytest.MonkeyPatch) -> None:
    def sleep(self: Code, follower: Side) -> None:
        self.world.db[follower].triggers = False

    patch.setattr(Code, "sleep", sleep)
    patch.setattr(Code, "help", lambda self, follower: None)


def return_path_before_the_old_owner_follows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LivingReplicator, "_may", lambda self, link: self.world.db[link.writes].epoch == link.epoch)
    patch.setattr(return_path, "_follow", lambda parts, now: None)


def claim_leaves_the_replicator_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        LivingReplicator,
        "_may",
        lambda self, link: self.world.db[link.writes].state in (ControlState.FOLLOW, ControlState.CLAIMED),
    )


# Not planted: a commit under somebody else's fence. Whatever was written between the two fences lies after
# the drained position and is seen by the commit's own look into the binlog, so nothing is lost without that
# guard.
PLANTED = [
    fence_dropped,
    fence_does_not_wait_for_sessions,
    commit_without_guard,
    open_without_guard,
    position_written_twice,
    position_before_the_claim,
    servers_forget_the_epoch,
    one_watermark,
    no_incarnation,
    replicator_is_let_in_always,
    switch_does_not_tick,
    no_answer_means_no,
    retry_reopens_after_the_commit,
    triggers_stay_on_the_follower,
    helpers_stay_on_the_next_owner,
    the_follower_gets_no_helpers,
    return_path_before_the_old_owner_follows,
    claim_leaves_the_replicator_in,
]


@pytest.fixture
def quiet() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda p: p.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch, quiet: None) -> None:
    plant(monkeypatch)
    with pytest.raises((Broken, AssertionError)):
        sweeps()


if __name__ == "__main__":
    search(int(sys.argv[1]), int(sys.argv[2]), always_the_same=False)
    print(f"{sys.argv[1]} examples of up to {sys.argv[2]} rules: every promise held")
