"""Completed switchovers, and since when the old owner no longer follows, by the ledger. Rows outrank it."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.model.ports import Json

CLOSING = ("replication deleted", "control_removed", "promoted")
"""Events after which the source misses writes: of the retire chapter, and of an emergency."""


def went_through(document: Json | None) -> bool:
    """Whether a document `switchover/<epoch>` is of a completed switchover, not of one that was undone."""
    return bool(document and document.get("to") and document.get("fenced_ms") is not None)


def completed(documents: Iterable[Json | None]) -> list[Json]:
    """Those of the documents `switchover/*` that are moves, oldest first."""
    return sorted((d for d in documents if d and went_through(d)), key=lambda d: int(d["epoch"]))


def closed_since(began: str, events: Iterable[Json]) -> str | None:
    """When a person ended reverse replication after the switchover of `began`, ISO; None if nobody has."""
    times = (str(e["time"]) for e in events if e.get("event") in CLOSING)
    return min((t for t in times if t > began), default=None)
