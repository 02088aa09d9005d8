"""Without Airflow: the present state, the next command for a person, and the commands themselves.

The same core as the DAG's tasks, so that one may begin what the other finishes. What a verb does to a
database is guarded there; here are only the questions before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from livemove.control.rows import ControlRows, SwitchoverStage
from livemove.history import History
from livemove.model.errors import LivemoveError, RefusedError, UnreachableError
from livemove.model.ports import Answered, ControlRow, ControlState, Json, Reply
from livemove.model.spec import Side
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.next_action import Action, ActionKind, next_action
from livemove.switchover.protocol import (
    AFTER_OPEN,
    COMMIT,
    STEPS,
    DryRunSteps,
    Switchover,
    note_lifted,
    release_servers,
    run_steps,
)
from livemove.switchover.rollback import go_back
from livemove.switchover.steps import AttemptState, Dependencies, describe_outcome, read_row

OPEN, FENCED, CEDED, FOLLOW, CLAIMED = ControlState
Maker = Callable[[Side], Switchover]
NOTHING = "nothing has to be done"


@dataclass(frozen=True)
class ControlStates(ControlRows):
    """Both control rows, read one after the other; None: that database does not answer."""

    @classmethod
    def of(cls, parts: Dependencies) -> ControlStates:
        return cls(*(read_row(parts.control[side], parts.clock, times=2) for side in Side))

    def action(self, to: Side) -> Action:
        return next_action(self.row(to.other), self.row(to), to=to)

    @property
    def silent(self) -> list[Side]:
        return [side for side in Side if self.row(side) is None]

    @property
    def fenced(self) -> list[ControlRow]:
        return [r for r in self.read if r.state is FENCED]

    @property
    def owner(self) -> Side | None:
        """The owner, as far as the rows say."""
        return History(rows=self).current.owner if self.reading.stage is not SwitchoverStage.UNKNOWN else None

    @property
    def unfinished(self) -> Side | None:
        """Where the last committed switchover goes; None before any, after a promotion, or if unknown."""
        if self.promoted:
            return None
        for to in Side:
            action = self.action(to)
            if action.do in (ActionKind.GO_ON, ActionKind.DONE) and action.epoch > 1:
                return to
        return None


# Telling --------------------------------------------------------------------------------------------
def describe(row: ControlRow | None, side: Side) -> str:
    """One database in one line."""
    if row is None:
        return f"{side}: does not answer"
    facts = [str(row)]
    if row.state is FENCED:
        facts.append(f"fence of attempt {row.attempt}, {_seconds(row.seconds_left)} of its lease left")
    beat = "never" if row.heartbeat_age is None else f"{_seconds(row.heartbeat_age)} ago"
    facts.append(
        f"the dead-man's switch ticked {beat}" + (" (it rests in a fence)" if row.state is FENCED else "")
    )
    if row.promoted:
        facts.append(f"promoted when the {side.other} was gone (by {row.attempt or 'somebody'})")
    if row.position:
        facts.append(f"followed from {row.position}")
    return ", ".join(facts)


def _seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} s"


def report(parts: Dependencies) -> Iterator[str]:
    """Everything a person wants to know first, line by line; what does not answer is a line as well."""
    now = ControlStates.of(parts)
    yield f"service {parts.service}"
    for side in Side:
        yield f"  {describe(now.row(side), side)}"
    yield f"owner of the writes: {now.owner or 'is not known from these rows'}"
    for to in reversed(Side):
        action = now.action(to)
        yield f"a move to the {to} would: {action.do} ({action.why})"
    yield from _replication(parts)
    yield from _arrived(now, parts)
    yield from _servers(parts)
    yield f"next: {advice(now)}"


def _replication(parts: Dependencies) -> Iterator[str]:
    try:
        links = parts.replicator.links()
        for link in links:
            status = parts.replicator.status(link)
            why = status.failure or status.stop_reason
            yield f"replication {link.name}: {status.state}" + (f" ({why})" if why else "")
        if not links:
            yield "replication: no task"
    except LivemoveError as e:
        yield f"replication: {e.found}"


def _arrived(now: ControlStates, parts: Dependencies) -> Iterator[str]:
    for row in now.read:
        if row.state is FOLLOW:
            newest = parts.control[row.side].newest_watermark(row.side.other)
            age = f"{newest.ago:.0f} s ago" if newest else "never"
            yield f"newest watermark of the {row.side.other} in the {row.side}: written {age}"


def _servers(parts: Dependencies) -> Iterator[str]:
    for r in parts.servers.status():
        yield f"server {r.server}: {_server(r)}"


def _server(r: Reply) -> str:
    if not r.ok:
        return f"does not answer ({r.message})" if r.message else "does not answer"
    return f"points to the {r.facts.get('points_to', '?')}, epoch {r.facts.get('epoch', '?')}"


def advice(now: ControlStates) -> str:
    """The next sensible command, or why there is none."""
    there = now.action(Side.TARGET)
    if now.promoted:
        return _after_promotion(now, now.promoted)
    if now.fenced:
        row = now.fenced[0]
        return (
            f"if nobody is moving the writes right now: livemove abort; without it the {row.side} opens by"
            f" itself in {_seconds(row.seconds_left)}"
        )
    if now.unfinished and now.action(now.unfinished).do is ActionKind.GO_ON:
        return "livemove continue: a move is committed and not finished"
    if there.do in (ActionKind.START, ActionKind.DONE):
        if there.do is ActionKind.DONE:
            return f"{NOTHING}; livemove rollback moves the writes back to the source"
        return f"{NOTHING}; the source is the owner, the target follows"
    if now.silent:
        which = " and ".join(f"the {side}" for side in now.silent)
        owner = f"{now.owner} is the owner; " if now.owner else ""
        return (
            f"{owner}touch nothing before {which} answers: make it reachable from here, then livemove status"
        )
    return (
        "a person: the rows do not fit together; read both again, see the runbook, change nothing meanwhile"
    )


def _after_promotion(now: ControlStates, row: ControlRow) -> str:
    other = now.row(row.side.other)
    if row.state is not OPEN:
        return "livemove promote again: it continues where it stopped"
    if other and other.epoch < row.epoch:
        return (
            f"AT ONCE livemove promote again: the {other.side} came back and is open beside the"
            f" {row.side}; it closes it"
        )
    return f"{NOTHING}; the {row.side.other} is never reopened: rebuild it (see the runbook)"


# Doing ----------------------------------------------------------------------------------------------
def abort_plan(now: ControlStates) -> list[str]:
    return [
        f"CALL livemove.lift_fence({row.epoch}, '{row.attempt}') on the {row.side}: {row.side}"
        f" OPEN@{row.epoch}"
        for row in now.fenced
    ] + ["servers: release, and jobs on"]


def abort(parts: Dependencies) -> str:
    """A: lift a fence before its commit. RefusedError after a commit, UnreachableError if unknown."""
    now = ControlStates.of(parts)
    if not now.fenced:
        return _nothing_to_abort(now)
    return "; ".join(_lift(parts, row) for row in now.fenced)


def _nothing_to_abort(now: ControlStates) -> str:
    if any(r.state in (CEDED, CLAIMED) for r in now.read) and now.unfinished:
        raise RefusedError(
            f"Nothing is fenced: the move to the {now.unfinished} is committed ({_both(now)})",
            wanted="a fence before its commit; after it there is no undo, only forward",
            next_step="livemove continue, then livemove rollback if you want the writes back",
        )
    if now.silent:
        raise UnreachableError(
            f"No fence is seen, and {', '.join(f'the {s}' for s in now.silent)} does not answer",
            next_step="a fence there opens by itself when its lease is over; run this again when it answers",
        )
    return f"nothing is fenced ({_both(now)}); nothing was changed"


def _lift(parts: Dependencies, row: ControlRow) -> str:
    for _ in range(5):
        out = parts.control[row.side].lift(row.epoch, row.attempt)
        if out.answered is not Answered.BUSY:
            break
    if out.state is CEDED:
        raise RefusedError(
            f"The commit came first: the {row.side} is {out.state}@{out.epoch}",
            next_step="livemove continue: it is finished, then livemove rollback if you want the writes back",
        )
    if out.state is not OPEN:
        raise RefusedError(
            f"The fence on the {row.side} could not be lifted: {describe_outcome(out)}",
            next_step="run this again",
        )
    note_lifted(parts, row, out)
    release_servers(parts, row.side, out.epoch)
    return f"{row.side} OPEN@{out.epoch}: the application writes there again; the servers were released"


def continue_plan(parts: Dependencies, now: ControlStates) -> list[str]:
    """The steps that `go_on` would do; none when nothing was committed."""
    to = now.unfinished
    if to is None:
        return []
    action = now.action(to)
    move = AttemptState(parts.service, to, action.epoch - 1, "dry-run")
    run_steps(
        AFTER_OPEN if action.do is ActionKind.DONE else STEPS[COMMIT + 1 :],
        DryRunSteps(move),
        parts.clock,
        move,
    )
    return [
        *(f"{s.step} {s.name}: {s.seen}" for s in move.steps),
        f"12 follow: {to.other} FOLLOW@{action.epoch}, if it is not yet",
        f"13 reverse replication: the replication task of epoch {action.epoch} runs, from {to} to {to.other}",
    ]


def go_on(parts: Dependencies, make: Maker) -> str:
    """What a retry of the switchover and then of return_path would do; never begins a move of its own."""
    now = ControlStates.of(parts)
    to = now.unfinished
    if to is None:
        return _nothing_to_continue(now)
    moved = make(to).run()
    if (other := read_row(parts.control[to.other], parts.clock)) is None:
        raise UnreachableError(
            f"The {to} is the owner and serves; the {to.other} does not answer, so it cannot follow yet",
            wanted="both databases, for reverse replication",
            next_step=f"livemove continue when the {to.other} answers; until then no rollback is possible",
        )
    return_path.run(parts)
    return f"the {to} is the owner since epoch {moved.epoch}, the {other.side} follows"


def _nothing_to_continue(now: ControlStates) -> str:
    if now.fenced:
        raise RefusedError(
            f"Nothing is committed: {describe(now.fenced[0], now.fenced[0].side)}",
            wanted="a committed move",
            next_step="livemove abort, or let the lease run out; a new move begins at its gate in Airflow",
        )
    if now.promoted:
        raise RefusedError(
            f"{now.promoted} was promoted: nothing follows it, nothing is continued", next_step=advice(now)
        )
    if now.owner is None or now.silent:
        action = now.action(Side.TARGET)
        raise UnreachableError(f"Nothing that can be continued is seen: {action.why}", next_step=advice(now))
    return f"no move is under way ({_both(now)}); nothing was changed"


def rollback_plan(parts: Dependencies, now: ControlStates) -> list[str]:
    """What `roll_back` would do to the writes."""
    source, target = now.source, now.target
    if source and source.state is OPEN and source.epoch == 1:
        return []
    steps = []
    if source and source.state is CEDED:
        steps.append("the move to the target is finished first:")
        steps += [f"  {line}" for line in continue_plan(parts, now)]
    epoch = target.epoch if target else 0
    if target and (target.state is OPEN or (source and source.state is CEDED)):
        epoch = source.epoch if source and source.state is CEDED else target.epoch
        steps.append(
            "12, 13 reverse replication, if it does not run yet; then that of a later move is prepared"
        )
    elif source:
        epoch = source.epoch
    steps += Switchover(parts, Side.SOURCE, "dry-run", guards=lambda *_: []).dry_run(epoch)
    return [*steps, f"12, 13 reverse replication of epoch {epoch + 1}: the target follows"]


def roll_back(parts: Dependencies, make: Maker, prepare: Callable[[Dependencies], Json]) -> str:
    """The rollback chapter's part for the writes."""
    return go_back(parts, make, prepare).message


def _both(now: ControlStates) -> str:
    return ", ".join(str(now.row(side) or f"{side} does not answer") for side in Side)
