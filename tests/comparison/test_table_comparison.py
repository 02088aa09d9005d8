"""The comparison finds each planted difference, names its row, and keeps quiet while writes are in flight."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.final_check import FinalComparison
from livemove.comparison.adapters.repair import recopy
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.row_comparison import Change, Effort, TableVerdict
from livemove.control.adapters.setup import install
from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ledger import PassState
from livemove.model.spec import Side
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb
from livemove.runtime.watermarks import by_waiting
from tests.doubles.sides import Sides, case_script, sides
from tests.raising import raises

__all__ = ["sides"]
pytestmark = pytest.mark.servers

# quarters, since mariadb-dump, which copies the rows here, writes FLOAT with six digits only
LISTINGS = """
CREATE TABLE listing (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(60) NULL, note VARCHAR(60) NULL,
  price DOUBLE, area FLOAT, made DATETIME(6), photo MEDIUMBLOB, spot POINT, doc JSON,
  changed TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), KEY (changed)
);
INSERT INTO listing (id, title, note, price, area, made, photo, spot, doc)
SELECT seq * 3, CONCAT('매물 ', seq), IF(seq % 5, '', NULL), ROUND(seq / 7, 2), seq / 4,
       '2026-01-01' + INTERVAL seq SECOND,
       REPEAT(CHAR(seq % 256), 300), POINT(seq, -seq), CONCAT('{"n": ', seq, '}') FROM seq_1_to_3000;
