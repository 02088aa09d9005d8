"""The final check of the switchover: made ready before the fence, run inside it, bounded in time."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pymysql

from livemove.comparison import lone_lobs
from livemove.comparison import row_comparison as core
from livemove.comparison.adapters.both_sides import ConnectionPair, incomparable, look_at, read_shapes
from livemove.comparison.adapters.changed_keys import ChangedKeys
from livemove.comparison.adapters.lob_copy import LobCopier
from livemove.comparison.canonical import Shape, quote
from livemove.comparison.row_comparison import Difference
from livemove.model.spec import Side
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.parallel import in_parallel

log = logging.getLogger(__name__)

SMALL_ROWS = 20_000
TAIL_ROWS = 2_000
BATCH = 500
"""Keys of one statement."""
CATCH_UP = 120.0
"""Seconds for reading the owner's binlog before the fence."""


class FinalComparison:
    """The final check of the switchover, made ready before the fence and run inside it.

    In this order: tables that are not transactional and small ones wholly; of large ones every row that the
    owner's binlog says was changed since the table was compared, and also the last rows by key and those
    changed in the last quarter of an hour where an index finds them (rows that somebody changed on the
    follower are in no binlog). `covered` tells what was covered, and of what was not, why.
    """

    def __init__(
        self,
        source_db: MariaDb,
        target_db: MariaDb,
        tables: Sequence[str],
        *,
        owner: Side = Side.SOURCE,
        since: Mapping[str, str] | None = None,
        connections: int = 2,
        copier: LobCopier | None = None,
    ) -> None:
        """`since`: the owner's binlog position by table, from before its last clean comparison.

        copier: brings rows that differ in LOBs alone, which DMS leaves behind; None: they are differences.
        """
        self._copier = copier
        self._pairs = [ConnectionPair(source_db, target_db) for _ in range(connections)]
        first = self._pairs[0]
        self._here, self._there = read_shapes(first.source, tables), read_shapes(first.target, tables)
        self._tables = sorted(tables, key=lambda t: _urgency(self._here.get(t)))
        for pair in self._pairs[1:]:
            pair.ask("SELECT 1 AS connected")
        owner_db, shapes = (source_db, self._here) if owner is Side.SOURCE else (target_db, self._there)
        large = {t: s for t, s in shapes.items() if not _wholly(s)}
        self._changed = ChangedKeys(owner_db, large, since or {})
        self._cascaded = _cascaded(owner_db, large)
        self._changed.follow(CATCH_UP)
        self.left_out: list[str] = []
        self.only_newest: dict[str, str] = {}
        """Tables of which only the newest rows were compared, and why."""
        self.rows = 0

    def __enter__(self) -> FinalComparison:
        return self

    def __exit__(self, *_: object) -> None:
        for pair in self._pairs:
            pair.__exit__()
        if self._copier:
            self._copier.close()

    def run(self, seconds: float) -> list[str]:
        """Differences found within `seconds`; nobody may write meanwhile."""
        deadline = time.monotonic() + seconds
        self.left_out, self.only_newest, self.rows = [], {}, 0
        if self._copier and not self._copier.begin():
            return ["the follower does not follow any more"]
        self._changed.follow(seconds / 2)
        todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        for table in self._tables:
            todo.put(table)
        parts = in_parallel(self._pairs, lambda pair: self._work(pair, todo, deadline), len(self._pairs))
        found = [line for part in parts for line in part]
        (log.warning if self.only_newest or self.left_out else log.info)("final check: %s", self.message())
        return sorted(found)

    def message(self) -> str:
        """What the last run covered, for the ledger and the log."""
        wholly = len(self._tables) - len(self.left_out) - len(self.only_newest)
        lines = [f"every row that could have changed of {wholly} of {len(self._tables)} tables"]
        if self.rows:
            lines.append(f"{self.rows} rows changed since they were compared, by the binlog")
        if self._copier and self._copier.copied:
            lines.append(f"{self._copier.copied} rows whose LOBs alone differed were copied from the owner")
        if self.only_newest:
            listed = ", ".join(f"{t} ({why})" for t, why in sorted(self.only_newest.items()))
            lines.append(f"only the newest rows of {listed}")
        if self.left_out:
            lines.append(f"not covered for lack of time: {', '.join(sorted(self.left_out))}")
        return "; ".join(lines)

    def _work(self, pair: ConnectionPair, todo: queue.SimpleQueue[str], deadline: float) -> list[str]:
        found: list[str] = []
        while True:
            try:
                name = todo.get_nowait()
            except queue.Empty:
                return found
            why = incomparable(name, self._here, self._there)
            if why:
                found.append(f"{name}: {why}")
            elif time.monotonic() >= deadline:
                self.left_out.append(name)
            else:
                found += self._prove(pair, self._here[name].beside(self._there[name]), deadline)

    def _prove(self, pair: ConnectionPair, shape: Shape, deadline: float) -> list[str]:
        if why := self._uncovered(shape):
            self.only_newest[shape.name] = why
        try:
            for where, args in self._to_prove(pair, shape):
                left = max(0.05, deadline - time.monotonic())
                limit = f"SET STATEMENT max_statement_time={left:.3f} FOR "
                a, b = pair.ask(limit + core.digest_query(shape, where), args)
                if a != b and self._bring_lobs(pair, shape, where, args, deadline):
                    a, b = pair.ask(limit + core.digest_query(shape, where), args)
                if a != b:
                    return [_describe(pair, shape, where, args, a[0]["n"], b[0]["n"])]
        except pymysql.err.MySQLError as e:
            if e.args[0] != OUT_OF_TIME:
                raise
            self.left_out.append(shape.name)
            self.only_newest.pop(shape.name, None)
        return []

    def _bring_lobs(
        self, pair: ConnectionPair, shape: Shape, where: str, args: list[Any], deadline: float
    ) -> bool:
        """Whether rows that differ in LOBs alone, if no others differ, were copied from the owner."""
        if not self._copier or not shape.key or not lone_lobs.lob_columns(shape):
            return False
        whole = look_at(pair, shape, where, args)
        keys = lone_lobs.lone_in(whole, look_at(pair, lone_lobs.without_lobs(shape), where, args))
        return bool(keys) and self._copier.copy(shape, keys, deadline)

    def _uncovered(self, shape: Shape) -> str:
        """Why not every row that may have changed is looked at; empty when it is."""
        if _wholly(shape):
            return ""
        if shape.name in self._cascaded:
            return "foreign keys change its rows by cascade, which no binlog contains"
        if shape.name not in self._changed.keys:
            return "no clean comparison with a binlog position"
        return self._changed.unknown.get(shape.name, "")

    def _to_prove(self, pair: ConnectionPair, shape: Shape) -> Iterator[tuple[str, list[Any]]]:
        """WHERE clauses of the rows to compare: all, or the changed ones, the newest by key and by time."""
        if _wholly(shape):
            yield "1", []
            return
        keys = list(self._changed.keys.get(shape.name, ()))
        self.rows += len(keys)
        for at in range(0, len(keys), BATCH):
            yield core.among(shape, keys[at : at + BATCH])
        last = pair.ask_source(core.tail_query(shape, TAIL_ROWS))
        yield core.between(shape, tuple(last[0].values()) if last else None, None)
        if shape.touched:
            since = pair.ask_source("SELECT CAST(NOW() - INTERVAL 15 MINUTE AS CHAR) AS t")[0]["t"]
            yield f"{quote(shape.touched.name)} >= %s", [since]


