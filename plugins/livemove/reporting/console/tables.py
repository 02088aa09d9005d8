"""The full load, and what the comparison found of each table."""

from __future__ import annotations

from collections.abc import Sequence

from livemove.model import time_series as trail
from livemove.model.ports import Json
from livemove.reporting.console.ledger import Ledger


def load(ledger: Ledger) -> Json | None:
    """The full load as a whole: {"rows", "percent", "rate", "seconds_left", "seconds", "done", "at", "points"}."""
    done, under_way = ledger.get("full_load"), ledger.get(trail.LOADING)
    if not done and not under_way:
        return None
    now: Json = under_way or {}
    # a load that was begun anew after one that had ended
    again = bool(done and under_way and now.get("percent", 0) < 100)
    over = bool(done) and not again
    return {
        "done": over,
        "rows": (done or {}).get("rows") if over else now.get("rows"),
        "percent": 100 if over else now.get("percent"),
        "rate": None if over else now.get("rate"),
        "seconds_left": None if over else now.get("seconds_left"),
        "seconds": (done or {}).get("seconds") if over else None,
        "at": now.get("at"),
        "points": [[p["t"], p["rows"]] for p in now.get("points", ())],
    }


def tables(ledger: Ledger) -> list[Json]:
    """One line a table: {"name", "rows", "of", "state", "checks": {epoch: comparison}}."""
    lines: dict[str, Json] = {}

    def line(name: str) -> Json:
        return lines.setdefault(name, {"name": name, "rows": None, "of": None, "loaded": None, "check": None})

    for t in (ledger.get(trail.LOADING) or {}).get("tables", ()):
        line(t["table"]).update(rows=t["rows"], of=t["of"], loaded=t["state"])
    if (whole := load(ledger)) and whole["done"]:
        for t in (ledger.get("full_load") or {}).get("tables", ()):
            line(t["table"]).update(rows=t["rows"], loaded="Table completed")
    epoch = _compared_epoch(ledger)
    for name, parts in _going(ledger, epoch).items():
        line(name)["check"] = _under_way(parts)
    for name, found in ledger.under(f"comparison/{epoch}/").items():
        before = line(name)["check"]
        if before is None or before["began_at"] <= str(found.get("checked_at")):
            line(name)["check"] = _compared(found)
    return [lines[name] for name in sorted(lines)]


def _compared_epoch(ledger: Ledger) -> int:
    """The newest epoch with a comparison; the next one only when it has begun."""
    found = {int(n.split("/", 1)[0]) for n in [*ledger.under("comparison/"), *ledger.under("comparing/")]}
    return max(found, default=1)


def _going(ledger: Ledger, epoch: int) -> dict[str, list[Json]]:
    """Table -> what its comparison under way has left, a huge one in parts; none of a table that is through."""
    found: dict[str, list[Json]] = {}
    for name, going in ledger.under(f"comparing/{epoch}/").items():
        whole = int((going.get("share") or {}).get("of", 1)) == 1
        found.setdefault(name if whole else name.rpartition("/")[0], []).append(going)
    return {name: parts for name, parts in found.items() if not all(p.get("done") for p in parts)}


def _under_way(parts: Sequence[Json]) -> Json:
    rows, of = sum(p["rows"][0] for p in parts), sum(p.get("of") or 0 for p in parts)
    rate = sum(p.get("rate") or 0 for p in parts if not p.get("done"))
    return {
        "state": "comparing",
        "rows": rows,
        "of": of or None,
        "rate": rate or None,
        "seconds_left": round(max(0, of - rows) / rate) if rate and of else None,
        "began_at": min(str(p.get("began_at")) for p in parts),
        "at": max(p.get("kept_at") or 0 for p in parts),
    }


def _compared(found: Json) -> Json:
    counts = {k: found[k] for k in ("missing", "extra", "changed") if found.get(k)}
    return {
        "state": "equal" if found.get("equal") else "differs",
        "rows": found.get("rows_source"),
        "rows_target": found.get("rows_target"),
        "seconds": found.get("seconds"),
        "began_at": str(found.get("checked_at")),
        "note": ", ".join(
            filter(None, [*(f"{n} {k}" for k, n in counts.items()), str(found.get("note") or "")])
        ),
    }


def comparison(ledger: Ledger) -> Json | None:
    """{"epoch", "equal", "of", "comparing"}: how many tables are proved equal."""
    epoch = _compared_epoch(ledger)
    found = ledger.under(f"comparison/{epoch}/")
    going = [n for n in _going(ledger, epoch) if n not in found]
    if not found and not going:
        return None
    known = {t["table"] for t in (ledger.get("full_load") or {}).get("tables", ())}
    return {
        "epoch": epoch,
        "equal": sum(bool(d.get("equal")) for d in found.values()),
        "of": len(known | set(found) | set(going)),
        "comparing": going,
    }
