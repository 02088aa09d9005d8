"""Each folder of tests/comparison_cases is equal as loaded, and every planted difference is reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.mariadb import Server
from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.row_comparison import Effort, TableVerdict, differs
from livemove.model.ports import Link
from livemove.model.spec import Side
from livemove.runtime.clock import SystemClock
from livemove.runtime.watermarks import by_waiting
from livemove.schema.adapters.copy_schema import list_tables
from tests.doubles.sides import Sides, sides

__all__ = ["sides"]
pytestmark = pytest.mark.servers
CASES = Path(__file__).parents[1] / "comparison_cases"
LINK = Link("cases", 1, Side.SOURCE)


def load(server: Server, case: str) -> None:
    script = (CASES / case / "data.sql").read_text(encoding="utf-8")
    server.load(f"CREATE OR REPLACE DATABASE `{case}` CHARACTER SET utf8mb4;\nUSE `{case}`;\n{script}")


def compare(sides: Sides, case: str, table: str) -> TableVerdict:
    clock = SystemClock()
    told = Options(clock, lambda _: None, Effort(seconds=0, rows=400), by_waiting(clock, (0.0,)))
    with sides.source as source, sides.target as target:
        return compare_table(source, target, case, table, told)


def planted(case: str) -> list[tuple[str, list[str], str]]:
    """(table, texts that must be reported, statement)."""
    text = (CASES / case / "planted.sql").read_text(encoding="utf-8")
    found = re.findall(r"^-- (.+?): (.+)\n((?:(?!-- ).+\n?)+)", text, re.MULTILINE)
    return [(t, re.split(r"; (?![^()]*\))", message), sql.strip().rstrip(";")) for t, message, sql in found]


@pytest.mark.parametrize("case", sorted(p.parent.name for p in CASES.glob("*/planted.sql")))
def test_a_table_on_which_a_comparison_could_be_wrong(sides: Sides, case: str) -> None:
    for server in (sides.source_server, sides.target_server):
        load(server, case)
    with sides.source as source:
        tables = [str(t["name"]) for t in list_tables(source, (case,))]
    for table in tables:
        verdict = compare(sides, case, table)
        assert verdict.equal, differs(table, verdict, LINK)
        assert verdict.rows_source == verdict.rows_target > 0
    damages = planted(case)
    assert damages
    for table, wanted, statement in damages:
        assert table in tables
        load(sides.target_server, case)
        sides.target_server.load(f"SET sql_mode = '';\n{statement};", schema=case)
        verdict = compare(sides, case, table)
        told = differs(table, verdict, LINK)
        assert not verdict.equal, (statement, told)
        for text in wanted:
            assert text in told, (statement, told)
    for server in (sides.source_server, sides.target_server):
        server.query(f"DROP DATABASE `{case}`")
