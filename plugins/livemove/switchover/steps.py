"""The live steps of a switchover: what each step of switchover/protocol.py does to databases and servers.

Before the commit a step raises UndoAttempt when the pause budget is over or somebody else has the fence;
after it, a step waits and then leaves the rest to a retry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from livemove.model.errors import ManualInterventionRequired, UnreachableError
from livemove.model.ledger import StepTaken
from livemove.model.ports import (
    Answered,
    AppServers,
    Clock,
    ControlDb,
    ControlRow,
    ControlState,
    FinalCheckPort,
    Ledger,
    Outcome,
    Replicator,
    Reply,
    SchemaCode,
)
from livemove.model.spec import Side
from livemove.model.spec import Switchover as Settings
from livemove.runtime.deadlines import Deadline, poll_until
from livemove.runtime.watermarks import wait_for_watermark

MARGIN = 1.0
"""Seconds of lease that must be left at the commit."""
TICK = 0.005
"""Seconds between two looks inside the fence."""
HELD_WITHIN = 5.0
"""Seconds for the armed servers to say that their requests wait: they hear of it within 20 ms."""
FORWARD = 60.0
"""Seconds that one step after the commit may wait before the task is given back to its retry."""


@dataclass
class Dependencies:
    """The world as a switchover needs it."""

    service: str
    control: Mapping[Side, ControlDb]
    servers: AppServers
    replicator: Replicator
    code: SchemaCode
    proof: FinalCheckPort
    tables: Callable[[], Sequence[str]]
    """schema.table of everything that moves."""
    ledger: Ledger
    clock: Clock
    settings: Settings
    upkeep: Callable[[], Sequence[str]] = tuple
    """Backups and maintenance of the cloud's database that are under way or due, as text."""


@dataclass
class AttemptState:
    """What one attempt knows. A retry does without it: it reads databases and servers again."""

    service: str
    to: Side
    epoch: int
    """The present epoch when the move starts; the new owner's is one more."""
    attempt: str
    armed_at: datetime | None = None
    """Since when a fence of this attempt may stand; None when there was none."""
    fenced_at: datetime | None = None
    """When another attempt fenced f, whose committed move this one finishes."""
    committed_at: datetime | None = None
    opened_at: datetime | None = None
    """When this attempt opened t."""
    found_open: bool = False
    """An earlier attempt had opened t; when, nobody noted."""
    lifted_at: datetime | None = None
    """When the undone fence was seen to be gone."""
    drained: str = ""
    """Binlog position of f behind which nothing of the application was written."""
    commit_sent: bool = False
    position: str = ""
    """Binlog position of t from which reverse replication reads."""
    fenced_ms: int | None = None
    steps: list[StepTaken] = field(default_factory=list)
    armed: set[str] = field(default_factory=set)
    """Servers whose waiters watch the row of t."""
    servers: list[Reply] = field(default_factory=list)
    wanted: Callable[[], bool] = lambda: True
    """False once the task was asked to stop; looked at before the commit only."""

    @property
    def f(self) -> Side:
        return self.to.other

    @property
    def new(self) -> int:
        return self.epoch + 1

    def words(self, text: str) -> str:
        return text.format(f=self.f, t=self.to, e=self.epoch, n=self.new)


class UndoAttempt(Exception):
    """Before the commit: the reason why this attempt is undone."""


