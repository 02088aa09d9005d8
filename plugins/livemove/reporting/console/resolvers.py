"""What each name server answers."""

from __future__ import annotations

from livemove.model.ledger import Propagation
from livemove.model.ports import Json
from livemove.reporting.console.ledger import Ledger

SHOWN = {"server", "authority", "answer", "ttl", "until", "flipped_at", "stretches", "error"}


def resolvers(ledger: Ledger) -> Json | None:
    """Name servers by what they answer, and when the last honest old answer ends."""
    seen = ledger.load(Propagation)
    if not seen:
        return None
    counted = [r for r in seen.rows if r.heard or not r.advisory]
    waiting = [r for r in counted if not r.flipped_at]
    return {
        "expected": seen.expected,
        "wanted": seen.wanted,
        "flipped": len(counted) - len(waiting),
        "of": len(counted),
        "last_until": max((r.until for r in waiting if r.until), default=None),
        "rows": [{**r.model_dump(mode="json", include=SHOWN), "counts": r in counted} for r in seen.rows],
    }
