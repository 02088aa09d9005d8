"""The writes go back to the data centre, from wherever they are: what is half done is finished first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from livemove.model.errors import LivemoveError, ManualInterventionRequired, RefusedError, SwitchoverAborted
from livemove.model.ledger import SwitchoverRecord
from livemove.model.ports import ControlRow, ControlState, Json, Link
from livemove.model.spec import Side
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.switchover import reverse_replication as return_path
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.guards import remarks
from livemove.switchover.protocol import Switchover
from livemove.switchover.steps import Dependencies, read_row

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WentBack:
    """The source is the owner again, or still."""

    epoch: int
    message: str
    although: Sequence[str] = ()
    """Reasons that would have refused the way forward."""
    move: SwitchoverRecord | None = None
    """None: the writes had not left it."""

    @property
    def document(self) -> Json:
        moved = self.move.stored() if self.move else {}
        facts = {"epoch": self.epoch, "owner": str(Side.SOURCE), "message": self.message}
        return {**moved, **facts, "although": list(self.although)}


def go_back(
    parts: Dependencies,
    switchover: Callable[[Side], Switchover],
    prepare_return: Callable[[Dependencies], Json],
) -> WentBack:
    """Make the source the owner.

    `prepare_return` makes and tests the task by which the target follows after the rollback. Nothing is lost:
    reverse replication brought every write to the source. Where it did not (`losses`), RefusedError before
    anything is changed. Else raises what the switchover raises.
    """
    source, target = (read_row(parts.control[side], parts.clock) for side in (Side.SOURCE, Side.TARGET))
    if target and target.promoted:
        raise RefusedError(
            f"{target} was promoted when the source was gone: a rollback would lose every write since",
            wanted="a source that has every write",
            next_step=(
                "nothing was changed, the target is the owner; a return is a new migration to a rebuilt"
                " source"
            ),
        )
    if source and source.state is ControlState.OPEN and source.epoch == 1:
        return WentBack(1, "the source is the owner from the beginning")
    if source and source.state is ControlState.CEDED:
        log.info("%s: the move to the target is committed; it is finished first", source)
        switchover(Side.TARGET).run()
        target = read_row(parts.control[Side.TARGET], parts.clock)
    lines: list[str] = []
    if target and target.state is ControlState.OPEN:
        _nothing_is_lost(parts, target)
        return_path.run(parts)
        prepare_return(parts)
        lines = remarks(parts, Side.SOURCE, target.epoch)
        for line in lines:
            log.warning("going back all the same: %s", line)
    record = switchover(Side.SOURCE).run()
    now = read_row(parts.control[Side.SOURCE], parts.clock)
    if now is None or now.state is not ControlState.OPEN:
        raise ManualInterventionRequired(
            f"After the move back the source says {now}", owner="it is not known which database", changed=True
        )
    if now.epoch > 1:
        return_path.run(parts)
    message = f"the source is the owner since epoch {now.epoch}"
    return WentBack(record.epoch, message, lines, record)


def _nothing_is_lost(parts: Dependencies, owner: ControlRow) -> None:
    if not owner.position:
        return
    link = Link(parts.service, owner.epoch, owner.side)
    if lost := way_back.losses(way_back.facts(parts, link, owner.position)):
        raise RefusedError(
            f"A rollback would lose writes: {'; '.join(lost)}",
            wanted=f"every write of the {owner.side} in the {owner.side.other}",
            next_step=(
                f"nothing was changed, the {owner.side} is the owner."
                f" {REPAIR_FOLLOWER[0].upper()}{REPAIR_FOLLOWER[1:]}; then order the rollback again"
            ),
        )


HARMLESS = (RefusedError, SwitchoverAborted, ManualInterventionRequired)
"""Failures after which the world is as it was: rolling back would undo something that works."""


def failure(error: BaseException | None) -> Json:
    """{"error", "found", "harmless"} of a task's error and its causes, because Airflow may wrap ours.

    None: Airflow calls for a task that was killed without an error.
    """
    if error is None:
        return {"error": "Killed", "found": "it was killed and left no word", "harmless": False}
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, LivemoveError):
            return {"error": type(one).__name__, "found": one.found, "harmless": isinstance(one, HARMLESS)}
        one = one.__cause__
    return {"error": type(error).__name__, "found": str(error)[:500], "harmless": False}


def not_automatic(failed: Mapping[str, Json | None]) -> str | None:
    """Why failed tasks (id -> `failure`, None if killed) start no rollback; None: they start one."""
    if not failed:
        return "no task behind the gate of an automatic stage has failed"
    if all(f and f.get("harmless") for f in failed.values()):
        text = "; ".join(f"{t}: {f['error']}: {f['found']}" for t, f in sorted(failed.items()) if f)
        return f"nothing was changed by what failed, so nothing is undone ({text})"
    return None
