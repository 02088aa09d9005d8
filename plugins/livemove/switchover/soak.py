"""The soak: how long the moved service has run with a way back that loses nothing. No I/O.

The time between two looks counts when the follower was current at both, whoever looked, so a task that is
cleared
or retried goes on where it was. It does not count while the return path is behind, stands or cannot be seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from livemove.model.ports import Json, TaskState


@dataclass(frozen=True)
class Soak:
    epoch: int
    counted: float
    """Seconds that count."""
    at: str
    """The last look, ISO."""
    current: bool
    """Whether the follower had everything then."""

    @classmethod
    def of(cls, document: Json | None, epoch: int, since: str) -> Soak:
        """As the ledger has it; a new epoch begins at the end of its move, when nothing was missing yet."""
        if document and document.get("epoch") == epoch:
            return cls(epoch, float(document["counted"]), str(document["at"]), bool(document["current"]))
        return cls(epoch, 0.0, since, True)

    def seen(self, now: datetime, *, current: bool) -> Soak:
        passed = (now - datetime.fromisoformat(self.at)).total_seconds()
        counts = max(0.0, passed) if self.current and current else 0.0
        return Soak(self.epoch, self.counted + counts, now.isoformat(), current)

    def as_json(self) -> Json:
        return asdict(self)


def failed(way_back: Json) -> str | None:
    """Why nobody need wait any longer: it will not mend itself. None: it is well, or only behind."""
    if way_back["losses"] or way_back["state"] in (TaskState.FAILED, TaskState.STOPPED, TaskState.ABSENT):
        return str(way_back["says"])
    return None


def is_current(way_back: Json) -> bool:
    """The follower had everything at that look, and nothing before it was skipped."""
    return (
        way_back["lag_ms"] is not None and way_back["state"] == TaskState.RUNNING and not way_back["losses"]
    )
