"""Comparison under writes, with a real replicator: no false alarm, and every planted difference each time."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from livemove.comparison.adapters.both_sides import Options, read_shapes, snapshot_position
from livemove.comparison.adapters.changed_keys import ChangedKeys
from livemove.comparison.adapters.final_check import FinalComparison
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.row_comparison import Change, Effort, TableVerdict
from livemove.model.spec import Side
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb
from tests.lab_dms.conftest import Replication

pytestmark = pytest.mark.servers
ROWS = 40_000
TABLE = (
    "CREATE TABLE orders (id INT PRIMARY KEY, state VARCHAR(10), n INT, note VARCHAR(60), KEY (n)) CHARACTER"
    " SET utf8mb4"
)
WRITES = 500
"""Wanted per second, over all writers; a busy machine makes fewer."""
WRITERS = 8
PASSES = int(os.environ.get("PASSES", "3"))
"""Without and with planted differences, each. `PASSES=20` is the long proof."""


def database(replication: Replication, side: Side) -> MariaDb:
    server = replication.source if side is Side.SOURCE else replication.target
    return MariaDb(side, Login(server.address, server.port, "root", "root"))


class Motion:
    """The application: updates, inserts, deletes, rows that toggle, and one row that never rests."""

    def __init__(self, replication: Replication, hot: int = 1) -> None:
        self.replication, self.hot, self.written = replication, hot, 0
        self.stopped = threading.Event()

    def write(self, seed: int) -> None:
        dice = random.Random(seed)
        with self.replication.source.connect(database=self.replication.schema) as c, c.cursor() as cursor:
            due = self.began
            while not self.stopped.wait(max(0.0, due - time.monotonic())):
                due = max(due + WRITERS / WRITES, time.monotonic() - 1)
                n = dice.randint(1000, ROWS + 2000)
                cursor.execute(
                    dice.choice(
                        (
                            f"UPDATE orders SET n = n + 1 WHERE id = {n}",
                            f"UPDATE orders SET n = n + 1 WHERE id = {self.hot}",
                            (
                                "UPDATE orders SET state = IF(state = 'new', 'paid', 'new') WHERE id IN (2,"
                                f" 3, {n})"
                            ),
                            f"REPLACE INTO orders VALUES ({n}, 'new', 0, 'again')",
                            f"DELETE FROM orders WHERE id = {n + 1}",
                        )
                    )
                )
                self.written += 1

    def __enter__(self) -> Motion:
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(WRITERS)]
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for t in self.threads:
            t.join(30)


@contextmanager
def watermarks(replication: Replication) -> Iterator[object]:
    """A watermark table in the replicated schema, as livemove's own is in its."""
    numbers = itertools.count(1)
    clock = SystemClock()

    def arrived(limit: float) -> bool:
        number = next(numbers)
        replication.on(replication.source, f"INSERT INTO watermark VALUES ({number})")
        for _ in range(int(limit / 0.01)):
            if replication.on(replication.target, f"SELECT 1 FROM watermark WHERE n = {number}"):
                return True
            clock.sleep(0.01)
        return False

    yield arrived


@pytest.fixture
def moving(replication: Replication) -> Replication:
    replication.on(
        replication.source,
        TABLE,
        "CREATE TABLE watermark (n INT PRIMARY KEY)",
        f"INSERT INTO orders SELECT seq, 'new', 0, SHA1(seq) FROM seq_1_to_{ROWS}",
    )
    replication.on(replication.target, TABLE, "CREATE TABLE watermark (n INT PRIMARY KEY)")
    replication.start()
    replication.following()
    replication.applied()
    return replication


def compare(replication: Replication, arrived: object) -> TableVerdict:
    told = Options(SystemClock(), lambda _: None, Effort(seconds=0, rows=10_000), arrived)  # type: ignore[arg-type]
    with database(replication, Side.SOURCE) as s, database(replication, Side.TARGET) as t:
        return compare_table(s, t, replication.schema, "orders", told)


def test_no_false_alarm_and_no_planted_difference_missed(moving: Replication) -> None:
    with watermarks(moving) as arrived, Motion(moving) as motion:
        for _ in range(PASSES):
            verdict = compare(moving, arrived)
            assert verdict.equal, verdict
        # ids below 1000 are written by nobody but the hot row and two that toggle
        moving.on(moving.target, "UPDATE orders SET note = 'lost' WHERE id = 700")
        moving.on(moving.target, "DELETE FROM orders WHERE id = 500")
        moving.on(moving.target, "INSERT INTO orders VALUES (-5, 'new', 0, 'extra')")
        for _ in range(PASSES):
            verdict = compare(moving, arrived)
            found = {d.key[0]: d.kind for d in verdict.differences}
            assert found == {700: Change.CHANGED, 500: Change.MISSING, -5: Change.EXTRA}, verdict
            assert (verdict.missing, verdict.extra, verdict.changed, verdict.unjudged) == (1, 1, 1, 0)
    print(f"{motion.written / (time.monotonic() - motion.began):.0f} writes a second, {2 * PASSES} passes")
    assert motion.written > 100
    (cell,) = (c for d in verdict.differences for c in d.cells)
    assert (cell.column, cell.target) == ("note", "'lost'")


