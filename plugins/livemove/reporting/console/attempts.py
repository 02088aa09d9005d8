"""Every attempt to move the writes, step by step."""

from __future__ import annotations

from livemove.model.ledger import SwitchoverRecord
from livemove.model.ports import Json
from livemove.reporting.console.ledger import Ledger, ended_at

STEPS = {
    "guards": "guards",
    "arm_servers": "hold",
    "arm": "lease",
    "fence": "fence",
    "drain": "drain",
    "prove": "proof",
    "commit": "commit",
    "claim": "claim",
    "prepare": "prepare",
    "open": "open",
    "repoint": "repoint",
    "release": "release",
}
"""Step of switchover/protocol.py -> its word in the timeline."""


def switchovers(ledger: Ledger) -> list[Json]:
    """Every attempt that the ledger keeps, newest first, its steps with their beginning in milliseconds.

    The clock starts at the lease; what comes before it (guards, arming the servers) has a negative beginning.
    """
    out = []
    for move in ledger.load_all(SwitchoverRecord):
        if not move.steps:
            continue
        at, steps = -sum(s.ms for s in move.steps if s.name in BEFORE), []
        for s in move.steps:
            word = STEPS.get(s.name, s.name)
            steps.append({"name": s.name, "word": word, "ms": s.ms, "at": at, "seen": s.seen or None})
            at += s.ms
        out.append(
            {
                "epoch": move.epoch,
                "from": str(move.from_),
                "to": str(move.to),
                "started_at": move.started_at,
                "ended_at": ended_at(move),
                "result": str(move.result or ("unfinished" if move.fenced_ms is None else "moved")),
                "reason": move.reason,
                "fenced_ms": move.fenced_ms,
                "ms": max(at, 0),
                "steps": steps,
            }
        )
    return sorted(out, key=lambda m: m["epoch"], reverse=True)


BEFORE = ("guards", "arm_servers")
"""Steps in which nobody waits, but for the last moments of the second, when the servers begin to hold."""