class LiveSteps:
    """The acts themselves, on two databases and all servers."""

    def __init__(self, parts: Dependencies, move: AttemptState, guards: Callable[[], str]) -> None:
        self.parts, self.move, self._guards = parts, move, guards
        self.f, self.t = parts.control[move.f], parts.control[move.to]

    # before the commit ----------------------------------------------------------------------------
    def guards(self) -> str:
        seen = self._guards()
        self.parts.proof.ready()
        self.parts.code.ready(self.move.to)
        return seen

    def arm_servers(self) -> str:
        """What is slow, delivery to the servers, comes first: nobody waits for it. The hold comes last."""
        servers, lease = self.parts.servers, self.parts.settings.lease
        if self.parts.settings.hold:
            self.t.ask_hold(self.move.epoch, 0)  # one that an earlier attempt left behind
        servers.jobs_off()
        replies = servers.arm(self.move.new, self.move.to, 2 * lease)
        self.move.armed = {r.server for r in replies if r.ok}
        seen = f"armed: {summary(replies)}"
        if not self.parts.settings.hold:
            return seen
        others = [r.server for r in replies if not r.ok and r.facts.get("reached")]
        return f"{seen}; requests wait: {self._hold(lease, others)}"

    def _hold(self, lease: float, others: Collection[str]) -> str:
        late = self.parts.servers.hold(lease, others) if others else []
        out = self.t.ask_hold(self.move.epoch, lease)
        if not out.done:
            raise UndoAttempt(f"the servers could not be asked to hold: {describe_outcome(out)}")
        held = poll_until(
            lambda: self.t.held(self.move.new),
            Deadline(self.parts.clock, HELD_WITHIN),
            every=4 * TICK,
            done=lambda held: self.move.armed <= held.keys(),
        )
        armed = [Reply(s, held.get(s, False), "did not hold") for s in sorted(self.move.armed)]
        return summary([*armed, *late])

    def arm(self) -> str:
        self.move.armed_at = self.parts.clock.now()
        out = self.f.arm(self.move.epoch, self.move.attempt, self.parts.settings.lease)
        if not out.done:
            self.move.armed_at = None
            raise UndoAttempt(f"{self.move.f} could not be fenced: {describe_outcome(out)}")
        return f"{self.move.f} FENCED@{out.epoch}, {out.seconds_left:.0f} s of lease"

    def fence(self) -> str:
        ended, clear = 0, 0
        while clear < 2:
            self.in_budget("application sessions did not end")
            out = self.f.close(self.move.epoch, self.move.attempt)
            if out.answered is Answered.REFUSED:
                raise UndoAttempt(f"the fence was taken away: {describe_outcome(out)}")
            ended += out.remaining
            clear = clear + 1 if out.done and not out.remaining else 0
            if not out.done or out.remaining:
                self.parts.clock.sleep(TICK)
        return f"closed, {ended} sessions ended"

    def drain(self) -> str:
        rounds, number = 0, 0
        while True:
            rounds += 1
            # before the first watermark: what is written behind this is not known to have arrived
            self.move.drained = self.f.binlog_position()
            incarnation = self.t.replicator_sessions(self.move.epoch)
            for _ in range(2):
                number += 1
                self.f.write_watermark(self.move.f, self.move.attempt, number)
                self._wait_for_watermark(number)
            if incarnation and incarnation == self.t.replicator_sessions(self.move.epoch):
                break
            # it restarted in between: what it had in hand may not have arrived
            self.in_budget("the replicator keeps restarting")
        return f"two watermarks arrived in round {rounds}; {self.move.f} stands at {self.move.drained}"

    def _wait_for_watermark(self, number: int) -> None:
        late = f"watermark {number} did not arrive in the {self.move.to}"
        arrived = wait_for_watermark(
            self.t,
            self.move.f,
            self.move.attempt,
            number,
            Deadline(self.parts.clock, self.parts.settings.pause_budget),
            every=TICK,
            meanwhile=lambda: self.in_budget(late),
        )
        if not arrived:
            raise UndoAttempt(f"{late} in time")

    def prove(self) -> str:
        left = self.parts.settings.pause_budget - self.fenced_for()
        differences = self.parts.proof.differences(max(left / 2, 0.1))
        if differences:
            raise UndoAttempt(
                f"{len(differences)} differences inside the fence: {'; '.join(differences[:5])}"
            )
        return f"equal: {self.parts.proof.covered()}"

    def commit(self) -> str:
        seen = self._commit()
        self.move.committed_at = self.parts.clock.now()
        return seen

    def _commit(self) -> str:
        if touched := self.f.touched_since(self.move.drained):
            raise UndoAttempt(
                f"written on the {self.move.f} after the drained position: {', '.join(touched[:5])}"
            )
        while True:
            self.in_budget("the commit could not get the lock of the row")
            try:
                self.move.commit_sent = True
                out = self.f.cede(self.move.epoch, self.move.attempt, MARGIN)
            except UnreachableError as e:
                return self._unanswered(e)
            if out.answered is not Answered.BUSY:
                break
        if not out.done:
            raise UndoAttempt(f"the commit was refused: {describe_outcome(out)}")
        return f"{self.move.f} CEDED@{out.epoch}"

    def _unanswered(self, why: UnreachableError) -> str:
        """No answer is not a no: only the row tells."""
        row = read_row(self.f, self.parts.clock)
        if row is None:
            raise commit_unknown(self.move, why) from why
        if row.epoch == self.move.new:  # CEDED, or FOLLOW when others have gone on already
            return f"{row}; its answer was lost"
        raise UndoAttempt(f"the commit did not arrive: {row}") from why

    def in_budget(self, why: str) -> None:
        if not self.move.wanted():
            raise UndoAttempt("the task was asked to stop")
        if self.fenced_for() > self.parts.settings.pause_budget:
            raise UndoAttempt(f"{why} within the pause budget of {self.parts.settings.pause_budget:g} s")

    def fenced_for(self) -> float:
        since = self.move.armed_at
        return (self.parts.clock.now() - since).total_seconds() if since else 0.0

    # after the commit -----------------------------------------------------------------------------
    def claim(self) -> str:
        if self._t_state() is ControlState.OPEN:
            self.move.found_open = True
            return "done before"
        self._until(lambda: self.t.claim(self.move.new), "the replicator's sessions did not end")
        return f"{self.move.to} CLAIMED@{self.move.new}, replicator gone"

    def prepare(self) -> str:
        row = self.t.read()
        if not row.position:
            out = self.t.while_in(ControlState.CLAIMED, self.move.new, self._prepare)
            if not out.done:
                raise UnreachableError(f"The {self.move.to} could not be prepared: {describe_outcome(out)}")
        self.move.position = self.t.read().position
        return f"{self.move.to} will be followed from {self.move.position}"

    def _prepare(self) -> None:
        if self.t.read().position:
            return  # another attempt was here; from now on no DDL
        reachable = read_row(self.f, self.parts.clock, times=1) is not None
        self.t.put_events(
            self.f.sleeping_events() if reachable else self.parts.code.events_to_wake(self.move.to)
        )
        self.parts.code.wake(self.move.to, self.move.f if reachable else None)
        self.t.set_position(self.move.new, self.t.binlog_position())

    def open(self) -> str:
        self._until(lambda: self.t.open(self.move.new), "the database did not open", twice=False)
        if not self.move.found_open:
            self.move.opened_at = self.parts.clock.now()
        self.move.fenced_ms = self._fenced_ms()
        return f"{self.move.to} OPEN@{self.move.new}"

    def _fenced_ms(self) -> int:
        if self.move.armed_at:
            return round(self.fenced_for() * 1000)
        row = read_row(self.f, self.parts.clock, times=1)
        if row is None or row.armed_ago is None:
            return 0
        self.move.fenced_at = self.parts.clock.now() - timedelta(seconds=row.armed_ago)
        return round(row.armed_ago * 1000)

    def repoint(self) -> str:
        replies = self.parts.servers.repoint(self.move.new, self.move.to)
        self.move.servers = [r for r in replies if not r.ok]
        return summary(replies)

    def release(self) -> str:
        seen = summary(self.parts.servers.release())
        self.parts.servers.jobs_on(self.move.to)
        return seen

    def _t_state(self) -> ControlState:
        return self.t.read().state

    def _until(self, act: Callable[[], Outcome], why: str, *, twice: bool = True) -> None:
        """Repeat `act` until one call, or if `twice` two in a row, was done and saw no session.

        UnreachableError when it is refused, or takes longer than FORWARD.
        """
        deadline, clear = Deadline(self.parts.clock, FORWARD), 0
        while clear < (2 if twice else 1):
            out = act()
            if out.answered is Answered.REFUSED:
                raise UnreachableError(f"The {self.move.to} refused: {describe_outcome(out)}")
            clear = clear + 1 if out.done and not out.remaining else 0
            if deadline.is_over:
                raise UnreachableError(f"{why} within {FORWARD:.0f} s")
            if clear == 0:
                self.parts.clock.sleep(TICK)


