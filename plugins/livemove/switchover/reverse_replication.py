"""Steps 12 and 13: the old owner follows the new one, so that a rollback loses nothing.

Runs after the switchover, outside the write pause, and belongs to the move: no rollback starts before it is
done. It reads both rows, does what is missing, and may run any number of times.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from livemove.model.errors import RefusedError, ReplicationError, SwitchoverIncomplete
from livemove.model.ledger import ReturnPath, ReturnPathRuns
from livemove.model.ports import ControlRow, ControlState, Link, Outcome, ReplicationStatus, TaskState
from livemove.model.spec import Side
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.runtime.deadlines import Deadline
from livemove.runtime.watermarks import watermark_trip
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.steps import Dependencies, read_row

log = logging.getLogger(__name__)
ARRIVES_WITHIN = 120.0
"""Seconds for the first watermark on reverse replication: DMS takes its time to start."""


@dataclass(frozen=True)
class OwnerAndFollower:
    """Who owns, who follows or will follow."""

    owner: ControlRow
    other: ControlRow

    @property
    def epoch(self) -> int:
        return self.owner.epoch


def owner_and_follower(parts: Dependencies) -> OwnerAndFollower | None:
    """The owner's and the other row, when one is OPEN and the other belongs to the same epoch; else None."""
    rows = {side: read_row(parts.control[side], parts.clock) for side in Side}
    for side in Side:
        owner, other = rows[side], rows[side.other]
        if (
            owner
            and other
            and owner.state is ControlState.OPEN
            and other.epoch == owner.epoch
            and other.state in (ControlState.CEDED, ControlState.FOLLOW)
            and not owner.promoted
        ):
            return OwnerAndFollower(owner, other)
    return None


def run(parts: Dependencies) -> ReturnPath | None:
    """12 and 13; what the ledger keeps of it. None: no move was made yet, so nothing is turned round."""
    now = owner_and_follower(parts)
    if now is None:
        rows = [read_row(parts.control[side], parts.clock) for side in Side]
        if gone := [r for r in rows if r and r.promoted]:
            raise RefusedError(
                f"{gone[0]} was promoted: the {gone[0].side.other} may hold writes that never arrived, and"
                " cannot follow",
                next_step=f"rebuild the {gone[0].side.other} anew; before that no rollback is possible",
            )
        raise RefusedError(
            f"No database is open beside one that can follow it: {', '.join(str(r) for r in rows)}",
            wanted="OPEN@e on one side, CEDED@e or FOLLOW@e on the other",
            next_step="clear the switchover: it continues where it stopped; then this task",
        )
    owner, other = now.owner.side, now.other.side
    link = Link(parts.service, now.epoch, owner)
    if now.other.state is ControlState.CEDED:
        _follow(parts, now)
    if not now.owner.position:
        # epoch 1 began with a full load: its task is started by the replicate chapter
        return None
    _help(parts, now)
    state = parts.replicator.status(link).state
    if state is TaskState.ABSENT:
        raise ReplicationError(
            f"The task {link.name} does not exist",
            wanted=f"reverse replication from the {owner} to the {other}, prepared before the move",
            next_step="clear prepare_return, then this task",
        )
    _can_begin(parts, link, now.owner.position)
    parts.replicator.start(link, position=now.owner.position)
    arrived = _arrives(parts, owner, other, now.epoch)
    path = ReturnPath(
        epoch=now.epoch,
        reads=owner,
        writes=other,
        task=link.name,
        position=now.owner.position,
        watermark_ms=arrived,
        running_since=parts.clock.now().isoformat(),
    )
    parts.ledger.save(path)
    parts.ledger.note(ReturnPathRuns(epoch=now.epoch, reads=owner, writes=other))
    return path


def _can_begin(parts: Dependencies, link: Link, start: str) -> None:
    """What the task would read first must still be there: DMS would start elsewhere, or not at all."""
    if lost := way_back.losses(way_back.facts(parts, link, start)):
        raise ReplicationError(
            f"The {link.writes} cannot follow any more: {'; '.join(lost)}",
            wanted=f"every write of the {link.reads} since {start}",
            next_step=REPAIR_FOLLOWER,
        )


def _follow(parts: Dependencies, now: OwnerAndFollower) -> None:
    """Step 12: stop the old task, keep and drop the follower's triggers, then admit the new task."""
    other = parts.control[now.other.side]
    parts.replicator.stop(Link(parts.service, now.epoch - 1, now.other.side))
    # under the row's lock: a trigger that is dropped late would be one that a later epoch needs
    out = other.while_in(ControlState.CEDED, now.epoch, lambda: parts.code.sleep(now.other.side))
    if out.done:
        out = other.follow(now.epoch)
    if not out.done:
        raise _incomplete(now, "does not follow yet", out)


def _help(parts: Dependencies, now: OwnerAndFollower) -> None:
    """What DDL has brought since the follower was helped, too: a LOB that is NOT NULL would stop the task."""
    other = parts.control[now.other.side]
    out = other.while_in(ControlState.FOLLOW, now.epoch, lambda: parts.code.help(now.other.side))
    if not out.done:
        raise _incomplete(now, "was not prepared for LOBs", out)


def _incomplete(now: OwnerAndFollower, what: str, out: Outcome) -> SwitchoverIncomplete:
    return SwitchoverIncomplete(
        f"The {now.other.side} {what}: {out.answered}, it is {out.state}@{out.epoch}",
        owner=f"the {now.owner.side}",
        changed=True,
        next_step="clear this task: it reads both rows and continues",
    )


def _arrives(parts: Dependencies, owner: Side, other: Side, epoch: int) -> int:
    """Milliseconds until a watermark written now is seen by the follower; ReplicationError when it is not."""
    link, stream = Link(parts.service, epoch, owner), f"return {epoch} {parts.clock.now().isoformat()}"
    limit, ours, theirs = Deadline(parts.clock, ARRIVES_WITHIN), parts.control[owner], parts.control[other]

    def refuse_failed() -> None:
        status = parts.replicator.status(link)
        if status.state is TaskState.FAILED:
            raise _brought_nothing(link, status, limit.waited)

    trip = watermark_trip(ours, theirs, owner, stream, 1, limit, every=0.2, meanwhile=refuse_failed)
    if trip is None:
        raise _brought_nothing(link, parts.replicator.status(link), limit.waited)
    return round(trip * 1000)


def _brought_nothing(link: Link, status: ReplicationStatus, waited: float) -> ReplicationError:
    return ReplicationError(
        f"Reverse replication {link.name} is {status.state} and brought nothing in {waited:.0f} s:"
        f" {status.failure or status.stop_reason or 'DMS gives no reason'}",
        wanted=f"a row written on the {link.reads} to arrive in the {link.writes}",
        next_step="remove the cause, then clear this task; the owner serves meanwhile",
    )
