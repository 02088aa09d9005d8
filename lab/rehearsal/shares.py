"""Which site answered in each second, beside the share that the record asked for: numbers and an SVG."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.traffic.record import FAILURES, SECONDS, read_lines

Json = dict[str, Any]
EVENTS = ("record_changed", "record_shifted", "record_rolled_back")
WIDTH, HEIGHT, LEFT, BOTTOM = 900, 300, 50, 30


def steps(events: Sequence[Json]) -> list[Json]:
    """[{"at", "percent"}]: when the record was given which share, in seconds since 1970."""
    found = []
    for e in events:
        if e["event"] not in EVENTS:
            continue
        weights = [r["weight"] for r in e["after"] if r["set_id"] == "livemove-target"]
        percent = weights[0] if weights else 0 if e["event"] == "record_rolled_back" else 100
        found.append({"at": datetime.fromisoformat(e["at"]).timestamp(), "percent": percent})
    return found


def measured(folder: Path, asked: Sequence[Json]) -> list[Json]:
    """For each step of the weights: requests, the cloud's share of them in percent, failures."""
    seconds = read_lines(folder / SECONDS)
    ends = [s["at"] for s in asked[1:]] + [seconds[-1]["t"] if seconds else 0.0]
    rows = []
    for step, end in zip(asked, ends, strict=True):
        mine = [s for s in seconds if step["at"] <= s["t"] < end]
        cloud = sum(s["by_site"].get("target", 0) for s in mine)
        total = sum(sum(s["by_site"].values()) for s in mine)
        rows.append(
            {
                "percent": step["percent"],
                "seconds": round(end - step["at"]),
                "requests": total,
                "measured": round(100 * cloud / total, 1) if total else None,
                "failed": sum(s["failed"] + s["unknown"] for s in mine),
            }
        )
    return rows


def failures(folder: Path) -> Json:
    """How many requests failed, and how many resolvers' users saw one."""
    lines = read_lines(folder / FAILURES)
    return {"requests": len(lines), "by_site": _by(lines, "site"), "by_resolver": _by(lines, "resolver")}


def _by(lines: Sequence[Json], key: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        found[line.get(key) or "?"] = found.get(line.get(key) or "?", 0) + 1
    return found


def keep(users: Path, events: Sequence[Json], folder: Path) -> list[Json]:
    """Write shares.json and shares.svg into the report's folder; what `measured` says."""
    asked = steps(events)
    if not asked:
        return []
    rows = measured(users, asked)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shares.json").write_text(
        json.dumps({"steps": rows, "failures": failures(users)}, indent=1) + "\n"
    )
    (folder / "shares.svg").write_text(svg(read_lines(users / SECONDS), asked))
    return rows


def svg(seconds: Sequence[Json], asked: Sequence[Json]) -> str:
    """The chart: each second's share as dots, the mean of ten seconds and the wanted share as lines."""
    begin, end = asked[0]["at"] - 15, min(asked[-1]["at"] + 60, seconds[-1]["t"])
    mine = [s for s in seconds if begin <= s["t"] <= end and sum(s["by_site"].values())]

    def x(t: float) -> float:
        return float(round(LEFT + (t - begin) / (end - begin) * (WIDTH - LEFT - 10), 1))

    def y(percent: float) -> float:
        return round(10 + (100 - percent) / 100 * (HEIGHT - BOTTOM - 10), 1)

    shares = [(s["t"], 100 * s["by_site"].get("target", 0) / sum(s["by_site"].values())) for s in mine]
    dots = "".join(f'<circle cx="{x(t)}" cy="{y(p)}" r="1.6" fill="#9db8d2"/>' for t, p in shares)
    mean = []
    for n, (t, _) in enumerate(shares):
        window = [p for _, p in shares[max(0, n - 9) : n + 1]]
        mean.append(f"{x(t)},{y(sum(window) / len(window))}")
    path, level = [f"M{x(begin)} {y(0)}"], 0
    for step in asked:
        path.append(f"L{x(step['at'])} {y(level)} L{x(step['at'])} {y(step['percent'])}")
        level = step["percent"]
    path.append(f"L{x(end)} {y(level)}")
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y(p)}" y2="{y(p)}" stroke="#ddd"/>'
        f'<text x="{LEFT - 6}" y="{y(p) + 4}" text-anchor="end">{p} %</text>'
        for p in (0, 5, 25, 50, 75, 100)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="11">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{grid}{dots}'
        f'<path d="{" ".join(path)}" fill="none" stroke="#d2691e" stroke-width="2"/>'
        f'<polyline points="{" ".join(mean)}" fill="none" stroke="#1f5f99" stroke-width="1.6"/>'
        f'<text x="{LEFT}" y="{HEIGHT - 8}">share of requests at the cloud over {end - begin:.0f} s:'
        " dots each second, blue the last ten seconds, orange what the record asked for</text></svg>\n"
    )
