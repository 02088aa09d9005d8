"""The switchover: one protocol that moves the writes from database f to database t, and back.

Read STEPS from top to bottom: that is the order, and who may write after each step. `next_action` says where
a retried or cleared task joins in. What an act does to a database is guarded in that database (see
control/sql/control_procedures.sql); here are only the order, the waiting and the words.

Before the commit (6) everything is undone (A): one compare-and-set back to OPEN, then the fence is lifted.
After it there is no undo, only a retry that continues. An unanswered commit is neither: f is read again.

Not here: steps 12 and 13, reverse replication (switchover/reverse_replication.py), and the guards of step 0
(switchover/guards.py).
Known holes: DDL of step 8 runs on a second session while the first one holds the row's lock; if this process
stands still for 30 s in between, one late statement is possible. It then fails on objects that exist already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from livemove.model.errors import (
    LivemoveError,
    ManualInterventionRequired,
    RefusedError,
    SwitchoverAborted,
    SwitchoverIncomplete,
)
from livemove.model.ledger import (
    AttemptFacts,
    AttemptResult,
    Document,
    Event,
    FenceLifted,
    StepTaken,
    SwitchoverBegan,
    SwitchoverEnded,
    SwitchoverRecord,
)
from livemove.model.ports import Answered, Clock, ControlDb, ControlRow, ControlState, Outcome
from livemove.model.spec import Side
from livemove.switchover.next_action import Action, ActionKind, next_action
from livemove.switchover.steps import (
    AttemptState,
    Dependencies,
    LiveSteps,
    UndoAttempt,
    commit_unknown,
    describe_outcome,
    read_row,
    summary,
)

log = logging.getLogger(__name__)

ASKED = 3
"""How often the guards are asked before a reason counts: a slow second is no reason to wake somebody."""
LOOKS = 6
"""How often the two rows are read before a picture that does not fit is put before a person."""


class Steps(Protocol):
    """One method a step: `LiveSteps` does it, `DryRunSteps` describes it. Each returns what was seen."""

    def guards(self) -> str: ...
    def arm_servers(self) -> str: ...
    def arm(self) -> str: ...
    def fence(self) -> str: ...
    def drain(self) -> str: ...
    def prove(self) -> str: ...
    def commit(self) -> str: ...
    def claim(self) -> str: ...
    def prepare(self) -> str: ...
    def open(self) -> str: ...
    def repoint(self) -> str: ...
    def release(self) -> str: ...


@dataclass(frozen=True)
class Step:
    """One line of the protocol. {f}, {t}, {e} and {n} stand for the two sides, the old and the new epoch."""

    number: int
    name: str
    reads: str
    does: str
    evidence: str
    undo: str
    writer: str
    """Who may write when the step is done."""
    act: Callable[[Steps], str]


NO_UNDO = "none: only forward"
STEPS: tuple[Step, ...] = (
    Step(0, "guards", "{f} OPEN@{e}, {t} FOLLOW@{e}, replicator and tables, switch, durability, definitions,"
         " comparison, writers, binlogs, upkeep, servers",
         "nothing",
         "ledger", "nothing to undo", "{f}", lambda a: a.guards()),
    Step(1, "arm_servers", "the guards",
         "a waiter on every server watches the row of {t}, for a limited time; then new requests wait",
         "servers", "expires by itself", "{f}", lambda a: a.arm_servers()),
    Step(2, "arm", "{f} OPEN@{e}",
         "{f} FENCED@{e} under a lease of this attempt",
         "{f} row", "A", "{f}", lambda a: a.arm()),
    Step(3, "fence", "{f} FENCED@{e}, mine",
         "lock the accounts, disable events, read_only where it exists, end sessions until none is left",
         "accounts", "A", "nobody", lambda a: a.fence()),
    Step(4, "drain", "the same, and one incarnation of the replicator",
         "note the binlog position of {f}; then two watermarks arrive in {t}",
         "watermark rows", "A", "nobody", lambda a: a.drain()),
    Step(5, "prove", "the same",
         "compare small and keyless tables again",
         "ledger", "A", "nobody", lambda a: a.prove()),
    Step(6, "commit", "{f} FENCED@{e}, mine, lease not near its end, nothing written after the position",
         "{f} CEDED@{n}: one compare-and-set",
         "{f} row", NO_UNDO, "nobody", lambda a: a.commit()),
    Step(7, "claim", "{f} CEDED@{n}, {t} FOLLOW@{e}",
         "{t} CLAIMED@{n}; the replicator is shut out and gone",
         "{t} row", NO_UNDO, "nobody", lambda a: a.claim()),
    Step(8, "prepare", "{t} CLAIMED@{n}, no position",
         "events to enable, counters past those of {f}, triggers; then the binlog position of {t}",
         "{t} row", NO_UNDO, "nobody", lambda a: a.prepare()),
    Step(9, "open", "{t} CLAIMED@{n}, position set",
         "{t} OPEN@{n}, then accounts, then events",
         "{t} row", "a rollback: the same protocol the other way", "{t}", lambda a: a.open()),
    Step(10, "repoint", "{t} OPEN@{n}",
         "armed servers have seen it and use {t}; every server is called as well and proves it by a write; an"
         " older epoch is refused",
         "servers", "a rollback", "{t}", lambda a: a.repoint()),
    Step(11, "release", "nothing",
         "waiting requests go on",
         "servers", "nothing to undo", "{t}", lambda a: a.release()),
)  # fmt: skip
"""The whole move. 0 to 6 can be undone, from 7 on it only goes forward."""
COMMIT = 6
AFTER_OPEN = STEPS[[s.name for s in STEPS].index("open") + 1 :]
"""What is left when the new owner is open already: its servers are told again."""


def run_steps(
    steps: Iterable[Step],
    acts: Steps,
    clock: Clock,
    move: AttemptState,
    *,
    before: Callable[[Step], None] | None = None,
) -> None:
    """The one executor: each step in its order, its time and what it saw into the move's timeline."""
    for step in steps:
        if before:
            before(step)
        began = clock.now()
        seen = step.act(acts)
        ms = round((clock.now() - began).total_seconds() * 1000)
        move.steps.append(StepTaken(step=step.number, name=step.name, ms=ms, seen=seen))
        log.info("step %d %s: %s (%d ms)", step.number, step.name, seen, ms)


