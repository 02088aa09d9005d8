"""Random tables over every type: equal data never differ, and one flipped byte, NULL or row always does."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.row_comparison import Effort, TableVerdict
from livemove.runtime.clock import SystemClock
from livemove.runtime.watermarks import by_waiting
from tests.doubles.sides import Sides, sides

__all__ = ["sides"]
pytestmark = pytest.mark.servers


def text(alphabet: str, size: int) -> st.SearchStrategy[str]:
    # the server strips a CHAR's trailing spaces, and PAD collations call them equal in a key
    return st.text(alphabet, max_size=size).map(quoted)


def quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def blob(size: int, least: int = 0) -> st.SearchStrategy[str]:
    return st.binary(min_size=least, max_size=size).map(lambda b: f"X'{b.hex()}'")


def whole(bits: int, unsigned: bool) -> st.SearchStrategy[str]:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(low, high).map(str)


LATIN, KOREAN, ANY = string.printable + "äß#", "가나다힣abc#'\\", "a#가😀'\0\\\x1f é"
DATES = ["'0000-00-00'", "'2026-00-00'", "'1000-01-01'", "'9999-12-31'", "'2024-02-29'"]
REALS = [
    "0",
    "1e-300",
    "0.1",
    "-0.1",
    "16777217",
    "1.7976931348623157e308",
    "3.4028234e38",
    "123456.789",
    "-1e15",
]
# per type: its DDL, and SQL literals of its values
TYPES: dict[str, st.SearchStrategy[str]] = {
    "TINYINT": whole(8, False),
    "SMALLINT UNSIGNED": whole(16, True),
    "MEDIUMINT(9) ZEROFILL": whole(24, True),
    "INT": whole(32, False),
    "BIGINT UNSIGNED": whole(64, True),
    "BIGINT": whole(64, False),
    "BIT(1)": st.integers(0, 1).map(str),
    "BIT(64)": whole(64, True),
    "DECIMAL(30,10)": st.decimals(-(10**19), 10**19, places=10, allow_nan=False).map(str),
    "DECIMAL(5,0) UNSIGNED": st.integers(0, 99999).map(str),
    "FLOAT": st.one_of(
        st.sampled_from(REALS[:7]), st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr)
    ),
    "FLOAT(9,3)": st.integers(-(10**6), 10**6).map(lambda n: str(n / 1000)),
    "DOUBLE": st.one_of(st.sampled_from(REALS), st.floats(allow_nan=False, allow_infinity=False).map(repr)),
    "YEAR": st.sampled_from(["0", "1901", "2026", "2155"]),
    "DATE": st.sampled_from(DATES),
    "DATETIME(6)": st.sampled_from(
        ["'0000-00-00 00:00:00.000000'", "'2026-11-23 10:00:00.000001'", "'2026-11-23 10:00:00'"]
    ),
    "TIMESTAMP(3) NULL": st.sampled_from(
        ["'0000-00-00'", "'1970-01-02 00:00:00.001'", "'2037-12-31 23:59:59.999'"]
    ),
    "TIME(2)": st.sampled_from(
        ["'-838:59:59.00'", "'838:59:58.99'", "'-00:00:00.01'", "'25:00:00'", "'00:00:00'"]
    ),
    "ENUM('a','b#','')": st.sampled_from(["1", "2", "3", "0"]),
    "SET('x','y','z#')": st.integers(0, 7).map(str),
    "CHAR(12)": text(ANY, 12),
    "VARCHAR(20)": text(ANY, 20),
    "VARCHAR(20) CHARACTER SET latin1": text(LATIN, 20),
    "VARCHAR(20) CHARACTER SET euckr": text(KOREAN, 20),
    "VARCHAR(20) CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci": text(KOREAN, 20),
    "CHAR(5) COLLATE utf8mb4_bin": text(ANY, 5),
    "TINYTEXT": text(ANY, 60),
    "TEXT CHARACTER SET euckr": text(KOREAN, 300),
    "LONGTEXT": text(ANY, 300),
    "JSON": st.sampled_from(["'{}'", "'[1, 2]'", '\'{"a": "가"}\'', "'null'"]),
    "BINARY(6)": blob(6),
    "VARBINARY(20)": blob(20),
    "TINYBLOB": blob(60),
    "BLOB": blob(300),
    "LONGBLOB": blob(300),
    "UUID": st.uuids().map(lambda u: f"'{u}'"),
    "INET6": st.sampled_from(["'::'", "'2001:db8::1'", "'::ffff:192.0.2.1'"]),
    "POINT": st.tuples(st.integers(-9, 9), st.integers(-9, 9)).map(lambda p: f"POINT({p[0]}, {p[1]})"),
    "GEOMETRY": st.sampled_from(
        ["ST_GeomFromText('LINESTRING(0 0, 1 1)', 4326)", "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')"]
    ),
}
KEYS: dict[str, st.SearchStrategy[str]] = {
    "INT": whole(32, False),
    "BIGINT UNSIGNED": whole(64, True),
    "VARCHAR(30) COLLATE utf8mb4_unicode_ci": st.text("aBcßé가", min_size=1, max_size=12).map(quoted),
    "VARCHAR(30) CHARACTER SET latin1": text("abcXYZ", 12),
    "VARBINARY(12)": blob(12),
    "BINARY(4)": blob(4),
    "DECIMAL(12,3)": st.integers(-(10**9), 10**9).map(lambda n: str(n / 1000)),
    "DATETIME(6)": (
        st.datetimes().map(lambda d: f"'{max(d.year, 1000):04}{d.isoformat()[4:].replace('T', ' ')}'")
    ),
    "UUID": st.uuids().map(lambda u: f"'{u}'"),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[str], list[list[str]]]:
    """(CREATE TABLE, its columns, rows of literals). Without a key one time in five."""
    keys = draw(st.lists(st.sampled_from(sorted(KEYS)), min_size=1, max_size=2))
    others = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=9))
    invisible = draw(st.booleans())
    lines = [f"k{i} {t} NOT NULL" for i, t in enumerate(keys)]
    for i, t in enumerate(others):
        null = "" if t.endswith("NULL") or draw(st.booleans()) else " NOT NULL"
        lines.append(
            f"c{i} {t}{null}{' INVISIBLE DEFAULT ' + 'NULL' if invisible and i == 0 and not null else ''}"
        )
    if draw(st.booleans()):
        lines += ["g1 CHAR(40) AS (SHA1(k0)) STORED", "g2 CHAR(40) AS (SHA1(k0)) VIRTUAL"]
    if draw(st.integers(0, 4)):
        lines.append(f"PRIMARY KEY ({', '.join(f'k{i}' for i in range(len(keys)))})")
    names = [f"k{i}" for i in range(len(keys))] + [f"c{i}" for i in range(len(others))]
    strategies = [KEYS[t] for t in keys]
    for i, t in enumerate(others):
        may = not lines[len(keys) + i].endswith("NOT NULL")
        strategies.append(st.one_of(st.just("NULL"), TYPES[t]) if may else TYPES[t])
    rows = draw(st.lists(st.tuples(*strategies).map(list), min_size=1, max_size=12))
    return f"CREATE TABLE t ({', '.join(lines)}) CHARACTER SET utf8mb4", names, rows


class Twins:
    """One table on both servers, and the verdict on it."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.connections = [s.connect() for s in (sides.source_server, sides.target_server)]
        for c in self.connections:
            with c.cursor() as cursor:
                cursor.execute("SET sql_mode = '', time_zone = '+00:00', sql_log_bin = 0")
                cursor.execute("CREATE OR REPLACE DATABASE twins")
                cursor.execute("USE twins")

    def on(self, side: int, statement: str) -> int:
        with self.connections[side].cursor() as cursor:
            return int(cursor.execute(statement))

    def make(self, create: str, names: list[str], rows: list[list[str]]) -> None:
        self.kept = rows
        for side in (0, 1):
            # the order of a heap may differ, and must not matter
            ordered = list(reversed(self.kept)) if side else rows
            self.on(side, "DROP TABLE IF EXISTS t")
            self.on(side, create)
            self.kept = []
            for row in ordered:
                # one that the key has already, under its collation, is left out on both
                if self.on(side, f"INSERT IGNORE INTO t ({', '.join(names)}) VALUES ({', '.join(row)})"):
                    self.kept.append(row)

    def compare(self) -> TableVerdict:
        clock = SystemClock()
        told = Options(clock, lambda _: None, Effort(seconds=0, rows=4), by_waiting(clock, (0.0,)))
        with self.sides.source as source, self.sides.target as target:
            return compare_table(source, target, "twins", "t", told)

    def changed_one(self, name: str, value: str) -> bool:
        """Put this value into one row of the target; False when nothing changed, or the key was taken."""
        try:
            return bool(self.on(1, f"UPDATE t SET {name} = {value} LIMIT 1"))
        except pymysql.err.MySQLError:
            return False


