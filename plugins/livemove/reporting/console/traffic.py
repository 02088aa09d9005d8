"""The charts: requests at both sites, and how far the follower is behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livemove.model.ledger import Delays, SiteCounts, Traffic, TrafficPoint
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting.console.ledger import Ledger

LONG = 30.0
"""Seconds between two looks from which on a line through both would tell what nobody saw."""


def traffic(ledger: Ledger) -> Json | None:
    """Columns of the charts: times, and for each site requests and failures a second and milliseconds."""
    points = _points(ledger)
    if not points:
        return None
    # a point stands at the end of what it covers; where nobody looked for long, its mean holds for all of
    # that time
    drawn = [(t, p) for p in points for t in ([p.t - p.s + 0.1] if p.s > LONG else []) + [p.t]]
    sites = {
        str(Side.SOURCE): [_rates(p.source, p.s) for _, p in drawn],
        str(Side.TARGET): [_rates(p.target, p.s) for _, p in drawn],
    }
    columns = {
        site: {k: [r[k] for r in rates] for k in ("rate", "errors", "ms")} for site, rates in sites.items()
    }
    return {"t": [round(t, 1) for t, _ in drawn], **columns}


def _points(ledger: Ledger) -> list[TrafficPoint]:
    kept = ledger.load(Traffic)
    return kept.points if kept else []


def _rates(counts: SiteCounts | None, seconds: float) -> Json:
    if not counts or not seconds or counts.requests is None:
        return {"rate": None, "errors": None, "ms": None}
    n, errors, spent = counts.requests, counts.errors, counts.seconds
    return {
        "rate": round(n / seconds, 2),
        "errors": None if errors is None else round(errors / seconds, 3),
        "ms": round(spent / n * 1000, 1) if n and spent is not None else None,
    }


def lag(ledger: Ledger) -> Json | None:
    """{"behind": [[t, seconds]], "delay": [[t, ms]], "limit"}: the follower's lag and watermarks' delay.

    A value of None ends a line: nobody looked for a while.
    """
    behind = [[p.t, p.behind] for p in _points(ledger) if p.behind is not None]
    delays = ledger.load(Delays)
    delay = [[p.t, p.ms] for p in delays.points] if delays else []
    if not behind and not delay:
        return None
    return {"behind": _broken(behind), "delay": _broken(delay), "limit": ledger.spec.replication.max_lag}


def _broken(points: Sequence[list[Any]]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for p in points:
        if out and p[0] - out[-1][0] > 2 * LONG:
            out.append([out[-1][0] + 0.1, None])
        out.append(p)
    return out
