"""The moves that went through, and since when nobody follows the owner, as the ledger tells it. It tells; rows decide."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.model.ports import Json

CLOSING = ("replication_deleted", "control_removed", "promoted")
"""Events after which the source misses writes: of the retire chapter, and of an emergency."""


def went_through(document: Json | None) -> bool:
    """Of a document `switchover/<epoch>`: one that was undone before its commit never ended its fence by a move."""
    return bool(document and document.get("to") and document.get("fenced_ms") is not None)


def completed(documents: Iterable[Json | None]) -> list[Json]:
    """Those of the documents `switchover/*` that are moves, oldest first."""
    return sorted((d for d in documents if d and went_through(d)), key=lambda d: int(d["epoch"]))


def closed_since(began: str, events: Iterable[Json]) -> str | None:
    """When the way back of a move that began then was closed by a person's word, ISO; None while the source follows."""
    times = (str(e["time"]) for e in events if e.get("event") in CLOSING)
    return min((t for t in times if t > began), default=None)
