"""The moves that went through, and since when nobody follows the owner, as the ledger tells it. It tells; rows decide."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.model.ports import Json, Ledger

CLOSING = ("replication deleted", "control_removed", "promoted")
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


def moves(ledger: Ledger) -> list[Json]:
    """Documents switchover/<epoch> of moves that went through, oldest first."""
    return completed(ledger.read(name) for name in ledger.documents("switchover/"))


def way_back_closed(ledger: Ledger) -> str | None:
    """When the return path of the last move was deleted, or None while the source still follows.

    For the question and for a clear refusal only; the switchover's own guards decide.
    """
    done = moves(ledger)
    return closed_since(str(done[-1].get("started_at") or ""), ledger.events()) if done else None