def test_the_last_proof_covers_every_row_changed_since_the_comparison(moving: Replication) -> None:
    name = f"{moving.schema}.orders"
    for server in (moving.source, moving.target):
        moving.on(server, "ANALYZE TABLE orders")
    with database(moving, Side.SOURCE) as s, database(moving, Side.TARGET) as t:
        position = snapshot_position(s)
        assert position
        with Motion(moving) as motion:
            while motion.written < 150:
                SystemClock().sleep(0.05)
            with FinalComparison(s, t, [name], since={name: position}) as proof:
                while motion.written < 250:
                    SystemClock().sleep(0.05)
                motion.__exit__()
                moving.on(
                    moving.source,
                    "UPDATE orders SET n = 77 WHERE id IN (11, 12)",
                    "DELETE FROM orders WHERE id = 13",
                )
                moving.applied()
                assert proof.run(30) == []
                assert not proof.only_newest
                assert not proof.left_out
                assert {(1,), (11,), (12,), (13,)} <= proof._changed.keys[name]
                assert "rows changed since" in proof.message()
                began = time.monotonic()
                assert proof.run(30) == []
                print(
                    f"a final check of {len(proof._changed.keys[name])} changed rows:"
                    f" {time.monotonic() - began:.2f} s"
                )
                # changed after the comparison, far from the newest rows, and wrong on the target
                moving.on(
                    moving.target,
                    "UPDATE orders SET n = 78 WHERE id = 11",
                    "INSERT INTO orders VALUES (13, '', 0, '')",
                )
                (line,) = proof.run(30)
                assert "changed 11" in line
                assert "extra 13" in line
                # without a position it says what it did not cover
        with FinalComparison(s, t, [name]) as blind:
            assert blind.run(30) == []
            assert blind.only_newest == {name: "no clean comparison with a binlog position"}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("TRUNCATE orders", "a statement names it"),
        ("UPDATE orders SET n = 1 WHERE id <= 20", ""),
        ("ALTER TABLE orders ADD COLUMN z INT", "a statement names it"),
        ("CREATE TABLE other (id INT)", None),
        ("SET STATEMENT binlog_format = 'STATEMENT' FOR INSERT INTO watermark VALUES (99)", "not by rows"),
        # RDS's own row, as it is written whatever the binlog's format
        (
            (
                "SET SESSION binlog_format = 'STATEMENT'; INSERT INTO mysql.rds_heartbeat2 (id, value) VALUES"
                " (1, 5) ON DUPLICATE KEY UPDATE value = 5"
            ),
            None,
        ),
    ],
)
def test_what_the_binlog_does_not_tell_is_said(moving: Replication, statement: str, why: str) -> None:
    name = f"{moving.schema}.orders"
    moving.on(
        moving.source, "CREATE TABLE IF NOT EXISTS mysql.rds_heartbeat2 (id INT PRIMARY KEY, value BIGINT)"
    )
    with database(moving, Side.SOURCE) as s:
        shapes = read_shapes(s, [name])
        changed = ChangedKeys(s, shapes, {name: snapshot_position(s)})
        moving.on(moving.source, *statement.split("; "))
        changed.follow(30)
        assert (why or "") in changed.unknown.get(name, "")
        assert bool(changed.unknown) is bool(why)
        if why == "":
            assert changed.keys[name] == {(n,) for n in range(1, 21)}
        before = changed.position
        changed.follow(30)
        assert changed.position == before


def test_a_purged_binlog_is_said(moving: Replication) -> None:
    name = f"{moving.schema}.orders"
    with database(moving, Side.SOURCE) as s:
        changed = ChangedKeys(s, read_shapes(s, [name]), {name: "mysql-bin.999999:4"})
        changed.follow(30)
        assert "could not be read" in changed.unknown[name]


KEYS = (
    "CREATE TABLE k (a {0} NOT NULL, b VARCHAR(20) CHARACTER SET euckr NOT NULL, c DOUBLE, d DATETIME(3), e"
    " TEXT, f DECIMAL(20,5), g BIT(9), h ENUM('x','y'), i CHAR(200), j TIME(2), l JSON, m YEAR, PRIMARY KEY"
    " (b, a))"
)


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        ("BIGINT UNSIGNED", "18446744073709551615", 18446744073709551615),
        ("MEDIUMINT", "-8388608", -8388608),
        ("TINYINT", "-1", -1),
        ("BINARY(4)", "X'610000'", b"a\0\0\0"),
        ("VARBINARY(300)", "X'00FF'", b"\0\xff"),
        ("CHAR(9) CHARACTER SET utf8mb4", "'가😀 '", "가😀"),
        ("YEAR", "1999", 1999),
    ],
)
def test_keys_of_these_types_are_read_from_the_binlog(
    replication: Replication, kind: str, value: str, key: object
) -> None:
    name = f"{replication.schema}.k"
    replication.on(replication.source, KEYS.format(kind))
    with database(replication, Side.SOURCE) as s:
        changed = ChangedKeys(s, read_shapes(s, [name]), {name: snapshot_position(s)})
        replication.on(
            replication.source,
            f"INSERT INTO k VALUES ({value}, '마포', 1.5, '2026-01-01 10:00:00.5', REPEAT('가', 900), -1.5,"
            " 300, 'y', 'abc', '-10:00:00.5', '[1]', 2026)",
            "UPDATE k SET e = NULL, c = NULL, b = '강남'",
            "DELETE FROM k",
        )
        changed.follow(30)
        assert changed.unknown == {}
        assert changed.keys[name] == {("마포", key), ("강남", key)}