def commit_unknown(move: AttemptState, why: Exception) -> ManualInterventionRequired:
    """The commit was sent, and neither it nor the row is answered."""
    return ManualInterventionRequired(
        f"The commit on the {move.f} was sent, and the database does not answer any more ({why})",
        owner=f"either the {move.f} or, if the commit arrived, the {move.to}",
        changed=True,
        next_step=(
            f"clear this task when the {move.f} database answers: it reads the row first; if the commit did"
            " not arrive, the fence opens by itself"
        ),
    )


def read_row(db: ControlDb, clock: Clock, times: int = 3) -> ControlRow | None:
    """The row, or None when the database does not answer."""
    for n in range(times):
        try:
            return db.read()
        except UnreachableError:
            if n < times - 1:
                clock.sleep(0.5)
    return None


def describe_outcome(out: Outcome) -> str:
    mine = f" of attempt {out.attempt}" if out.attempt else ""
    return f"{out.answered}, it is {out.state}@{out.epoch}{mine}"


def summary(replies: Sequence[Reply]) -> str:
    bad = [f"{r.server}: {r.message or 'no answer'}" for r in replies if not r.ok]
    return f"{sum(r.ok for r in replies)} of {len(replies)} servers" + (f"; {'; '.join(bad)}" if bad else "")
