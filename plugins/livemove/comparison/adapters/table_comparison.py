"""Runs the comparison of `core.comparison` on two servers: both asked at the same time, each by a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pymysql

from livemove.comparison import row_comparison as core
from livemove.comparison.canonical import Column, Shape
from livemove.comparison.key_ranges import Share, shares, wanted
from livemove.comparison.row_comparison import Effort, Verdict
from livemove.model.errors import RefusedError
from livemove.model.ports import Clock, Json, Keep, Progress
from livemove.model.spec import Side
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.watermarks import Arrival, by_waiting

log = logging.getLogger(__name__)

SESSION = {"time_zone": "+00:00", "sql_mode": "", "max_statement_time": 0}
LEAST_PACKET = 1 << 20
"""Bytes of max_allowed_packet. A row of texts, as utf8mb4, has at most 4 x 65,535 bytes; its LOBs are hashed."""
EFFORT = Effort()
WHOLE_TABLE = Share()


class Pair:
    """One connection to each side; `ask` puts the same question to both at once."""

    def __init__(self, source: MariaDb, target: MariaDb) -> None:
        self.source = source.fresh(session=SESSION, schema=None)
        self.target = target.fresh(session=SESSION, schema=None)
        self.pools = [ThreadPoolExecutor(1, thread_name_prefix=f"compare-{n}") for n in ("source", "target")]

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self.pools:
            pool.shutdown(cancel_futures=True)
        self.source.close()
        self.target.close()

    def begin(self, text: str, args: Any = (), rest: Any = None) -> tuple[Future[Any], Future[Any]]:
        """Futures of (rows, seconds) of both sides; `rest(seconds)` is called on the source's thread afterwards."""
        a = self.pools[0].submit(_timed, self.source, text, args, rest)
        return a, self.pools[1].submit(_timed, self.target, text, args, None)

    def ask(self, text: str, args: Any = ()) -> tuple[list[Json], list[Json]]:
        a, b = self.begin(text, args)
        return a.result()[0], b.result()[0]

    def ask_source(self, text: str, args: Any = ()) -> list[Json]:
        """Between two questions to both, so that only one thread ever uses a connection."""
        found: list[Json] = self.pools[0].submit(self.source.rows, text, args).result()
        return found


def _timed(db: MariaDb, text: str, args: Any, rest: Any) -> tuple[list[Json], float]:
    began = time.monotonic()
    rows = db.rows(text, args)
    took = time.monotonic() - began
    if rest is not None:
        rest(took)
    return rows, took


# Tables -------------------------------------------------------------------------------------------------------------
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
            t["schema"], t["name"], tuple(columns[name]), keys.get(name, {}), frozenset(leading.get(name, ())), t["engine"] or "", int(t["estimate"])
        )
        for name, t in described.items()
        if name in wanted
    }  # fmt: skip


def _keys(db: MariaDb, args: Json) -> tuple[dict[str, dict[str, tuple[str, ...]]], dict[str, set[str]]]:
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


# One table, writes going on -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Told:
    """What a comparison is given besides the two databases."""

    clock: Clock
    progress: Progress = log.info
    effort: Effort = EFFORT
    arrived: Arrival | None = None
    """Returns when what the owner committed before has arrived; None: by waiting."""
    keep: Keep | None = None
    """Where the state of a long pass is kept, so that the next task goes on with it."""
    listed: int = 100
    """Differences that are told one by one; all are counted."""
    quick: bool = False
    """Ask the servers' own CHECKSUM TABLE first (`quick_tier`)."""
    share: Share = WHOLE_TABLE
    """Only rows with keys in this range; of a table with a usable key."""


