"""The full load, and what the comparison found of each table."""

from __future__ import annotations

from collections.abc import Sequence

from livemove.model.ledger import ComparisonPass, FullLoad, Loading, PartPass, TableComparison
from livemove.model.ports import Json
from livemove.reporting.console.ledger import Ledger

type Pass = ComparisonPass | PartPass


def load(ledger: Ledger) -> Json | None:
    """The full load: {"rows", "percent", "rate", "seconds_left", "seconds", "done", "at", "points"}."""
    done, now = ledger.load(FullLoad), ledger.load(Loading)
    points = [[p.t, p.rows] for p in now.points] if now else []
    at = now.at if now else None
    # a load that was begun again after one that had ended continues
    if now and (not done or now.percent < 100):
        return {
            "done": False,
            "rows": now.rows,
            "percent": now.percent,
            "rate": now.rate,
            "seconds_left": now.seconds_left,
            "seconds": None,
            "at": at,
            "points": points,
        }
    if not done:
        return None
    return {
        "done": True,
        "rows": done.rows,
        "percent": 100,
        "rate": None,
        "seconds_left": None,
        "seconds": done.seconds,
        "at": at,
        "points": points,
    }


def tables(ledger: Ledger) -> list[Json]:
    """One line a table: {"name", "rows", "of", "state", "checks": {epoch: comparison}}."""
    lines: dict[str, Json] = {}

    def line(name: str) -> Json:
        return lines.setdefault(name, {"name": name, "rows": None, "of": None, "loaded": None, "check": None})

    now, done = ledger.load(Loading), ledger.load(FullLoad)
    for t in now.tables if now else ():
        line(t.table).update(rows=t.rows, of=t.of, loaded=t.state)
    if done and not (now and now.percent < 100):
        for loaded in done.tables:
            line(loaded.table).update(rows=loaded.rows, loaded="Table completed")
    epoch = _compared_epoch(ledger)
    for name, parts in _going(ledger, epoch).items():
        line(name)["check"] = _under_way(parts)
    for verdict in ledger.load_all(TableComparison, epoch=epoch):
        before = line(verdict.table)["check"]
        if before is None or before["began_at"] <= verdict.checked_at:
            line(verdict.table)["check"] = _compared(verdict)
    return [lines[name] for name in sorted(lines)]


def _compared_epoch(ledger: Ledger) -> int:
    """The newest epoch with a comparison; the next one only when it has begun."""
    found = {v.epoch for v in ledger.load_all(TableComparison)}
    return max(found | {p.epoch for p in _passes(ledger)}, default=1)


def _passes(ledger: Ledger, **keys: object) -> list[Pass]:
    return [*ledger.load_all(ComparisonPass, **keys), *ledger.load_all(PartPass, **keys)]


def _going(ledger: Ledger, epoch: int) -> dict[str, list[Pass]]:
    """Table -> what its running comparison has left, a huge table in parts; finished ones are left out."""
    found: dict[str, list[Pass]] = {}
    for going in _passes(ledger, epoch=epoch):
        found.setdefault(going.table, []).append(going)
    return {name: parts for name, parts in found.items() if not all(p.done for p in parts)}


def _under_way(parts: Sequence[Pass]) -> Json:
    rows, of = sum(p.rows[0] for p in parts), sum(p.of or 0 for p in parts)
    rate = sum(p.rate or 0 for p in parts if not p.done)
    return {
        "state": "comparing",
        "rows": rows,
        "of": of or None,
        "rate": rate or None,
        "seconds_left": round(max(0, of - rows) / rate) if rate and of else None,
        "began_at": min(p.began_at for p in parts),
        "at": max(p.kept_at for p in parts),
    }


def _compared(verdict: TableComparison) -> Json:
    counts = {k: n for k in ("missing", "extra", "changed") if (n := getattr(verdict, k))}
    return {
        "state": "equal" if verdict.equal else "differs",
        "rows": verdict.rows_source,
        "rows_target": verdict.rows_target,
        "seconds": verdict.seconds,
        "began_at": verdict.checked_at,
        "note": ", ".join(filter(None, [*(f"{n} {k}" for k, n in counts.items()), verdict.note])),
    }


def comparison(ledger: Ledger) -> Json | None:
    """{"epoch", "equal", "of", "comparing"}: how many tables are proved equal."""
    epoch = _compared_epoch(ledger)
    found = {v.table: v for v in ledger.load_all(TableComparison, epoch=epoch)}
    going = [n for n in _going(ledger, epoch) if n not in found]
    if not found and not going:
        return None
    loaded = ledger.load(FullLoad)
    known = {t.table for t in loaded.tables} if loaded else set()
    return {
        "epoch": epoch,
        "equal": sum(v.equal for v in found.values()),
        "of": len(known | set(found) | set(going)),
        "comparing": going,
    }
