"""The soak: how long the moved service has run with a rollback that would lose nothing. No I/O.

The time between two looks counts when the follower was current at both, whoever looked, so a task that is
cleared or retried continues where it stopped. It does not count while reverse
replication is behind, stopped or cannot be seen.
"""

from __future__ import annotations

from datetime import datetime

from livemove.model.ledger import Soak, WayBack
from livemove.model.ports import TaskState

NOT_SEEN = "not seen"
"""State of a replication task that could not be looked at."""


def begin(kept: Soak | None, epoch: int, since: str) -> Soak:
    """As the ledger has it; a new epoch begins at the end of its move, when nothing was missing yet."""
    if kept and kept.epoch == epoch:
        return kept
    return Soak(epoch=epoch, counted=0.0, at=since, current=True)


def after_look(soak: Soak, now: datetime, *, current: bool, of: float) -> Soak:
    """With one more look at `now`. `of`: the seconds that are wanted."""
    passed = (now - datetime.fromisoformat(soak.at)).total_seconds()
    counts = max(0.0, passed) if soak.current and current else 0.0
    return Soak(epoch=soak.epoch, counted=soak.counted + counts, at=now.isoformat(), current=current, of=of)


def failed(seen: WayBack) -> str | None:
    """Why nobody need wait any longer: it will not fix itself. None: it is well, or only behind."""
    if seen.losses or seen.state in (TaskState.FAILED, TaskState.STOPPED, TaskState.ABSENT):
        return seen.message
    return None


def is_current(seen: WayBack) -> bool:
    """The follower had everything at that look, and nothing before it was skipped."""
    return seen.lag_ms is not None and seen.state == TaskState.RUNNING and not seen.losses
