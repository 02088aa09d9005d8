"""Both databases of a comparison: their connections, one query to both, and the shapes of their tables."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pymysql

from livemove.comparison import row_comparison as core
from livemove.comparison.canonical import Column, Shape
from livemove.comparison.key_ranges import KeyRange
from livemove.comparison.row_comparison import Effort
from livemove.model.ports import CheckpointStore, Clock, Progress, Row
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.watermarks import Arrival

log = logging.getLogger(__name__)

SESSION = {"time_zone": "+00:00", "sql_mode": "", "max_statement_time": 0}
EFFORT = Effort()
WHOLE_TABLE = KeyRange()


@dataclass(frozen=True)
class Options:
    """What a comparison is given besides the two databases."""

    clock: Clock
    progress: Progress = log.info
    effort: Effort = EFFORT
    arrived: Arrival | None = None
    """Returns when what the owner committed before has arrived; None: by waiting."""
    keep: CheckpointStore | None = None
    """Where the state of a long pass is kept, so that the next task continues with it."""
    listed: int = 100
    """Differences that are told one by one; all are counted."""
    share: KeyRange = WHOLE_TABLE
    """Only rows with keys in this range; of a table with a usable key."""


class ConnectionPair:
    """One connection to each side; `ask` puts the same question to both at once."""

    def __init__(self, source: MariaDb, target: MariaDb) -> None:
        self.source = source.fresh(session=SESSION, schema=None)
        self.target = target.fresh(session=SESSION, schema=None)
        self.pools = [ThreadPoolExecutor(1, thread_name_prefix=f"compare-{n}") for n in ("source", "target")]

    def __enter__(self) -> ConnectionPair:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self.pools:
            pool.shutdown(cancel_futures=True)
        self.source.close()
        self.target.close()

    def begin(self, text: str, args: Any = (), rest: Any = None) -> tuple[Future[Any], Future[Any]]:
        """Futures of (rows, seconds) of both sides; the source's thread then calls `rest(seconds)`."""
        a = self.pools[0].submit(_timed, self.source, text, args, rest)
        return a, self.pools[1].submit(_timed, self.target, text, args, None)

    def ask(self, text: str, args: Any = ()) -> tuple[list[Row], list[Row]]:
        a, b = self.begin(text, args)
        return a.result()[0], b.result()[0]

    def ask_source(self, text: str, args: Any = ()) -> list[Row]:
        """Between two questions to both, so that only one thread ever uses a connection."""
        found: list[Row] = self.pools[0].submit(self.source.rows, text, args).result()
        return found


def _timed(db: MariaDb, text: str, args: Any, rest: Any) -> tuple[list[Row], float]:
    began = time.monotonic()
    rows = db.rows(text, args)
    took = time.monotonic() - began
    if rest is not None:
        rest(took)
    return rows, took


def read_shapes(db: MariaDb, tables: Iterable[str]) -> dict[str, Shape]:
    """Shapes of the tables named "schema.table" that are there, by that name."""
    wanted = set(tables)
    if not wanted:
        return {}
    # a name may have dots of its own: what fits no table is dropped below
    places = [(t[:at], t[at + 1 :]) for t in wanted for at, char in enumerate(t) if char == "."]
    args = {"schemas": tuple({s for s, _ in places}), "tables": tuple({n for _, n in places})}
    columns: dict[str, list[Column]] = {}
    for r in db.rows(sql("comparison/list_columns"), args):
        name = f"{r.pop('schema')}.{r.pop('table')}"
        columns.setdefault(name, []).append(Column(**{**r, "nullable": bool(r["nullable"])}))
    keys, leading = _keys(db, args)
    described = {f"{t['schema']}.{t['name']}": t for t in db.rows(sql("schema/list_tables"), args)}
    return {
        name: Shape(
            t["schema"],
            t["name"],
            tuple(columns[name]),
            keys.get(name, {}),
            frozenset(leading.get(name, ())),
            t["engine"] or "",
            int(t["estimate"]),
        )
        for name, t in described.items()
        if name in wanted
    }


def _keys(db: MariaDb, args: Row) -> tuple[dict[str, dict[str, tuple[str, ...]]], dict[str, set[str]]]:
    """(usable unique keys, columns that lead an index), both by table."""
    unique: dict[str, dict[str, tuple[str, ...]]] = {}
    leading: dict[str, set[str]] = {}
    unfit: set[tuple[str, str]] = set()
    for r in db.rows(sql("comparison/list_keys"), args):
        table = f"{r['schema']}.{r['table']}"
        if r["place"] == 1:
            leading.setdefault(table, set()).add(r["column"])
        if r["unfit"] or not r["is_unique"]:
            unfit.add((table, r["name"]))
        keys = unique.setdefault(table, {})
        keys[r["name"]] = (*keys.get(r["name"], ()), r["column"])
    fit = {t: {n: c for n, c in keys.items() if (t, n) not in unfit} for t, keys in unique.items()}
    return fit, leading


def incomparable(
    name: str,
    here: Mapping[str, Shape],
    there: Mapping[str, Shape],
    sides: tuple[str, str] = ("source", "target"),
) -> str:
    for side, shapes in zip(sides, (here, there), strict=True):
        if name not in shapes:
            return f"the {side} has no such table"
    return here[name].differs_from(there[name], sides)


def snapshot_position(db: MariaDb) -> str:
    """The binlog position of what a read sees from now on, as file:offset; empty if the server has none.

    Not SHOW MASTER STATUS: what it counts may be flushed and not yet visible.
    https://mariadb.com/kb/en/enhancements-for-start-transaction-with-consistent-snapshot/
    """
    try:
        db.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        found = {
            r["variable_name"].lower(): r["value"] for r in db.rows("SHOW STATUS LIKE 'binlog_snapshot%%'")
        }
        db.run("ROLLBACK")
    except pymysql.err.MySQLError:
        log.info("the %s has no binlog position", db.side, exc_info=True)
        return ""
    file = found.get("binlog_snapshot_file") or ""
    return f"{file}:{found['binlog_snapshot_position']}" if file else ""


def look_at(
    pair: ConnectionPair, shape: Shape, where: str, args: list[Any]
) -> dict[core.Key, tuple[Any, Any]]:
    """What both sides show for every key in a range."""
    a, b = pair.ask(core.rows_query(shape, where), args)
    here, there = by_key(a), by_key(b)
    return {k: (here.get(k), there.get(k)) for k in here.keys() | there.keys()}


def by_key(rows: Iterable[Row]) -> dict[core.Key, Any]:
    return {tuple(v for k, v in r.items() if k != "h"): r["h"] for r in rows}