class DryRunSteps:
    """The dry run: the same steps, told instead of done."""

    def __init__(self, move: AttemptState) -> None:
        self.move = move

    def _told(self, name: str) -> str:
        step = next(s for s in STEPS if s.name == name)
        return self.move.words(
            f"reads {step.reads}; {step.does}. Undo: {step.undo}. May write then: {step.writer}"
        )

    def guards(self) -> str:
        return self._told("guards")

    def arm_servers(self) -> str:
        return self._told("arm_servers")

    def arm(self) -> str:
        return self._told("arm")

    def fence(self) -> str:
        return self._told("fence")

    def drain(self) -> str:
        return self._told("drain")

    def prove(self) -> str:
        return self._told("prove")

    def commit(self) -> str:
        return self._told("commit")

    def claim(self) -> str:
        return self._told("claim")

    def prepare(self) -> str:
        return self._told("prepare")

    def open(self) -> str:
        return self._told("open")

    def repoint(self) -> str:
        return self._told("repoint")

    def release(self) -> str:
        return self._told("release")


class Switchover:
    """One attempt to make `to` the owner. `stop()` asks it to undo itself, if it still can."""

    def __init__(
        self,
        parts: Dependencies,
        to: Side,
        attempt: str,
        *,
        guards: Callable[[Dependencies, Side, int], list[str]],
    ) -> None:
        self.parts, self.to, self.attempt, self._guards = parts, to, attempt, guards
        self.f, self.t = parts.control[to.other], parts.control[to]
        self._stopped = False

    def stop(self) -> None:
        """From a signal handler: only a flag. Before the commit it undoes, after it the move is finished."""
        self._stopped = True

    def dry_run(self, epoch: int) -> list[str]:
        """Every step as it would be done, in its order."""
        move = AttemptState(self.parts.service, self.to, epoch, "dry-run")
        run_steps(STEPS, DryRunSteps(move), self.parts.clock, move)
        return [f"{s.step} {s.name}: {s.seen}" for s in move.steps]

    def look(self) -> Action:
        """Both rows, read one after the other, and what they mean."""
        f = read_row(self.f, self.parts.clock)
        t = read_row(self.t, self.parts.clock)
        return next_action(f, t, to=self.to)

    def run(self) -> SwitchoverRecord:
        """Bring the writes to `to`; the record that the ledger keeps.

        RefusedError: a guard said no. SwitchoverAborted: undone. SwitchoverIncomplete: retry.
        ManualInterventionRequired.
        """
        for look in range(LOOKS):
            action = self.look()
            log.info("%s: %s", action.do, action.why)
            match action.do:
                case ActionKind.START:
                    return self._whole(action)
                case ActionKind.GO_ON | ActionKind.DONE:
                    return self._forward(
                        AttemptState(self.parts.service, self.to, action.epoch - 1, self.attempt), action.do
                    )
                case ActionKind.FINISH_OTHER:
                    return self._other_way(action)
                case ActionKind.UNDO:
                    self._lift(self.f, action)
                case ActionKind.UNDO_OTHER:
                    self._lift(self.t, action)
                case ActionKind.LOOK_AGAIN if look < LOOKS - 1:
                    self.parts.clock.sleep(1)
                case _:
                    raise self._undecided(action)
        raise self._undecided(action)

    # START ----------------------------------------------------------------------------------------
    def _whole(self, action: Action) -> SwitchoverRecord:
        move = AttemptState(
            self.parts.service, self.to, action.epoch, self.attempt, wanted=lambda: not self._stopped
        )
        acts = LiveSteps(self.parts, move, lambda: self._check(move))
        started = self.parts.clock.now()
        # an attempt that is killed leaves no other word
        note_event(
            self.parts,
            SwitchoverBegan(epoch=move.new, from_=move.f, to=move.to, attempt=move.attempt),
        )
        try:
            run_steps(STEPS[: COMMIT + 1], acts, self.parts.clock, move, before=self._still_wanted)
        except RefusedError as e:
            self._note(move, started, AttemptResult.REFUSED, e.found)
            raise
        except ManualInterventionRequired as e:
            self._note(move, started, AttemptResult.UNKNOWN, e.found)
            raise
        except BaseException as e:
            # a timeout of the task or Ctrl-C as well: undone is undone, and nobody shall retry it blindly
            if self._undo(move, e):
                raise self._aborted(move, e, started) from e
            log.warning("the commit had arrived: going on")
        return self._forward(move, ActionKind.GO_ON, started)

    def _check(self, move: AttemptState) -> str:
        for n in range(ASKED):
            reasons = self._guards(self.parts, self.to, move.epoch)
            if not reasons or self._stopped:
                break
            log.warning("not yet: %s", "; ".join(reasons))
            if n < ASKED - 1:
                self.parts.clock.sleep(3)
        if reasons:
            raise RefusedError(
                f"{len(reasons)} reasons against moving the writes to the {self.to}: " + "; ".join(reasons),
                wanted=f"no reason; {self.to.other} is the owner, nothing was changed",
                next_step="remove the causes, then clear this task",
            )
        return "no reason against it"

    def _still_wanted(self, step: Step) -> None:
        if self._stopped:
            raise UndoAttempt(f"the task was asked to stop before step {step.number}")

    def _undo(self, move: AttemptState, why: BaseException) -> bool:
        """Step A: lift this attempt's fence, release the servers. False: the commit has happened after all.

        The commit is then this attempt's own, or that of another which overtook it. Nothing is undone, and
        the caller goes on: steps 10 and 11 move and release servers that hold by this attempt's order.
        """
        log.warning("undoing: %s", why)
        try:
            # refused, and told how the row stands, where no fence is mine
            for _ in range(5 if move.steps else 0):
                out = self.f.lift(move.epoch, move.attempt)
                if out.epoch == move.new:  # CEDED, or FOLLOW when others have gone on already
                    return False
                if out.state is ControlState.OPEN:
                    move.lifted_at = self.parts.clock.now()
                if out.answered is not Answered.BUSY:
                    break
        except Exception as e:
            if move.commit_sent:
                raise commit_unknown(move, e) from why
            if move.armed_at:
                log.error("the fence on the %s could not be lifted; it opens by itself (%s)", move.f, e)
        if move.steps:
            release_servers(self.parts, move.f, move.epoch)
        return True

    def _aborted(self, move: AttemptState, why: BaseException, started: datetime) -> SwitchoverAborted:
        found = why.found if isinstance(why, LivemoveError) else str(why) or type(why).__name__
        if move.steps:
            self._tell(move, started, AttemptResult.ABORTED, found)
            owner: Side | None = move.f
        else:
            # nothing was done yet: the document of this epoch may be that of another attempt, which moved
            # meanwhile
            self._note(move, started, AttemptResult.ABORTED, found)
            owner = self._owner()
        return SwitchoverAborted(
            f"The move to the {move.to} was undone: {found}",
            owner=f"the {owner}" if owner else "it is not known which database",
            changed=False,
            next_step="remove the cause, then clear this task: it reads both databases and starts afresh",
        )

    def _owner(self) -> Side | None:
        """As the rows say it now; None when they do not tell."""
        try:
            return self.look().owner
        except LivemoveError as e:
            log.warning("the owner could not be read: %s", e)
            return None

    # forward --------------------------------------------------------------------------------------
    def _forward(
        self, move: AttemptState, do: ActionKind, started: datetime | None = None
    ) -> SwitchoverRecord:
        began = started or self.parts.clock.now()
        steps = AFTER_OPEN if do is ActionKind.DONE else STEPS[COMMIT + 1 :]
        try:
            run_steps(steps, LiveSteps(self.parts, move, lambda: ""), self.parts.clock, move)
        except Exception as e:
            found = e.found if isinstance(e, LivemoveError) else repr(e)
            self._note(move, began, AttemptResult.INCOMPLETE, found)
            raise self._incomplete(move, found) from e
        self._tell_again(move)
        done = do is not ActionKind.GO_ON
        record = _record(move, began) if done else self._tell(move, began, AttemptResult.MOVED)
        stubborn = [r for r in move.servers if r.facts.get("reached")]
        if stubborn:
            raise self._incomplete(move, f"servers answered but did not move: {summary(stubborn)}")
        return record

    def _tell_again(self, move: AttemptState) -> None:
        """Servers that did not move are told twice more, now that the others serve."""
        for _ in range(2):
            if not move.servers:
                return
            self.parts.clock.sleep(1)
            move.servers = [r for r in self.parts.servers.repoint(move.new, move.to) if not r.ok]

    def _incomplete(self, move: AttemptState, found: str) -> SwitchoverIncomplete:
        return SwitchoverIncomplete(
            f"The move to the {move.to} (epoch {move.new}) is committed and not finished: {found}",
            owner=f"the {move.to}",
            changed=True,
            next_step="clear or retry this task: it continues where it stopped",
        )

    def _other_way(self, action: Action) -> SwitchoverRecord:
        """Somebody's committed move away from `to` comes first."""
        owner = self.to.other
        move = AttemptState(self.parts.service, owner, action.epoch - 1, self.attempt)
        if action.owner is not owner:
            self._forward(move, ActionKind.GO_ON)
        raise RefusedError(
            f"{action.why}; that move is finished, but the {self.to} does not follow it yet",
            wanted=f"reverse replication of epoch {action.epoch} running, so that a rollback loses nothing",
            next_step="run return_path, prepare_return, and then this task",
        )

    # reading and telling --------------------------------------------------------------------------
    def _lift(self, db: ControlDb, action: Action) -> None:
        row = read_row(db, self.parts.clock)
        if row and row.state is ControlState.FENCED:
            out = db.lift(row.epoch, row.attempt)
            log.warning("lifted the fence of attempt %s: %s", row.attempt, describe_outcome(out))
            note_lifted(self.parts, row, out)
            release_servers(self.parts, db.side, row.epoch)

    def _undecided(self, action: Action) -> LivemoveError:
        if action.do is ActionKind.REBUILD:
            return RefusedError(
                f"{action.why}; nothing was changed",
                next_step=(
                    "livemove promote again closes the old owner if it is open; then rebuild it as new"
                ),
            )
        if action.owner:
            return RefusedError(
                f"{action.why}; {action.owner} is the owner, nothing was changed",
                next_step="make both databases reachable from this worker, then clear this task",
            )
        return ManualInterventionRequired(
            action.why,
            owner="it is not known which database",
            changed=False,
            wanted="both control rows, and epochs that follow one another",
            next_step="SELECT * FROM livemove.control on both databases; when both answer, clear this task",
        )

    def _tell(
        self, move: AttemptState, started: datetime, result: AttemptResult, reason: str | None = None
    ) -> SwitchoverRecord:
        record = _record(move, started, result, reason)
        save_document(self.parts, record)
        self._note(move, started, result, reason)
        return record

    def _note(
        self, move: AttemptState, started: datetime, result: AttemptResult, reason: str | None = None
    ) -> None:
        """The record is written over by the next attempt of this epoch; the event stays."""
        note_event(self.parts, SwitchoverEnded.model_validate(dict(_facts(move, started, result, reason))))


