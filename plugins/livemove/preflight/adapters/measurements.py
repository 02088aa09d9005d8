"""What is measured on a live source, each in bounded time: write rate, distance, clock, values.

Everything reads. The sample stands around the other readings, so it costs no time of its own unless they are
quick.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pymysql

from livemove.model.counters import increase
from livemove.model.ports import Row
from livemove.model.sql_names import qualified, quote
from livemove.preflight.facts import ColumnFact, Sample
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.query_budget import QueryBudget, by_table

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 3.0
"""The shortest time between the two looks at the counters."""
ZERO_SECONDS = 10.0
"""The longest that all scans for zero dates together may take."""
EVENTS = 500
"""The server holds its binlog's lock while it lists events: so many and no more."""
TRIPS = 11
DATES = {"date", "datetime", "timestamp"}
STATEMENT = re.compile(r"(?:use `((?:[^`]|``)+)`; *)?(insert|update|delete|replace|load)\b", re.IGNORECASE)


def rows_if_allowed(db: MariaDb, query: str, args: Any = None) -> list[Row]:
    """Rows of a statement that some versions or logins do not have."""
    try:
        return db.rows(query, args)
    except pymysql.err.MySQLError as e:
        log.info("%s: %s", query.strip().splitlines()[0], e.args)
        return []


# Rate and distance
# --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class CounterSample:
    """The counters at one moment."""

    at: float
    counters: Mapping[str, int]
    file: str
    position: int

    @classmethod
    def at_now(cls, db: MariaDb) -> CounterSample:
        rows = {
            str(r["variable_name"]).lower(): int(float(r["value"] or 0))
            for r in db.rows(sql("preflight/list_counters"))
        }
        master = next(iter(rows_if_allowed(db, "SHOW MASTER STATUS")), {})
        return cls(time.monotonic(), rows, str(master.get("file", "")), int(master.get("position", 0)))

    @property
    def row_events(self) -> int:
        # InnoDB's own counters leave temporary tables out; MariaDB no longer shows them, and counts those
        # apart
        engine = [v for k, v in self.counters.items() if k.startswith("innodb_rows_")]
        return sum(engine or [v for k, v in self.counters.items() if k.startswith("handler_")])


def sample(db: MariaDb, first: CounterSample, schemas: Sequence[str], seconds: float) -> Sample:
    """What happened since the first look, which is at least `seconds` ago."""
    time.sleep(max(0.0, first.at + seconds - time.monotonic()))
    last = CounterSample.at_now(db)
    ever = last.counters.get("binlog_bytes_written", 0)
    written = increase(first.counters.get("binlog_bytes_written", 0), ever)
    if "binlog_bytes_written" not in last.counters and first.file == last.file:
        written = increase(first.position, last.position)
    return Sample(
        seconds=last.at - first.at,
        row_events=increase(first.row_events, last.row_events),
        binlog_bytes=written,
        uptime=last.counters.get("uptime", 0),
        row_events_ever=last.row_events,
        binlog_bytes_ever=ever,
        statements=tuple(_statements(db, first, schemas)),
    )


def _statements(db: MariaDb, since: CounterSample, schemas: Sequence[str]) -> list[str]:
    """Kinds of changes in the moved schemas that stand as statements in the binlog; never their values."""
    if not since.file:
        return []
    events = rows_if_allowed(db, f"SHOW BINLOG EVENTS IN '{since.file}' FROM {since.position} LIMIT {EVENTS}")
    found = [m for e in events if e["event_type"] == "Query" and (m := STATEMENT.match(str(e["info"])))]
    return sorted({f"{m[2].upper()} in {m[1]}" for m in found if m[1] in schemas})


def trips(db: MariaDb) -> tuple[float, ...]:
    """Seconds of small questions; the first one may have to connect and is left out."""
    took = []
    for _ in range(TRIPS):
        began = time.perf_counter()
        db.rows("SELECT 1")
        took.append(time.perf_counter() - began)
    return tuple(took[1:])


def clock_ahead(db: MariaDb) -> float:
    """Seconds by which the server's clock is ahead of ours, at the middle of the question's way."""
    before = datetime.now(UTC)
    there = db.one("SELECT UTC_TIMESTAMP(6) AS now")["now"].replace(tzinfo=UTC)
    after = datetime.now(UTC)
    return float((there - (before + (after - before) / 2)).total_seconds())


# Values
# ------------------------------------------------------------------------------------------------------------
def zero_dates(
    db: MariaDb, columns: Sequence[Row], sizes: Mapping[str, int], seconds: float
) -> dict[str, bool | None]:
    """table.column -> whether a zero date was seen in it; None: not asked within the time.

    One row of each table is read, the first that has any; a column that has its own in other rows is False.
    """
    budget = QueryBudget(db, seconds)
    found: dict[str, bool | None] = {}
    for table, mine in by_table([c for c in columns if c["type"] in DATES], sizes):
        names = [c["name"] for c in mine]
        asked = ", ".join(f"COALESCE({quote(n)} = 0, 0) AS c{i}" for i, n in enumerate(names))
        zero = " OR ".join(f"{quote(n)} = 0" for n in names)
        row = budget.one(
            f"SELECT {asked} FROM {qualified(mine[0]['schema'], mine[0]['table'])} WHERE {zero} LIMIT 1"
        )
        found |= {
            f"{table}.{n}": None if row is None else bool(row.get(f"c{i}")) for i, n in enumerate(names)
        }
    return found


def column_facts(columns: Sequence[Row]) -> tuple[ColumnFact, ...]:
    return tuple(
        ColumnFact(
            f"{c['schema']}.{c['table']}",
            c["name"],
            c["type"],
            c["charset"],
            str(c["default"]),
            str(c["extra"]),
            "GENERATED" in str(c["extra"]).upper(),
        )
        for c in columns
    )
