"""What each name server answers."""

from __future__ import annotations

from livemove.model.ports import Json
from livemove.reporting.console.ledger import Ledger


def resolvers(ledger: Ledger) -> Json | None:
    """Name servers by what they answer, and when the last honest old answer ends."""
    seen = ledger.get("propagation")
    if not seen:
        return None
    counted = [r for r in seen["rows"] if r.get("heard") or not r.get("advisory")]
    waiting = [r for r in counted if not r.get("flipped_at")]
    ends = [str(r["until"]) for r in waiting if r.get("until")]
    keep = ("server", "authority", "answer", "ttl", "until", "flipped_at", "stretches", "error")
    return {
        "expected": seen.get("expected"),
        "wanted": seen.get("wanted"),
        "flipped": len(counted) - len(waiting),
        "of": len(counted),
        "last_until": max(ends, default=None),
        "rows": [{**{k: r.get(k) for k in keep}, "counts": r in counted} for r in seen["rows"]],
    }
