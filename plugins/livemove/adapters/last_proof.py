"""The last proof of the switchover: made ready before the fence, run inside it, bounded in time."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql

from livemove.adapters.comparing import Pair, incomparable, look_at, read_shapes
from livemove.adapters.mariadb import MariaDb
from livemove.core import comparison as core
from livemove.core.comparison import Difference, Shape

log = logging.getLogger(__name__)

SMALL_ROWS = 20_000
TAIL_ROWS = 2_000


class QuickProof:
    """The last proof of the switchover, made ready before the fence and run inside it.

    In this order: tables that are not transactional and small ones wholly; of large ones the last rows by key and
    those changed in the last quarter of an hour where an index finds them. What was left out is logged and in `left_out`.
    """

    def __init__(
        self, source_db: MariaDb, target_db: MariaDb, tables: Sequence[str], *, connections: int = 2
    ) -> None:
        self._pairs = [Pair(source_db, target_db) for _ in range(connections)]
        first = self._pairs[0]
        self._here, self._there = read_shapes(first.source, tables), read_shapes(first.target, tables)
        self._tables = sorted(tables, key=lambda t: _urgency(self._here.get(t)))
        for pair in self._pairs[1:]:
            pair.ask("SELECT 1 AS connected")
        self.left_out: list[str] = []
        self.only_newest: list[str] = []

    def __enter__(self) -> QuickProof:
        return self

    def __exit__(self, *_: object) -> None:
        for pair in self._pairs:
            pair.__exit__()

    def run(self, seconds: float) -> list[str]:
        """Differences found within `seconds`; nobody may write meanwhile."""
        deadline = time.monotonic() + seconds
        todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        for table in self._tables:
            todo.put(table)
        with ThreadPoolExecutor(len(self._pairs)) as pool:
            workers = [pool.submit(self._work, pair, todo, deadline) for pair in self._pairs]
            found = [line for w in workers for line in w.result()]
        if self.only_newest or self.left_out:
            log.warning("last proof: only the newest rows of %s; not covered for lack of time: %s", ", ".join(self.only_newest) or "-", ", ".join(self.left_out) or "-")  # fmt: skip
        return sorted(found)

    def _work(self, pair: Pair, todo: queue.SimpleQueue[str], deadline: float) -> list[str]:
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
                found += self._prove(pair, self._here[name], deadline)

    def _prove(self, pair: Pair, shape: Shape, deadline: float) -> list[str]:
        if not _wholly(shape):
            self.only_newest.append(shape.name)
        try:
            for where, args in _to_prove(pair, shape):
                left = max(0.05, deadline - time.monotonic())
                limit = f"SET STATEMENT max_statement_time={left:.3f} FOR "
                a, b = pair.ask(limit + core.digest_query(shape, where), args)
                if a != b:
                    return [_describe(pair, shape, where, args, a[0]["n"], b[0]["n"])]
        except pymysql.err.MySQLError as e:
            if e.args[0] != OUT_OF_TIME:
                raise
            self.left_out.append(shape.name)
        return []


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


def _to_prove(pair: Pair, shape: Shape) -> Iterator[tuple[str, list[Any]]]:
    """WHERE clauses whose rows are compared: all, or the newest by key and by time of change."""
    if _wholly(shape):
        yield "1", []
        return
    last = pair.source.rows(core.tail_query(shape, TAIL_ROWS))
    yield core.between(shape, tuple(last[0].values()) if last else None, None)
    if shape.touched:
        since = pair.source.one("SELECT CAST(NOW() - INTERVAL 15 MINUTE AS CHAR) AS t")["t"]
        yield f"{core.quote(shape.touched.name)} >= %s", [since]


def _describe(pair: Pair, shape: Shape, where: str, args: list[Any], n: int, m: int) -> str:
    """Name the first rows that differ; nobody writes, so one look is enough."""
    if not shape.key or max(n, m) > 5 * SMALL_ROWS:
        return f"{shape.name}: {n} rows on the source, {m} on the target, and not the same"
    looks = look_at(pair, shape, where, args)
    listed = [str(Difference(k, core.kind_of(s))) for k, s in looks.items() if s[0] != s[1]]
    return f"{shape.name}: {len(listed)} rows differ: {'; '.join(listed[:10])}"