@pytest.fixture(scope="module")
def twins(sides: Sides) -> Iterator[Twins]:
    made = Twins(sides)
    yield made
    for c in made.connections:
        c.close()


EXAMPLES = settings(
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@EXAMPLES
@given(tables())
def test_equal_data_never_differ(twins: Twins, made: tuple[str, list[str], list[list[str]]]) -> None:
    twins.make(*made)
    verdict = twins.compare()
    assert verdict.equal, (made, verdict)
    assert verdict.rows_source == verdict.rows_target == len(twins.kept)


@EXAMPLES
@given(tables(), st.data())
def test_one_flipped_value_null_or_row_always_differs(
    twins: Twins, made: tuple[str, list[str], list[list[str]]], data: Any
) -> None:
    twins.make(*made)
    damage = data.draw(st.sampled_from(["value", "null", "delete", "insert"]))
    name = data.draw(st.sampled_from(made[1]))
    types = dict(zip(made[1], (line.split(" ", 1)[1] for line in _columns(made[0])), strict=False))
    if damage == "value":
        values = KEYS if name.startswith("k") else TYPES
        kind = next(t for t in sorted(values, key=len, reverse=True) if types[name].startswith(t))
        happened = twins.changed_one(name, data.draw(values[kind]))
    elif damage == "null":
        happened = "NOT NULL" not in types[name] and twins.changed_one(name, "NULL")
    elif damage == "delete":
        happened = bool(twins.on(1, "DELETE FROM t LIMIT 1"))
    else:
        row = data.draw(st.sampled_from(made[2]))
        row[0] = data.draw(
            next(KEYS[t] for t in sorted(KEYS, key=len, reverse=True) if types["k0"].startswith(t))
        )
        happened = bool(twins.on(1, f"INSERT IGNORE INTO t ({', '.join(made[1])}) VALUES ({', '.join(row)})"))
    verdict = twins.compare()
    assert verdict.equal is not happened, (made, damage, name, verdict)
    # what is put right again is equal again
    twins.on(1, "DELETE FROM t")
    for row in twins.kept:
        twins.on(1, f"INSERT INTO t ({', '.join(made[1])}) VALUES ({', '.join(row)})")
    if damage != "insert":
        assert twins.compare().equal


def _columns(create: str) -> list[str]:
    inside = create[create.index("(") + 1 : create.rindex(")")]
    out, depth, at = [], 0, 0
    for i, c in enumerate(inside + ","):
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            out.append(inside[at:i].strip())
            at = i + 1
    return out
