"""Completed switchovers, and since when the old owner no longer follows, by the ledger. Rows outrank it."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.model.ledger import ControlRemoved, Event, Promoted, ReplicationDeleted, SwitchoverRecord

CLOSING = (ReplicationDeleted, ControlRemoved, Promoted)
"""Events after which the source misses writes: of the retire chapter, and of an emergency."""


def went_through(record: SwitchoverRecord) -> bool:
    """Whether it is a completed switchover, not one that was undone."""
    return record.fenced_ms is not None


def completed(records: Iterable[SwitchoverRecord]) -> list[SwitchoverRecord]:
    """Those that are moves, oldest first."""
    return sorted((r for r in records if went_through(r)), key=lambda r: r.epoch)


def closed_since(began: str, events: Iterable[Event]) -> str | None:
    """When a person ended reverse replication after the switchover of `began`, ISO; None if nobody has."""
    times = (e.time for e in events if isinstance(e, CLOSING))
    return min((t for t in times if t > began), default=None)
