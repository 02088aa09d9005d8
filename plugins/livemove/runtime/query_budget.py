"""Queries on a live server that share one limit of time."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

import pymysql

from livemove.model.ports import Row
from livemove.runtime.mariadb import MariaDb

log = logging.getLogger(__name__)


class QueryBudget:
    """A time that several queries share; each may use what is left."""

    def __init__(self, db: MariaDb, seconds: float) -> None:
        self.db, self.ends = db, time.monotonic() + seconds
        self._mariadb = "mariadb" in str(db.one("SELECT VERSION() AS v")["v"]).lower()

    def one(self, select: str) -> Row | None:
        """The first row; {} when there is none; None when the time was over before the end."""
        left = self.ends - time.monotonic()
        if left <= 0.05:
            return None
        if self._mariadb:
            query = f"SET STATEMENT max_statement_time = {left:.2f} FOR {select}"
        else:
            query = select.replace("SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({left * 1000:.0f}) */", 1)
        try:
            return next(iter(self.db.rows(query)), {})
        except pymysql.err.MySQLError as e:
            log.info("not measured to the end: %s", e.args)
            return None


def by_table(columns: Sequence[Row], sizes: Mapping[str, int]) -> list[tuple[str, list[Row]]]:
    """Columns by table, small tables first."""
    tables: dict[str, list[Row]] = {}
    for c in columns:
        tables.setdefault(f"{c['schema']}.{c['table']}", []).append(c)
    return sorted(tables.items(), key=lambda item: sizes.get(item[0], 0))
