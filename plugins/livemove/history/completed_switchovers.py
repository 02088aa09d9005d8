"""The moves that went through, and since when nobody follows the owner, as the ledger has it. Rows decide."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.model.ledger import ControlRemoved, Event, Promoted, ReplicationDeleted, SwitchoverRecord

CLOSING = (ReplicationDeleted, ControlRemoved, Promoted)
"""Events after which the source misses writes: of the retire chapter, and of an emergency."""


def went_through(record: SwitchoverRecord) -> bool:
    """One that was undone before its commit never ended its fence by a move."""
    return record.fenced_ms is not None


def completed(records: Iterable[SwitchoverRecord]) -> list[SwitchoverRecord]:
    """Those that are moves, oldest first."""
    return sorted((r for r in records if went_through(r)), key=lambda r: r.epoch)


def closed_since(began: str, events: Iterable[Event]) -> str | None:
    """When a person closed the rollback of a move that began then, ISO; None while the source follows."""
    times = (e.time for e in events if isinstance(e, CLOSING))
    return min((t for t in times if t > began), default=None)
