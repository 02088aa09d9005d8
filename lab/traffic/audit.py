"""Looks for every acknowledged write in the database that is the owner at the end.

Each acknowledged write must be there exactly once, and so must the effects of its triggers: the audit row of
an order, the counters of its listing. Everything is read in one snapshot, so it may be done under traffic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched, pairwise
from pathlib import Path
from typing import Any

from lab.traffic.record import ACKNOWLEDGED, FAILURES, SECONDS, UNKNOWN, read_lines

TABLES = ("enquiries", "orders")
EXAMPLES = 20


@dataclass
class Audit:
    """`lost` and `duplicated` count writes and trigger effects; all must be 0 but the counts of requests."""

    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    unknown: int = 0
    unknown_present: int = 0
    """Writes without a clear answer that did happen: harmless, each once."""
    refused_present: int = 0
    """Writes that were answered with an error and are there all the same."""
    requests_ok: int = 0
    requests_failed: int = 0
    examples: list[str] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    """The acknowledged writes that are not there, as the users wrote them down."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated)

    def _missing(self, count: int, what: str) -> None:
        self.lost += count
        self._example(f"lost: {what}")

    def _too_many(self, count: int, what: str) -> None:
        self.duplicated += count
        self._example(f"duplicated: {what}")

    def _example(self, text: str) -> None:
        if len(self.examples) < EXAMPLES:
            self.examples.append(text)


def audit(folder: Path, connect: Callable[[], Any], schema: str = "shop") -> Audit:
    """`connect` gives a PyMySQL connection to the owner's database that may read `schema`."""
    found = Audit()
    for second in read_lines(folder / SECONDS):
        found.requests_ok += second["ok"]
        found.requests_failed += second["failed"] + second["unknown"]
    acknowledged = read_lines(folder / ACKNOWLEDGED)
    unknown = read_lines(folder / UNKNOWN)
    refused = [line for line in read_lines(folder / FAILURES) if line["key"]]
    found.acknowledged, found.unknown = len(acknowledged), len(unknown)
    with connect() as connection, connection.cursor() as cursor:
        # after the lists were read: what is on them was committed before this snapshot
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        for table in TABLES:
            promised, unclear, denied = (_keys(lines, table) for lines in (acknowledged, unknown, refused))
            there = _count(cursor, schema, table, [*promised, *unclear, *denied])
            _judge(found, table, there, promised, unclear)
            found.missing += [
                line for line in acknowledged if line["kind"] == table and not there[line["key"]]
            ]
            found.unknown_present += sum(there[k] > 0 for k in unclear)
            found.refused_present += sum(there[k] > 0 for k in denied)
            if table == "orders":
                _judge_audit_rows(cursor, schema, found, there)
        _judge_counters(cursor, schema, found)
        cursor.execute("ROLLBACK")
    return found


def write_pause_ms(folder: Path, t0: float | None = None, t1: float | None = None) -> int | None:
    """The longest time between two acknowledged writes, in ms; None when fewer than two are known.

    With t0 and t1 (seconds since 1970) only gaps that touch this interval count, in their full length. When
    writes had not come back by the end of the traffic, the gap up to that end counts too.
    """
    times = sorted(line["t"] for line in read_lines(folder / ACKNOWLEDGED))
    seconds = read_lines(folder / SECONDS)
    if seconds and times and seconds[-1]["t"] > times[-1]:
        times.append(seconds[-1]["t"])
    gaps = [
        after - before
        for before, after in pairwise(times)
        if (t1 is None or before < t1) and (t0 is None or after > t0)
    ]
    return round(max(gaps) * 1000) if gaps else None


def _keys(lines: Sequence[dict[str, Any]], table: str) -> list[str]:
    return [line["key"] for line in lines if line["kind"] == table]


def _count(cursor: Any, schema: str, table: str, keys: Sequence[str], only: str = "") -> Counter[str]:
    there: Counter[str] = Counter()
    for some in batched(keys, 500):
        marks = ", ".join(["%s"] * len(some))
        # the primary index is read too: a unique index hides a second row, or has lost one
        cursor.execute(
            f"SELECT idempotency_key AS k, COUNT(*) AS n FROM `{schema}`.{table} WHERE idempotency_key IN"
            f" ({marks}) {only} GROUP BY k",
            some,
        )
        there.update(dict(_rows(cursor)))
    return there


def _judge(
    found: Audit, table: str, there: Counter[str], promised: Sequence[str], unclear: Sequence[str]
) -> None:
    for key in promised:
        if not there[key]:
            found._missing(1, f"{table} {key}")
    for key in (*promised, *unclear):
        if there[key] > 1:
            found._too_many(there[key] - 1, f"{table} {key} is there {there[key]} times")


def _judge_audit_rows(cursor: Any, schema: str, found: Audit, orders: Counter[str]) -> None:
    """Each of our orders has one audit row, which the owner's trigger wrote and replication carried over."""
    rows = _count(cursor, schema, "order_audit", list(orders), "AND action = 'insert'")
    for key, count in orders.items():
        if rows[key] < count:
            found._missing(count - rows[key], f"audit row of order {key}")
        elif rows[key] > count:
            found._too_many(rows[key] - count, f"audit row of order {key} is there {rows[key]} times")


def _judge_counters(cursor: Any, schema: str, found: Audit) -> None:
    for table, column in (("enquiries", "enquiry_count"), ("orders", "order_count")):
        cursor.execute(
            f"SELECT l.id, l.{column} AS counted, COALESCE(r.n, 0) AS n FROM `{schema}`.listings l LEFT JOIN"
            f" (SELECT listing_id, COUNT(*) AS n FROM `{schema}`.{table} GROUP BY listing_id) r ON"
            f" r.listing_id = l.id WHERE l.{column} <> COALESCE(r.n, 0)"
        )
        for number, counted, there in _rows(cursor):
            what = f"listing {number}: {column} is {counted}, with {there} {table}"
            if counted < there:
                found._missing(there - counted, what)
            else:
                found._too_many(counted - there, what)


def _rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    for row in cursor.fetchall():
        yield tuple(row.values()) if isinstance(row, dict) else tuple(row)
