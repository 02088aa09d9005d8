"""The longest value of each LOB column, measured in bounded time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livemove.model.ports import Row
from livemove.model.sql_names import qualified, quote
from livemove.replication.lobs import LobFact
from livemove.runtime.mariadb import MariaDb
from livemove.runtime.query_budget import QueryBudget, by_table

LOB_SECONDS = 30.0
"""The longest that all scans together may take."""


def longest_lobs(
    db: MariaDb, columns: Sequence[Row], sizes: Mapping[str, int], seconds: float
) -> tuple[LobFact, ...]:
    """The longest value of each LOB column, one scan a table, small tables first."""
    budget, found = QueryBudget(db, seconds), []
    for table, mine in by_table(columns, sizes):
        names = [c["name"] for c in mine]
        asked = ", ".join(f"COALESCE(MAX(LENGTH({quote(n)})), 0) AS c{i}" for i, n in enumerate(names))
        row = budget.one(f"SELECT {asked} FROM {qualified(mine[0]['schema'], mine[0]['table'])}")
        found += [LobFact(table, n, int(row[f"c{i}"]) if row else None) for i, n in enumerate(names)]
    return tuple(found)
