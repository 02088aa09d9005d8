"""Building indexes side by side: who waits is told, and what is ended ends on the server too."""

from __future__ import annotations

import time

import pytest

from livemove.model.errors import SchemaError
from livemove.schema.adapters.index_builder import build
from tests.doubles.sides import Sides, sides
from tests.raising import raises

__all__ = ["sides"]
pytestmark = pytest.mark.servers
TABLES = "CREATE TABLE a (id INT PRIMARY KEY, v INT); CREATE TABLE b (id INT PRIMARY KEY, v INT);"
WORK = {
    "building.a": ["ALTER TABLE building.a ADD KEY one (v)", "ALTER TABLE building.a ADD KEY two (v)"],
    "building.b": ["ALTER TABLE building.b ADD KEY one (v)"],
}


class Ended(BaseException):
    """What Airflow raises in the task's thread at SIGTERM, as far as this is concerned."""


@pytest.fixture
def tables(sides: Sides) -> Sides:
    sides.make("building", TABLES)
    sides.target_server.load(f"CREATE DATABASE building; USE building; {TABLES}")
    return sides


def indexes(sides: Sides) -> set[tuple[object, ...]]:
    return set(
        sides.target_server.query(
            "SELECT table_name, index_name FROM information_schema.statistics WHERE table_schema = 'building'"
            " AND index_name <> 'PRIMARY'"
        )
    )


def alters(sides: Sides) -> int:
    return len(
        sides.target_server.query(
            "SELECT id FROM information_schema.processlist WHERE info LIKE 'ALTER TABLE building%'"
        )
    )


def test_what_runs_is_told_and_ends_with_the_task(tables: Sides) -> None:
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if "Waiting for table metadata lock" in line and "index 1/3: KEY one (v) on building.b" in lines:
            raise Ended

    with tables.target as target, tables.target_server.connect() as blocker, blocker.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM building.a")
        with pytest.raises(Ended):
            build(target, WORK, progress, session={}, telling=0.1)
        deadline = time.monotonic() + 30
        while alters(tables):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        blocker.rollback()
    assert lines[-1].startswith("building on building.a")
    assert indexes(tables) == {("b", "one")}


def test_the_first_error_is_raised_and_names_the_table(tables: Sides) -> None:
    broken = {
        "building.a": [
            "ALTER TABLE building.a ADD KEY one (nosuch)",
            "ALTER TABLE building.a ADD KEY two (v)",
        ]
    }
    with tables.target as target:
        with raises(SchemaError, "building.a", "nosuch"):
            build(target, broken, lambda _: None, session={})
        assert indexes(tables) == set()
        assert build(target, WORK, lambda _: None, session={}) == 3
        assert build(target, {}, lambda _: None, session={}) == 0
    assert indexes(tables) == {("a", "one"), ("a", "two"), ("b", "one")}