OUT_OF_TIME = 1969
"""ER_STATEMENT_TIMEOUT of MariaDB."""


def _wholly(shape: Shape) -> bool:
    return shape.engine.lower() != "innodb" or shape.estimate < SMALL_ROWS or not shape.key


def _urgency(shape: Shape | None) -> tuple[int, int]:
    if shape is None:
        return 0, 0
    return (
        0 if shape.engine.lower() != "innodb" else 1 if shape.estimate < SMALL_ROWS else 2
    ), shape.estimate


def _cascaded(db: MariaDb, shapes: Mapping[str, Shape]) -> set[str]:
    """Tables whose rows a foreign key may change by itself."""
    schemas = tuple({s.schema for s in shapes.values()})
    return (
        {str(r["table"]) for r in db.rows(sql("comparison/list_cascades"), {"schemas": schemas})}
        if schemas
        else set()
    )


def _describe(pair: ConnectionPair, shape: Shape, where: str, args: list[Any], n: int, m: int) -> str:
    """Name the first rows that differ; nobody writes, so one look is enough."""
    if not shape.key or max(n, m) > 5 * SMALL_ROWS:
        return f"{shape.name}: {n} rows on the source, {m} on the target, and not the same"
    looks = look_at(pair, shape, where, args)
    listed = [str(Difference(k, core.kind_of(*s))) for k, s in looks.items() if s[0] != s[1]]
    return f"{shape.name}: {len(listed)} rows differ: {'; '.join(listed[:10])}"