UPDATE listing SET title = 'a#b', note = 'c' WHERE id = 12;
UPDATE listing SET price = NULL WHERE id = 18;
CREATE TABLE pairs (a INT, b VARCHAR(20) COLLATE utf8mb4_unicode_ci, v INT, PRIMARY KEY (a, b));
INSERT INTO pairs SELECT seq % 7, CONCAT('K', seq), seq FROM seq_1_to_2000;
"""


def compare(
    sides: Sides,
    schema: str,
    table: str,
    *,
    chunk_rows: int = 700,
    waits: tuple[float, ...] = (0.01,),
    **told: Any,
) -> TableVerdict:
    clock = SystemClock()
    told = {"effort": Effort(seconds=0, rows=chunk_rows), "arrived": by_waiting(clock, waits), **told}
    with sides.source as source, sides.target as target:
        return compare_table(source, target, schema, table, Options(clock, lambda _: None, **told))


@pytest.fixture(scope="module")
def listings(sides: Sides) -> Sides:
    sides.move("listings", LISTINGS)
    return sides


@contextmanager
def planted(sides: Sides, *statements: str, schema: str = "listings") -> Iterator[None]:
    """Damage on the target, undone afterwards."""
    connection = sides.target_server.connect(database=schema)
    with connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        tables = [
            t
            for (t,) in sides.target_server.query(
                f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'"
            )
        ]
        for t in tables:
            cursor.execute(f"CREATE TABLE `before {t}` LIKE `{t}`")
            cursor.execute(f"INSERT INTO `before {t}` SELECT * FROM `{t}`")
        for statement in statements:
            cursor.execute(statement)
        try:
            yield
        finally:
            for t in tables:
                cursor.execute(f"DROP TABLE `{t}`")
                cursor.execute(f"RENAME TABLE `before {t}` TO `{t}`")


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE listing SET title = NULL WHERE id = 300"], {(300,): Change.CHANGED}),
        (["UPDATE listing SET note = NULL, changed = changed WHERE id = 303"], {(303,): Change.CHANGED}),
        (["UPDATE listing SET note = '', changed = changed WHERE id = 15"], {(15,): Change.CHANGED}),
        (
            ["UPDATE listing SET title = CONCAT(title, ' '), changed = changed WHERE id = 9000"],
            {(9000,): Change.CHANGED},
        ),
        (
            ["UPDATE listing SET photo = INSERT(photo, 300, 1, 'x'), changed = changed WHERE id = 3"],
            {(3,): Change.CHANGED},
        ),
        (
            ["UPDATE listing SET area = area + 0.0001, changed = changed WHERE id = 9000"],
            {(9000,): Change.CHANGED},
        ),
        (
            ["UPDATE listing SET made = made + INTERVAL 1 MICROSECOND, changed = changed WHERE id = 6"],
            {(6,): Change.CHANGED},
        ),
        (
            [
                "UPDATE listing SET spot = ST_GeomFromText('POINT(2 -2)', 4326), changed = changed WHERE"
                " id = 6"
            ],
            {(6,): Change.CHANGED},
        ),
        (["UPDATE listing SET doc = '{\"n\":2}', changed = changed WHERE id = 6"], {(6,): Change.CHANGED}),
        (["DELETE FROM listing WHERE id = 4500"], {(4500,): Change.MISSING}),
        (["INSERT INTO listing (id) VALUES (4501)"], {(4501,): Change.EXTRA}),
        (["INSERT INTO listing (id) VALUES (100000)"], {(100000,): Change.EXTRA}),
        (["DELETE FROM listing WHERE id IN (3, 9000)"], {(3,): Change.MISSING, (9000,): Change.MISSING}),
        (["UPDATE listing SET id = 4 WHERE id = 3"], {(3,): Change.MISSING, (4,): Change.EXTRA}),
        # the same change in two rows, and two rows that swap a value: XOR sees neither
        (
            ["UPDATE listing SET price = price + 1, changed = changed WHERE id IN (30, 33)"],
            {(30,): Change.CHANGED, (33,): Change.CHANGED},
        ),
        (
            [
                "UPDATE listing SET title = IF(id = 30, '매물 11', '매물 10'), changed = changed WHERE id IN"
                " (30, 33)"
            ],
            {(30,): Change.CHANGED, (33,): Change.CHANGED},
        ),
        # a value, or a NULL, that moves to the column beside it: plain concatenation sees nothing
        (
            ["UPDATE listing SET title = 'a', note = 'b#c', changed = changed WHERE id = 12"],
            {(12,): Change.CHANGED},
        ),
        (
            ["UPDATE listing SET price = area, area = NULL, changed = changed WHERE id = 18"],
            {(18,): Change.CHANGED},
        ),
        (
            ["DELETE FROM listing WHERE id BETWEEN 3000 AND 3005"],
            {(3000,): Change.MISSING, (3003,): Change.MISSING},
        ),
    ],
)
def test_a_planted_difference_is_found_with_its_row(
    listings: Sides, statements: list[str], found: dict[tuple[int, ...], Change]
) -> None:
    with planted(listings, *statements):
        verdict = compare(listings, "listings", "listing")
    assert not verdict.equal
    assert {d.key: d.kind for d in verdict.differences} == found


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE pairs SET v = v + 1 WHERE a = 3 AND b = 'K3'"], {(3, "K3"): Change.CHANGED}),
        (["DELETE FROM pairs WHERE a = 6 ORDER BY b DESC LIMIT 1"], {(6, "K993"): Change.MISSING}),
        (["INSERT INTO pairs VALUES (99, '끝', 1)"], {(99, "끝"): Change.EXTRA}),
        (
            ["UPDATE pairs SET b = 'k8' WHERE a = 1 AND b = 'K8'"],
            {(1, "K8"): Change.MISSING, (1, "k8"): Change.EXTRA},
        ),
    ],
)
def test_composite_text_keys_are_walked_in_their_collation(
    listings: Sides, statements: list[str], found: dict[tuple[object, ...], Change]
) -> None:
    with planted(listings, *statements):
        verdict = compare(listings, "listings", "pairs", chunk_rows=150)
    assert {d.key: d.kind for d in verdict.differences} == found


def test_equal_tables_are_equal_in_any_chunk(listings: Sides) -> None:
    for chunk in (100, 2999, 3000, 3001):
        verdict = compare(listings, "listings", "listing", chunk_rows=chunk)
        assert (verdict.equal, verdict.rows_source, verdict.rows_target) == (True, 3000, 3000)


def test_many_differences_are_counted_but_not_all_listed(listings: Sides) -> None:
    with planted(listings, "UPDATE listing SET price = 0, changed = changed"):
        verdict = compare(listings, "listings", "listing")
    assert len(verdict.differences) == 100
    assert "there may be more" in verdict.note


@pytest.mark.parametrize(
    ("damage", "table", "kinds"),
    [
        ("DELETE FROM none_at_all WHERE a = 1 LIMIT 1", "none_at_all", {Change.CHANGED}),
        (
            "UPDATE none_at_all SET b = NULL WHERE a IS NULL AND b = ''",
            "none_at_all",
            {Change.MISSING, Change.CHANGED},
        ),
        ("DELETE FROM nullable_unique WHERE b = 'a' LIMIT 1", "nullable_unique", {Change.CHANGED}),
        ("UPDATE by_enum SET v = 9 WHERE n = 1", "by_enum", {Change.MISSING, Change.EXTRA}),
        ("UPDATE by_float SET v = 9 LIMIT 1", "by_float", {Change.MISSING, Change.EXTRA}),
        ("UPDATE unique_only SET v = 9 LIMIT 1", "unique_only", {Change.CHANGED}),
    ],
)
def test_tables_without_a_usable_key_are_compared_as_a_whole(
    sides: Sides, damage: str, table: str, kinds: set[Change]
) -> None:
    sides.move("keyless", case_script("keyless"))
    assert compare(sides, "keyless", table).equal
    sides.target_server.load(damage, schema="keyless")
    verdict = compare(sides, "keyless", table)
    assert {d.kind for d in verdict.differences} == kinds
    assert ("as a whole" in verdict.note) is (table != "unique_only")


def test_a_table_of_another_shape_is_told_not_compared(sides: Sides) -> None:
    sides.move(
        "shape",
        "CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a','b')); CREATE TABLE gone (id INT PRIMARY KEY);",
    )
    sides.target_server.query("ALTER TABLE shape.t MODIFY e ENUM('b','a')")
    sides.target_server.query("DROP TABLE shape.gone")
    assert "column e is enum('a','b')" in compare(sides, "shape", "t").note
    assert compare(sides, "shape", "gone").note == "the target has no such table"


class Traffic:
    """A small replicator: random writes on the source, each copied to the target in order a moment later."""

    def __init__(self, sides: Sides, delay: float) -> None:
        self.sides, self.delay, self.written = sides, delay, 0
        self.line: queue.Queue[tuple[float, str | threading.Event] | None] = queue.Queue()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.write), threading.Thread(target=self.follow)]

    def __enter__(self) -> Traffic:
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for t in self.threads:
            t.join(timeout=30)

    def write(self) -> None:
        dice = random.Random(7)
        with self.sides.source_server.connect(database="traffic") as c, c.cursor() as cursor:
            while not self.stopped.is_set():
                n = dice.randint(1, 6000)
                statement = dice.choice(
                    (
                        f"UPDATE t SET v = v + 1 WHERE id = {n}",
                        "UPDATE t SET v = v + 1 WHERE id = 1",  # a row that never rests
                        f"REPLACE INTO t VALUES ({n}, {n}, 'new')",
                        f"DELETE FROM t WHERE id = {n + 1}",
                    )
                )
                cursor.execute(statement)
                self.line.put((time.monotonic() + self.delay, statement))
                self.written += 1
                time.sleep(0.002)
        self.line.put(None)

    def follow(self) -> None:
        with self.sides.target_server.connect(database="traffic") as c, c.cursor() as cursor:
            while (item := self.line.get()) is not None:
                time.sleep(max(0.0, item[0] - time.monotonic()))
                if isinstance(item[1], threading.Event):
                    item[1].set()
                else:
                    cursor.execute(item[1])

    def arrived(self, limit: float) -> bool:
        """A watermark in small: it goes the way of the writes."""
        mark = threading.Event()
        self.line.put((time.monotonic() + self.delay, mark))
        return mark.wait(limit)


TRAFFIC = (
    "CREATE TABLE t (id INT PRIMARY KEY, v INT, w VARCHAR(10)); INSERT INTO t SELECT seq, 0, 'old' FROM"
    " seq_1_to_5000;"
)
NO_KEY = (
    "CREATE TABLE t (id INT, v INT, w VARCHAR(10), KEY (id)); INSERT INTO t SELECT seq, 0, 'old' FROM"
    " seq_1_to_2000;"
)


def test_writes_in_flight_raise_no_false_alarm(sides: Sides) -> None:
    sides.move("traffic", TRAFFIC)
    with Traffic(sides, delay=0.15) as traffic:
        time.sleep(0.3)
        for _ in range(3):
            verdict = compare(sides, "traffic", "t", chunk_rows=500, arrived=traffic.arrived)
            assert verdict.equal, verdict
    assert traffic.written > 100
    assert compare(sides, "traffic", "t").equal


def test_a_true_difference_is_found_among_writes_in_flight(sides: Sides) -> None:
    sides.move("traffic", TRAFFIC)
    sides.target_server.query("UPDATE traffic.t SET w = 'lost' WHERE id = 5000")
    sides.target_server.query("INSERT INTO traffic.t VALUES (9999, 0, 'extra')")
    # the row that never rests; statements are applied here, so the damage stays
    sides.target_server.query("UPDATE traffic.t SET w = 'lost' WHERE id = 1")
    with Traffic(sides, delay=0.15) as traffic:
        verdict = compare(sides, "traffic", "t", chunk_rows=500, arrived=traffic.arrived)
    assert ((9999,), Change.EXTRA) in {(d.key, d.kind) for d in verdict.differences}
    assert ((1,), Change.CHANGED) in {(d.key, d.kind) for d in verdict.differences}
    assert {d.key for d in verdict.differences} <= {(1,), (9999,), (5000,)}
    assert verdict.unjudged == 0


def test_a_table_without_a_key_raises_no_false_alarm_either(sides: Sides) -> None:
    sides.move("traffic", NO_KEY)
    with Traffic(sides, delay=0.15) as traffic:
        time.sleep(0.3)
        verdict = compare(sides, "traffic", "t", arrived=traffic.arrived)
    assert verdict.equal, verdict


# The proof inside the fence
# -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def fenced(sides: Sides) -> Sides:
    sides.move(
        "fenced",
        "CREATE TABLE old_style (id INT PRIMARY KEY, v INT) ENGINE=MyISAM; INSERT INTO old_style VALUES (1,"
        " 1), (2, 2);CREATE TABLE small (id INT PRIMARY KEY, v INT); INSERT INTO small VALUES (1, 1), (2,"
        " 2);CREATE TABLE big (id INT PRIMARY KEY, v INT, at TIMESTAMP DEFAULT NOW() ON UPDATE NOW(), KEY"
        " (at)) STATS_PERSISTENT=1;INSERT INTO big SELECT seq, 0, '2020-01-01' FROM seq_1_to_60000;",
    )
    for server in (sides.source_server, sides.target_server):
        server.query("ANALYZE TABLE fenced.big")
    return sides


TABLES = ["fenced.old_style", "fenced.small", "fenced.big"]


def prove(sides: Sides, seconds: float = 20) -> list[str]:
    with sides.source as source, sides.target as target:
        with FinalComparison(source, target, TABLES) as proof:
            return proof.run(seconds)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ([], []),
        (["UPDATE old_style SET v = 7 WHERE id = 2"], ["fenced.old_style: 1 rows differ: changed 2"]),
        (["DELETE FROM small WHERE id = 1"], ["fenced.small: 1 rows differ: missing 1"]),
        (["DELETE FROM big WHERE id = 59999"], ["fenced.big: 1 rows differ: missing 59999"]),
        (["INSERT INTO big VALUES (60001, 1, '2020-01-01')"], ["fenced.big: 1 rows differ: extra 60001"]),
        # changed just now, far from the end of the key
        (["UPDATE big SET v = 1 WHERE id = 5"], ["fenced.big: 1 rows differ: extra 5"]),
    ],
)
def test_the_last_proof_finds(fenced: Sides, damage: list[str], found: list[str]) -> None:
    with planted(fenced, *damage, schema="fenced"):
        fenced.target_server.query("ANALYZE TABLE fenced.big")
        assert prove(fenced) == found


def test_the_last_proof_says_what_it_left_out(fenced: Sides, caplog: pytest.LogCaptureFixture) -> None:
    with fenced.source as source, fenced.target as target, FinalComparison(source, target, TABLES) as proof:
        assert proof.run(0) == []
        assert sorted(proof.left_out) == sorted(TABLES)
    assert "not covered for lack of time: fenced." in caplog.text


# Going on, pausing, repairing
# ---------------------------------------------------------------------------------------
class Kept:
    def __init__(self) -> None:
        self.state: PassState | None = None
        self.written: list[PassState] = []

    def read(self) -> PassState | None:
        return self.state

    def write(self, state: PassState) -> None:
        self.state = state
        self.written.append(state)


class Interrupted(Exception):
    pass


def test_a_pass_that_was_interrupted_goes_on_where_it_stopped(
    listings: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livemove.comparison.adapters.keyed_comparison.KEEP_EVERY", -1.0)
    kept = Kept()
    with planted(
        listings, "UPDATE pairs SET v = -1 WHERE b = 'K7'", "UPDATE pairs SET v = -1 WHERE b = 'K6'"
    ):
        monkeypatch.setattr(Kept, "write", lambda self, d: _stop_at(self, d, 3))
        with pytest.raises(Interrupted):
            compare(listings, "listings", "pairs", chunk_rows=150, keep=kept)
        monkeypatch.setattr(Kept, "write", lambda self, d: _stop_at(self, d, 10**9))
        assert kept.state
        assert kept.state.rows == (450, 450)
        verdict = compare(listings, "listings", "pairs", chunk_rows=150, keep=kept)
    # a difference in the part that was read before the interruption is not forgotten
    assert {d.key for d in verdict.differences} == {(0, "K7"), (6, "K6")}
    assert (verdict.rows_source, verdict.began_at) == (2000, kept.state.began_at)
    assert "resumed" in verdict.note
    assert kept.state.done
    assert "resumed" not in compare(listings, "listings", "pairs", keep=kept).note


def _stop_at(kept: Kept, state: PassState, times: int) -> None:
    kept.state = PassState.model_validate_json(state.model_dump_json())
    kept.written.append(state)
    if len(kept.written) >= times and not state.done:
        raise Interrupted


def test_a_changed_definition_begins_anew(listings: Sides) -> None:
    kept = Kept()
    kept.state = PassState(done=False, shape="of old", rows=(9, 9), kept_at=9e12)
    assert compare(listings, "listings", "pairs", keep=kept).rows_source == 2000


def test_the_source_rests_while_it_is_busy(listings: Sides) -> None:
    said: list[str] = []
    sleeps: list[float] = []

    class Busy(SystemClock):
        def sleep(self, seconds: float) -> None:
            sleeps.append(seconds)
            if len(sleeps) > 3:
                raise Interrupted

    told = Options(Busy(), said.append, Effort(seconds=0, rows=500, running=0), by_waiting(Busy(), (0.0,)))
    with listings.source as source, listings.target as target, pytest.raises(Interrupted):
        compare_table(source, target, "listings", "pairs", told)
    assert "paused" in said[0]
    assert "limit 0" in said[0]


REPAIR = """
CREATE TABLE t (
  k VARCHAR(20), id INT, f FLOAT, d DOUBLE, e ENUM('a','b'), s SET('x','y'), b BIT(9), x VARBINARY(20),
  l LONGBLOB, c TEXT CHARACTER SET euckr, at TIMESTAMP(3) NULL ON UPDATE CURRENT_TIMESTAMP(3), z DATE,
  g GEOMETRY, j JSON, u UUID, m DECIMAL(20,5), g2 INT AS (id * 2) STORED, PRIMARY KEY (k, id)
);
SET sql_mode = '', time_zone = '+00:00';
INSERT INTO t (k, id, f, d, e, s, b, x, l, c, at, z, g, j, u, m) VALUES
  ('%s''"', 0, 123456.78, 1/3, 'b', 'x,y', 300, X'00FF27', X'0000', '똠''\\\\', '2026-01-01 01:02:03.004',
   '0000-00-00', POINT(1, 2), '{"a": "\\\\n"}', UUID(), -1.5),
  ('gone', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('same', 2, 1, 1, 'a', '', 0, '', '', '', NULL, '2026-01-01', NULL, NULL, NULL, 0);
"""


def test_repair_copies_rows_exactly_and_only_into_a_follower(sides: Sides) -> None:
    for server in (sides.source_server, sides.target_server):
        server.load(f"CREATE OR REPLACE DATABASE mended CHARACTER SET utf8mb4; USE mended; {REPAIR}")
    assert not compare(sides, "mended", "t").equal, "the two have other UUIDs"
    sides.target_server.load(
        "UPDATE t SET f = 1, c = 'x' WHERE id = 0; DELETE FROM t WHERE id = 1; INSERT INTO t (k, id) VALUES"
        " ('extra', 9);",
        schema="mended",
    )
    keys = [d.key for d in compare(sides, "mended", "t").differences]
    assert len(keys) == 3
    for server in (sides.source_server, sides.target_server):
        server.load("DROP DATABASE IF EXISTS livemove")
    root = Login(sides.target_server.address, sides.target_server.port, "root", "root")
    # a follower with full privileges is read_only; what writes there must pass it, as livemove's account does
    with sides.source as source, MariaDb(Side.TARGET, root) as target:
        with pytest.raises(LivemoveError):  # no control row: nobody says that it follows
            recopy(source, target, "mended.t", keys, epoch=1, arrived=lambda _: True, progress=print)
        assert not compare(sides, "mended", "t").equal
        try:
            for db in (source, target):
                install(db, ["nobody"], ["mended"])
            with pytest.raises(LivemoveError):
                recopy(source, target, "mended.t", keys, epoch=1, arrived=lambda _: False, progress=print)
            with raises(RefusedError, "FOLLOW@1"):
                recopy(source, target, "mended.t", keys, epoch=7, arrived=lambda _: True, progress=print)
            assert not compare(sides, "mended", "t").equal
            assert (
                recopy(source, target, "mended.t", keys, epoch=1, arrived=lambda _: True, progress=print) == 3
            )
            assert compare(sides, "mended", "t").equal
        finally:
            for server in (sides.source_server, sides.target_server):
                server.load("DROP DATABASE IF EXISTS livemove; SET GLOBAL read_only = 0;")