def save_document(parts: Dependencies, document: Document) -> None:
    """A document of the ledger, which decides nothing: it must never stop a move."""
    try:
        parts.ledger.save(document)
    except Exception:
        log.warning("the document %s could not be written", document.ledger_name, exc_info=True)


def note_event(parts: Dependencies, event: Event) -> None:
    """An event of the ledger, which decides nothing: it must never stop a move."""
    try:
        parts.ledger.note(event)
    except Exception:
        log.warning("the event %s could not be kept", event.event, exc_info=True)


def note_lifted(parts: Dependencies, row: ControlRow, out: Outcome) -> None:
    """That a fence which somebody left behind was lifted now, and how long it lasted."""
    if out.state is not ControlState.OPEN:
        return
    now = parts.clock.now()
    since = None if row.armed_ago is None else now - timedelta(seconds=row.armed_ago)
    note_event(
        parts,
        FenceLifted(
            side=row.side,
            epoch=row.epoch,
            attempt=row.attempt,
            fenced_at=since.isoformat() if since else None,
            lifted_at=now.isoformat(),
        ),
    )


def release_servers(parts: Dependencies, owner: Side, epoch: int) -> None:
    """Step A on the servers: end the hold in the row that armed servers watch, then tell all to release.

    Nothing is done where the owner's row is not OPEN: another attempt has fenced or ceded it by now.
    """
    row = read_row(parts.control[owner], parts.clock, times=1)
    if row and row.state is not ControlState.OPEN:
        return  # somebody else's by now: theirs to release; a hold ends by itself
    try:
        parts.control[owner.other].ask_hold(row.epoch if row else epoch, 0)
    except Exception as e:
        log.warning("the hold could not be ended in the database, the servers get the command: %s", e)
    log.info("release: %s", summary(parts.servers.release()))
    parts.servers.jobs_on(owner)


def _facts(
    move: AttemptState, started: datetime, result: AttemptResult | None, reason: str | None
) -> AttemptFacts:
    """When this attempt began, and the moments of it that decided who may write."""
    return AttemptFacts(
        epoch=move.new,
        from_=move.f,
        to=move.to,
        attempt=move.attempt,
        started_at=started.isoformat(),
        fenced_at=_iso(move.armed_at or move.fenced_at),
        committed_at=_iso(move.committed_at),
        opened_at=_iso(move.opened_at),
        lifted_at=_iso(move.lifted_at),
        result=result,
        reason=reason,
    )


def _record(
    move: AttemptState, started: datetime, result: AttemptResult | None = None, reason: str | None = None
) -> SwitchoverRecord:
    return SwitchoverRecord(
        **dict(_facts(move, started, result, reason)),
        steps=move.steps,
        drained=move.drained,
        position=move.position,
        servers_left_behind=[r.server for r in move.servers],
        fenced_ms=move.fenced_ms,
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
