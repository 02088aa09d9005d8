"""The preflight's findings, tasks that failed for good, and the soak."""

from __future__ import annotations

from livemove.model.ledger import Findings, Soak, TaskFailed
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting.console.ledger import LISTED, Ledger


def findings(ledger: Ledger) -> Json | None:
    found = ledger.load(Findings)
    if not found:
        return None
    order = {"error": 0, "warning": 1, "ok": 2}
    rows = sorted(found.findings, key=lambda f: order.get(f.severity, 3))
    return {"counts": found.counts, "rows": [f.model_dump(mode="json") for f in rows]}


def failures(ledger: Ledger) -> list[Json]:
    """Tasks that failed for good, newest first."""
    keep = {"time", "task_id", "error", "found", "harmless", "run_id"}
    rows = [e.model_dump(mode="json", include=keep) for e in ledger.all_of(TaskFailed)]
    return rows[::-1][:LISTED]


def soak(ledger: Ledger) -> Json | None:
    """How much of the soak counts, for the switchover to the present owner; None after a rollback."""
    seen, now = ledger.load(Soak), ledger.current
    if not seen or now.owner is not Side.TARGET or seen.epoch != now.epoch:
        return None
    # the run's form may have said another time than the spec
    return {**seen.stored(), "of": ledger.spec.soak if seen.of is None else seen.of}
