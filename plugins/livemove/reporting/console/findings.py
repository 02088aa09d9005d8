"""The preflight's findings, tasks that failed for good, and the soak."""

from __future__ import annotations

from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting.console.ledger import LISTED, Ledger, settled


def findings(ledger: Ledger) -> Json | None:
    found = ledger.get("findings")
    if not found:
        return None
    order = {"error": 0, "warning": 1, "ok": 2}
    rows = sorted(found["findings"], key=lambda f: order.get(f["severity"], 3))
    return {"counts": found.get("counts") or {}, "rows": rows}


def failures(ledger: Ledger) -> list[Json]:
    """Tasks that failed for good, newest first."""
    rows = [
        {k: e.get(k) for k in ("time", "task_id", "error", "found", "harmless", "run_id")}
        for e in ledger.told("task_failed")
    ]
    return rows[::-1][:LISTED]


def soak(ledger: Ledger) -> Json | None:
    """How much of the soak counts, of the move that owns the writes now; None for one that went back since."""
    seen = ledger.get("soak")
    if (
        not seen
        or ledger.current.owner is not Side.TARGET
        or seen.get("epoch", ledger.current.epoch) != ledger.current.epoch
    ):
        return None
    return {**seen, "of": settled(seen, "of", ledger.spec.soak)}
