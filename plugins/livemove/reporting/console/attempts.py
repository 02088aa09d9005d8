"""Every attempt to move the writes, step by step."""

from __future__ import annotations

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
    for name, d in ledger.under("switchover/").items():
        if not name.isdigit() or not d.get("steps"):
            continue
        before = sum(s["ms"] for s in d["steps"] if s["name"] in BEFORE)
        at, steps = -before, []
        for s in d["steps"]:
            steps.append(
                {
                    "name": s["name"],
                    "word": STEPS.get(s["name"], s["name"]),
                    "ms": s["ms"],
                    "at": at,
                    "seen": s.get("seen"),
                }
            )
            at += s["ms"]
        out.append(
            {
                "epoch": int(d["epoch"]),
                "from": d["from"],
                "to": d["to"],
                "started_at": d["started_at"],
                "ended_at": ended_at(d),
                "result": d.get("result") or ("moved" if d.get("fenced_ms") is not None else "unfinished"),
                "reason": d.get("reason"),
                "fenced_ms": d.get("fenced_ms"),
                "ms": max(at, 0),
                "steps": steps,
            }
        )
    return sorted(out, key=lambda m: m["epoch"], reverse=True)


BEFORE = ("guards", "arm_servers")
"""Steps in which nobody waits, but for the last moments of the second, when the servers begin to hold."""