def compare_table(source_db: MariaDb, target_db: MariaDb, schema: str, table: str, told: Told) -> Verdict:
    """Compare all rows while both sides may be written; rows that differ are looked at again before they are told.

    The first database is the one that is replicated from. Rows are counted under the side on which they are.
    RefusedError when a server's max_allowed_packet could cut a row.
    """
    from livemove.comparison.adapters.keyed_comparison import Walk, Whole
    from livemove.comparison.adapters.quick_tier import by_server_checksum

    began = time.monotonic()
    told = replace(told, arrived=told.arrived or by_waiting(told.clock))
    with Pair(source_db, target_db) as pair:
        name = f"{schema}.{table}"
        here, there = read_shapes(pair.source, [name]), read_shapes(pair.target, [name])
        sides = (str(source_db.side), str(target_db.side))
        if why := incomparable(name, here, there, sides):
            return Verdict(False, 0, 0, (), time.monotonic() - began, why)
        _refuse_small_packets(pair, name)
        began_at, position = told.clock.now().isoformat(timespec="seconds"), snapshot_position(pair.source)
        found = by_server_checksum(pair, here[name], there[name]) if told.quick else None
        if found is None:
            if not here[name].key and not told.share.whole:
                raise RefusedError(
                    f"{name} has no usable key any more, so it cannot be compared in parts",
                    wanted="the key by which it was cut",
                    next_step="clear validate.tables with downstream",
                )
            run = Walk if here[name].key else Whole
            found = run(pair, here[name].beside(there[name]), told, began_at, position).run()
    digests = {sides[0]: here[name].digest, sides[1]: there[name].digest}
    if lossy := here[name].lossy(there[name]):
        note = f"compared as utf8mb4, which may lack characters of {', '.join(lossy)}"
        found = replace(found, note="; ".join(filter(None, (found.note, note))))
    verdict = replace(
        found, seconds=round(time.monotonic() - began, 3), definitions=digests,
        began_at=found.began_at or began_at, position=found.position or position,
    )  # fmt: skip
    return verdict if source_db.side is Side.SOURCE else verdict.turned()


def cut(db: MariaDb, schema: str, table: str, each: int) -> list[Share]:
    """The ranges in which a table is compared: one for each so many rows, found along its key; one of it all if it is small."""
    name = f"{schema}.{table}"
    shape = read_shapes(db, [name]).get(name)
    if shape is None or not shape.key or (parts := wanted(shape.estimate, each)) == 1:
        return [WHOLE_TABLE]
    with db.fresh(session=SESSION, schema=None) as reader:
        bounds: list[core.Key] = []
        for _ in range(parts - 1):
            where, args = core.between(shape, bounds[-1] if bounds else None, None)
            found = reader.rows(core.step_query(shape, where, shape.estimate // parts), args)
            if not found:
                break
            bounds.append(tuple(found[0].values()))
    return shares(bounds)


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


def _refuse_small_packets(pair: Pair, table: str) -> None:
    """A row above max_allowed_packet would become NULL and be left out of every sum."""
    a, b = pair.ask("SELECT @@max_allowed_packet AS bytes")
    if min(a[0]["bytes"], b[0]["bytes"]) < LEAST_PACKET:
        raise RefusedError(
            f"{table} cannot be compared: max_allowed_packet is {a[0]['bytes']} and {b[0]['bytes']} bytes",
            wanted=f"at least {LEAST_PACKET} on both sides",
            next_step="raise it",
        )


def snapshot_position(db: MariaDb) -> str:
    """The binlog position of all that a read from now on sees, as file:offset; empty where the server does not tell.

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
        log.info("the %s tells no binlog position", db.side, exc_info=True)
        return ""
    file = found.get("binlog_snapshot_file") or ""
    return f"{file}:{found['binlog_snapshot_position']}" if file else ""


def look_at(pair: Pair, shape: Shape, where: str, args: list[Any]) -> dict[core.Key, tuple[Any, Any]]:
    """What both sides show for every key in a range."""
    a, b = pair.ask(core.rows_query(shape, where), args)
    here, there = by_key(a), by_key(b)
    return {k: (here.get(k), there.get(k)) for k in here.keys() | there.keys()}


def by_key(rows: Iterable[Json]) -> dict[core.Key, Any]:
    return {tuple(v for k, v in r.items() if k != "h"): r["h"] for r in rows}
