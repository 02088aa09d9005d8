"""The replicator between two real servers: exact values, exactly once, and its ends."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import replace

import pymysql
import pytest

from lab.cloud.dms.replicator.description import MigrationType, StartType
from lab.cloud.dms.replicator.status import Phase, TableState
from tests.lab_dms.conftest import Replication, settings

pytestmark = pytest.mark.servers

MEMBERS = [f"'{letter}{n}'" for letter in "abcdefg" for n in range(10)][:64]
"""A SET has at most 64 members."""
TYPES = f"""CREATE TABLE all_types (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, m MEDIUMINT, i INT, iz INT(8) ZEROFILL, b BIGINT,
  bu BIGINT UNSIGNED, bo BOOLEAN, de DECIMAL(65,30), de2 DECIMAL(10,0), fl FLOAT, fl2 FLOAT(7,3),
  dbl DOUBLE, dbl2 DOUBLE(10,4), bit1 BIT(1), bit8 BIT(8), bit64 BIT(64),
  d DATE, dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, ts3 TIMESTAMP(3) NULL,
  ti TIME, ti6 TIME(6), y YEAR,
  c CHAR(20), c300 CHAR(255) CHARACTER SET utf8mb4, vc VARCHAR(30), vcl VARCHAR(5000),
  l1 VARCHAR(40) CHARACTER SET latin1, u2 VARCHAR(40) CHARACTER SET ucs2,
  sj VARCHAR(40) CHARACTER SET sjis, bin BINARY(8), vb VARBINARY(300),
  tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, js JSON,
  en ENUM('', 'a', 'ü', 'c,d') CHARACTER SET latin1, se SET('x','y','z','é') CHARACTER SET latin1,
  big SET({",".join(MEMBERS)}),
  g GEOMETRY, p POINT, u UUID, i4 INET4, i6 INET6, vcc VARCHAR(2000) COMPRESSED, txc TEXT COMPRESSED,
  gv BIGINT AS (i + 1) VIRTUAL, gs BIGINT AS (i * 2) STORED, hidden_one INT INVISIBLE DEFAULT 7,
  `or``der` VARCHAR(10), KEY (gv)
) CHARACTER SET utf8mb4"""

AWKWARD = [
    (
        "(t, tu, s, m, i, iz, b, bu, bo) VALUES (-128, 255, -32768, -8388608, -2147483648, 42,"
        " -9223372036854775808, 18446744073709551615, 1)"
    ),
    (
        "(de, de2, fl, fl2, dbl, dbl2, bit1, bit8, bit64) VALUES"
        " (99999999999999999999999999999999999.999999999999999999999999999999, -1, 0.1, 1234.567,"
        " 1.7976931348623157e308, -1.23456, b'1', b'00001010',"
        " b'1111111111111111111111111111111111111111111111111111111111111111')"
    ),
    (
        "(de, fl, dbl, bit8, bit64) VALUES (-0.000000000000000000000000000001, 16777217,"
        " 4.9406564584124654e-324, b'01011100',"
        " b'0000100100001010010111000000000000000000000000000000000000000000')"
    ),
    "(fl, dbl) VALUES (3.4028234e38, 0.1), (-0e0, -0e0), (1.17549435e-38, 2.2250738585072014e-308)",
    (
        "(d, dt, dt6, ts, ts3, ti, ti6, y) VALUES ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00"
        " 00:00:00.000000', '0000-00-00 00:00:00', '1970-01-01 00:00:01.001', '-838:59:59',"
        " '-00:00:00.000001', 0)"
    ),
    (
        "(d, dt, dt6, ts, ts3, ti, ti6, y) VALUES ('2020-02-31', '9999-12-31 23:59:59', '1000-01-01"
        " 00:00:00.000001', '2038-01-19 03:14:07', NULL, '838:59:59', '838:59:59.999999', 2155)"
    ),
    "(d, y) VALUES ('2024-00-00', 1901)",
    r"(c, vc, tx, vb, bl) VALUES ('tail   ', 'a\tb\nc\\d', 'N', '\\N', 0x00010209090A0A0D5C5C5C4E00FF)",
    "(c, vc, tx, lt, js) VALUES ('', '', '', 'NULL', '{\"a\": [1, null, \"\\\\u00e4\"]}')",
    "(vc, l1, u2, sj, c300) VALUES ('\U0001f600한국어', 'café ÿ', 'ÿ한', 'ソ表十', '한국어\U0001f600')",
    "(bin, vb) VALUES (0x00, 0x5C), (0x20, 0x09), (0x0A, 0x0A)",
    "(en, se, big) VALUES ('', '', 'g3'), ('ü', 'x,é', 'a0,g3'), ('c,d', 'x,y,z,é', 'b0')",
    "(en) VALUES (0), (1), (2)",
    "(g, p) VALUES (ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))', 4326), POINT(9.1, -10.5))",
    (
        "(u, i4, i6) VALUES ('123e4567-e89b-12d3-a456-426655440000', '10.0.9.92', '2001:db8::ff00:42:8329'),"
        " ('09090909-0a0a-0a0a-5c5c-5c5c5c5c5c5c', '9.10.92.0', '::')"
    ),
    "(vcc, txc, vcl) VALUES (REPEAT('z', 1999), REPEAT('한', 9000), REPEAT('\\\\', 4000))",
    "(lb, mb) VALUES (REPEAT(0x00, 300000), REPEAT(0xFF, 70000))",
    "(hidden_one, `or``der`) VALUES (NULL, 'x')",
    "() VALUES ()",
]


def fill(replication: Replication) -> None:
    inserts = [f"INSERT INTO all_types {values}" for values in AWKWARD]
    # id 0 is a value, not a wish for the next number
    zero = "UPDATE all_types SET id = 0 ORDER BY id DESC LIMIT 1"
    replication.on(
        replication.source,
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'",
        *inserts,
        zero,
    )


def test_full_load_carries_every_column_type_byte_exact(replication: Replication) -> None:
    replication.both(TYPES)
    fill(replication)
    replication.start(migration_type=MigrationType.FULL_LOAD)
    status = replication.ended()
    assert (status.failure, status.stop_reason) == ("", "Stop Reason FULL_LOAD_ONLY_FINISHED")
    rows = replication.on(replication.source, "SELECT COUNT(*) FROM all_types")[0][0]
    assert [(t.rows, t.state) for t in status.tables] == [(rows, TableState.COMPLETED)]
    assert_same_bytes(replication)


def test_cdc_carries_every_column_type_byte_exact(replication: Replication) -> None:
    replication.both(TYPES)
    replication.start()
    replication.following()
    fill(replication)
    replication.on(
        replication.source,
        "UPDATE all_types SET vc = CONCAT(COALESCE(vc, ''), '!'), i = COALESCE(i, 0) DIV 2 + 1, ti ="
        " '-00:00:01', fl = fl / 3",
        "DELETE FROM all_types ORDER BY id LIMIT 2",
    )
    status = replication.applied()
    assert_same_bytes(replication)
    rows = replication.on(replication.source, "SELECT COUNT(*) FROM all_types")[0][0]
    (table,) = status.tables
    assert (table.inserts, table.deletes, table.applied_inserts, table.applied_deletes) == (
        rows + 2,
        2,
        rows + 2,
        2,
    )
    assert table.updates == table.applied_updates == 1 + rows + 2


def assert_same_bytes(replication: Replication) -> None:
    """Same rows, compared as the servers store them: row by row, so that a difference shows its column."""
    sql = "SELECT * FROM all_types ORDER BY id"

    def rows(server: object) -> list[tuple[object, ...]]:
        c = server.connect(database=replication.schema, use_unicode=False, conv={})  # type: ignore[attr-defined]
        with c, c.cursor() as cursor:
            cursor.execute("SET SESSION character_set_results = NULL, time_zone = '+00:00'")
            cursor.execute(sql)
            return list(cursor.fetchall())

    ours, theirs = rows(replication.source), rows(replication.target)
    assert ours
    assert ours == theirs
    replication.assert_equal("all_types")


def test_a_trigger_on_the_target_fires_as_under_the_statements_of_dms(replication: Replication) -> None:
    """So a trigger that is forgotten on a follower doubles its effects here as it would on AWS."""
    replication.both("CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE effects (what VARCHAR(20))")
    trigger = (
        "CREATE TRIGGER counts AFTER INSERT ON t FOR EACH ROW INSERT INTO effects VALUES (CONCAT('row ',"
        " NEW.id))"
    )
    replication.both(trigger)
    replication.start()
    replication.following()
    replication.on(replication.source, "INSERT INTO t VALUES (1), (2)")
    replication.applied()
    counts = [
        replication.on(s, "SELECT COUNT(*) FROM effects")[0][0]
        for s in (replication.source, replication.target)
    ]
    assert counts == [2, 4]


def test_a_cascade_is_done_by_the_targets_own_foreign_key(replication: Replication) -> None:
    """The child's rows are not in the binlog; where the key is missing on the target, they stay behind."""
    replication.both(
        "CREATE TABLE parent (id INT PRIMARY KEY)",
        "CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT c FOREIGN KEY (p) REFERENCES parent (id)"
        " ON DELETE CASCADE ON UPDATE CASCADE)",
    )
    replication.start()
    replication.following()
    replication.on(
        replication.source,
        "INSERT INTO parent VALUES (1), (2), (3)",
        "INSERT INTO child VALUES (10, 1), (20, 2), (30, 3)",
        "UPDATE parent SET id = 9 WHERE id = 1",
        "DELETE FROM parent WHERE id = 2",
    )
    replication.applied()
    replication.assert_equal("parent", "child")
    replication.on(replication.target, "ALTER TABLE child DROP FOREIGN KEY c")
    replication.on(replication.source, "DELETE FROM parent WHERE id = 3")
    replication.applied()
    left = [
        replication.on(s, "SELECT id FROM child ORDER BY 1") for s in (replication.source, replication.target)
    ]
    assert left == [((10,),), ((10,), (30,))]


def test_writes_during_the_load_arrive_exactly_once(replication: Replication) -> None:
    replication.both(
        "CREATE TABLE account (id INT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB",
        "CREATE TABLE entry (id INT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, amount INT, FOREIGN KEY"
        " (account) REFERENCES account (id)) ENGINE=InnoDB",
    )
    replication.on(replication.source, "INSERT INTO account SELECT seq, 0 FROM seq_1_to_20000")
    with Writers(replication) as writers:
        replication.start()
        replication.following()
        writers.more(200)
    replication.applied()
    replication.assert_equal("account", "entry")
    assert replication.on(replication.target, "SELECT COUNT(*) FROM entry")[0][0] == writers.count


def test_killed_at_random_moments_it_resumes_exactly_once(replication: Replication) -> None:
    replication.both(
        "CREATE TABLE account (id INT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB",
        "CREATE TABLE entry (id INT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, amount INT)"
        " ENGINE=InnoDB",
        "CREATE TABLE note (id INT PRIMARY KEY, text VARCHAR(50)) ENGINE=MyISAM",
    )
    replication.on(
        replication.source,
        "INSERT INTO account SELECT seq, 0 FROM seq_1_to_20000",
        "INSERT INTO note SELECT seq, '' FROM seq_1_to_50",
    )
    moments = random.Random(7)
    with Writers(replication) as writers:
        replication.start()
        for _ in range(6):
            replication.until(lambda s: s.phase is not Phase.STARTING, "work")
            time.sleep(moments.uniform(0.0, 0.3))
            replication.signal(signal.SIGKILL)
            replication.start(StartType.RESUME)
        replication.following()
        writers.more(50)
    status = replication.applied()
    replication.assert_equal("account", "entry", "note")
    by_name = {t.table: t for t in status.tables}
    assert replication.on(replication.target, "SELECT COUNT(*) FROM entry")[0][0] == writers.count
    entry = by_name["entry"]
    # what was written between the begin of the load and its reading is loaded and captured as well
    assert entry.rows + entry.applied_inserts >= writers.count
    assert entry.inserts == entry.applied_inserts


def test_killed_between_rows_and_checkpoint_it_leaves_neither(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    r.start(migration_type=MigrationType.CDC)
    r.following()
    r.on(r.source, "INSERT INTO a VALUES (1)")
    r.applied()
    with r.target.connect() as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT 1 FROM awsdms_control.livemove_lab_checkpoint WHERE task = %s FOR UPDATE",
            (r.description.task,),
        )
        r.on(r.source, "INSERT INTO a VALUES (2)")
        waiting = (
            "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'applier' AND info LIKE 'INSERT"
            " INTO awsdms%'"
        )
        r.until(lambda _: r.on(r.target, waiting)[0][0] == 1, "a replicator that waits for its checkpoint")
        r.signal(signal.SIGKILL)
        cursor.execute("ROLLBACK")
    assert r.on(r.target, "SELECT id FROM a") == ((1,),)
    r.start(StartType.RESUME)
    r.following()
    status = r.applied()
    r.assert_equal("a")
    assert status.tables[0].applied_inserts == 2


def test_stopped_in_the_middle_of_a_load_it_leaves_nothing_and_loads_again(replication: Replication) -> None:
    r = replication
    # more than the pipe between the two sides takes
    r.both(f"CREATE TABLE a (id INT PRIMARY KEY, b CHAR(100) DEFAULT '{'x' * 100}') ENGINE=InnoDB")
    r.on(r.source, "INSERT INTO a (id) SELECT seq FROM seq_1_to_150000")
    with r.target.connect(database=r.schema) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLES a WRITE")
        r.start()
        r.until(lambda s: any(t.rows for t in s.tables), "rows on their way")
        r.signal(signal.SIGTERM)
        r.until(lambda s: any("order to stop" in m for m in s.messages), "the order heard")
        cursor.execute("UNLOCK TABLES")
        status = r.ended()
    assert (status.stop_reason, status.tables[0].state) == ("Stop Reason NORMAL", TableState.CANCELLED)
    assert 0 < status.tables[0].rows < 150000
    assert r.on(r.target, "SELECT COUNT(*) FROM a")[0][0] == 0
    r.start(StartType.RESUME)
    r.following()
    r.assert_equal("a")


class Writers:
    """Transactions on the source, as fast as they go, until the block ends."""

    def __init__(self, replication: Replication) -> None:
        self.replication, self.count, self.end = replication, 0, threading.Event()
        self.thread = threading.Thread(target=self.write)
        self.myisam = bool(replication.on(replication.source, "SHOW TABLES LIKE 'note'"))

    def __enter__(self) -> Writers:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        self.thread.join()

    def more(self, n: int) -> None:
        wanted = self.count + n
        while self.count < wanted:
            assert self.thread.is_alive()
            time.sleep(0.01)

    def write(self) -> None:
        choose = random.Random(3)
        r = self.replication
        with r.source.connect(database=r.schema) as c, c.cursor() as cursor:
            while not self.end.is_set():
                account, amount = choose.randint(1, 20000), choose.randint(-9, 9)
                cursor.execute("BEGIN")
                cursor.execute("INSERT INTO entry (account, amount) VALUES (%s, %s)", (account, amount))
                cursor.execute("UPDATE account SET amount = amount + %s WHERE id = %s", (amount, account))
                cursor.execute("COMMIT")
                self.count += 1
                if self.myisam:
                    n = choose.randint(1, 60)
                    cursor.execute("DELETE FROM note WHERE id = %s", (n,))
                    cursor.execute("INSERT INTO note VALUES (%s, %s)", (n, str(self.count)))
                    (
                        cursor.execute("UPDATE note SET text = CONCAT(text, '.') WHERE id > %s", (n,))
                        if n > 55
                        else None
                    )


def write_while_it_is_loaded(r: Replication, *statements: str) -> None:
    """The load has noted from where the table is captured and waits to read it: this is loaded and cached."""
    waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
    with r.source.connect(database=r.schema) as writer, writer.cursor() as cursor:
        cursor.execute("LOCK TABLES a WRITE")
        r.start()
        r.until(lambda _: r.on(r.source, waiting)[0][0] >= 1, "a load that waits for the table")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("UNLOCK TABLES")


LOADED_AND_CACHED = (
    "INSERT INTO a VALUES (101, 0)",
    "UPDATE a SET n = 5 WHERE id = 7",
    "DELETE FROM a WHERE id = 8",
    "UPDATE a SET n = 6 WHERE id = 101",
)


def test_a_row_that_was_loaded_and_cached_is_no_conflict_by_default(replication: Replication) -> None:
    """Each table is captured from its own load's begin: what is written before it is read arrives twice."""
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB")
    r.on(r.source, "INSERT INTO a SELECT seq, 0 FROM seq_1_to_100")
    write_while_it_is_loaded(r, *LOADED_AND_CACHED)
    r.following()
    status = r.applied()
    r.assert_equal("a")
    (table,) = status.tables
    assert (table.rows, table.inserts, table.updates, table.deletes) == (100, 1, 2, 1)
    r.on(r.target, "INSERT INTO a VALUES (500, 0)")
    r.on(r.source, "INSERT INTO a VALUES (500, 0)")
    assert "1062" in r.ended().failure, "only cached changes may meet rows that are there"


def test_conflicts_of_cached_changes_end_a_task_that_does_not_ignore_them(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL) ENGINE=InnoDB")
    r.description = replace(
        r.description, settings=settings(ErrorBehavior={"FullLoadIgnoreConflicts": False})
    )
    write_while_it_is_loaded(r, "INSERT INTO a VALUES (1, 1)")
    assert "Duplicate entry '1' for key 'PRIMARY'" in r.ended().failure


def test_tables_are_loaded_at_moments_of_their_own(replication: Replication) -> None:
    r = replication
    r.both(*(f"CREATE TABLE {t} (id INT PRIMARY KEY, n INT) ENGINE=InnoDB" for t in ("a", "b")))
    one = {"StopTaskCachedChangesNotApplied": True, "MaxFullLoadSubTasks": 1}
    r.start(settings=settings(FullLoadSettings=one))
    r.ended()
    moments = {t.table: (t.loaded_file, t.loaded_at, t.load_started) for t in r.status().tables}
    assert moments["a"] != moments["b"]


def test_both_stops_of_a_load(replication: Replication) -> None:
    """Indexes are made at the first, foreign keys at the second; after that it stops no more."""
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    r.on(r.source, "INSERT INTO a SELECT seq FROM seq_1_to_100")
    both = {"StopTaskCachedChangesNotApplied": True, "StopTaskCachedChangesApplied": True}
    r.start(settings=settings(FullLoadSettings=both))
    assert r.ended().stop_reason == "Stop Reason STOPPED_AFTER_FULL_LOAD"
    r.on(r.source, "INSERT INTO a VALUES (101)")
    r.start(StartType.RESUME)
    assert r.ended().stop_reason == "Stop Reason STOPPED_AFTER_CACHED_EVENTS"
    r.assert_equal("a")
    r.start(StartType.RESUME)
    r.following()
    r.on(r.source, "INSERT INTO a VALUES (102)")
    r.applied()
    r.assert_equal("a")
    assert r.stop().stop_reason == "Stop Reason NORMAL"


def test_killed_before_the_second_stop_it_still_stops_there(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
    both = {"StopTaskCachedChangesNotApplied": True, "StopTaskCachedChangesApplied": True}
    r.start(settings=settings(FullLoadSettings=both))
    r.ended()
    r.on(r.source, *(f"INSERT INTO a VALUES ({n}, 0)" for n in range(300)))
    waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
    with r.target.connect(database=r.schema) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLES a WRITE")
        r.start(StartType.RESUME)
        r.until(lambda _: r.on(r.target, waiting)[0][0] >= 1, "a replicator that waits for the table")
        r.signal(signal.SIGKILL)
    r.start(StartType.RESUME)
    assert r.ended().stop_reason == "Stop Reason STOPPED_AFTER_CACHED_EVENTS"
    r.assert_equal("a")


def test_stop_before_cached_changes_then_resume(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    replication.on(replication.source, "INSERT INTO a SELECT seq FROM seq_1_to_100")
    replication.start(settings=settings(FullLoadSettings={"StopTaskCachedChangesNotApplied": True}))
    assert replication.ended().stop_reason == "Stop Reason STOPPED_AFTER_FULL_LOAD"
    replication.on(replication.source, "INSERT INTO a VALUES (101)")
    assert replication.on(replication.target, "SELECT COUNT(*) FROM a")[0][0] == 100
    replication.start(StartType.RESUME)
    replication.following()
    replication.applied()
    replication.assert_equal("a")
    assert replication.stop().stop_reason == "Stop Reason NORMAL"


def test_cdc_from_a_position_takes_only_what_follows(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    replication.on(replication.source, "INSERT INTO a VALUES (1)")
    file, offset = replication.on(replication.source, "SHOW MASTER STATUS")[0][:2]
    replication.on(replication.source, "INSERT INTO a VALUES (2)")
    replication.start(migration_type=MigrationType.CDC, position=f"{file}:{offset}")
    replication.following()
    replication.applied()
    assert replication.on(replication.target, "SELECT id FROM a") == ((2,),)


def test_an_unknown_position_fails_and_says_which_binlogs_there_are(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    replication.start(migration_type=MigrationType.CDC, position="mysql-bin.999999:4")
    failure = replication.ended().failure
    assert "mysql-bin.999999:4" in failure
    assert replication.source.query("SHOW BINARY LOGS")[-1][0] in failure


def test_a_locked_and_killed_account_ends_the_task_without_another_write(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    r.start()
    r.following()
    r.on(r.source, "INSERT INTO a VALUES (1)")
    r.applied()
    r.on(r.target, "ALTER USER applier@'127.%' ACCOUNT LOCK")
    try:
        for (connection,) in r.on(
            r.target, "SELECT id FROM information_schema.processlist WHERE user = 'applier'"
        ):
            r.on(r.target, f"KILL {connection}")
        r.on(r.source, "INSERT INTO a VALUES (2)")
        status = r.ended()
    finally:
        r.on(r.target, "ALTER USER applier@'127.%' ACCOUNT UNLOCK")
    assert "4151" in status.failure
    assert "locked" in status.failure
    assert status.stop_reason == "Stop Reason FATAL_ERROR"
    assert r.on(r.target, "SELECT id FROM a") == ((1,),)
    r.start(StartType.RESUME)
    r.following()
    r.applied()
    r.assert_equal("a")


def test_a_row_that_is_there_already_fails_in_the_servers_words(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    replication.start()
    replication.following()
    replication.on(replication.target, "INSERT INTO a VALUES (5)")
    replication.on(replication.source, "INSERT INTO a VALUES (5)")
    failure = replication.ended().failure
    assert "1062" in failure
    assert "Duplicate entry '5' for key 'PRIMARY'" in failure


def test_a_full_load_into_rows_that_are_there_fails_instead_of_skipping(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB", "INSERT INTO a VALUES (5)")
    replication.start()
    status = replication.ended()
    assert "1062" in status.failure
    assert [(t.state, t.error_rows) for t in status.tables] == [(TableState.ERROR, 1)]
    replication.start(StartType.RELOAD)
    replication.following()
    replication.assert_equal("a")


def test_statements_in_the_binlog_fail_and_are_quoted(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    replication.start()
    replication.following()
    replication.on(replication.source, "SET SESSION binlog_format = STATEMENT", "INSERT INTO a VALUES (9)")
    failure = replication.ended().failure
    assert "INSERT INTO a VALUES (9)" in failure
    assert "ROW" in failure


def test_only_selected_tables_arrive(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE yes_one (id INT PRIMARY KEY)",
        "CREATE TABLE yesXone (id INT PRIMARY KEY)",
        "CREATE TABLE no_two (id INT PRIMARY KEY)",
        "CREATE TABLE yes_three (id INT PRIMARY KEY, n INT)",
    )
    rules = [
        {
            "rule-type": "selection",
            "rule-id": "1",
            "rule-name": "1",
            "rule-action": "include",
            "object-locator": {"schema-name": r.schema.replace("_", "[_]"), "table-name": "%[_]%"},
        },
        {
            "rule-type": "selection",
            "rule-id": "2",
            "rule-name": "2",
            "rule-action": "exclude",
            "object-locator": {"schema-name": "%", "table-name": "no%"},
        },
    ]
    r.on(
        r.source,
        "INSERT INTO yes_one VALUES (1)",
        "INSERT INTO yesXone VALUES (1)",
        "INSERT INTO no_two VALUES (1)",
    )
    r.start(mappings={"rules": rules})
    r.following()
    # one statement over a selected and an unselected table, and then others
    r.on(
        r.source,
        "BEGIN",
        "UPDATE yes_one, no_two SET yes_one.id = 2, no_two.id = 2",
        "INSERT INTO yes_three VALUES (1, 1)",
        "COMMIT",
    )
    status = r.applied()
    assert [t.table for t in status.tables] == ["yes_one", "yes_three"]
    r.assert_equal("yes_one", "yes_three")
    assert r.on(r.target, "SELECT id FROM yes_one") == ((2,),)
    assert r.on(r.target, "SELECT id FROM yesXone UNION ALL SELECT id FROM no_two") == ()


def test_foreign_keys_cascade_on_the_target(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=InnoDB",
        "CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON"
        " DELETE CASCADE) ENGINE=InnoDB",
    )
    r.on(r.source, "INSERT INTO parent VALUES (1), (2)", "INSERT INTO child VALUES (10, 1), (20, 2)")
    r.start()
    r.following()
    r.on(r.source, "DELETE FROM parent WHERE id = 1")
    r.applied()
    r.assert_equal("parent", "child")
    assert r.on(r.target, "SELECT id FROM child") == ((20,),)


def test_ddl_is_told_and_truncate_is_carried_out(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    r.on(r.source, "INSERT INTO a VALUES (1)")
    r.start()
    r.following()
    r.on(r.source, "ALTER TABLE a COMMENT = 'changed'", "TRUNCATE a", "INSERT INTO a VALUES (2)")
    status = r.applied()
    assert r.on(r.target, "SELECT id FROM a") == ((2,),)
    assert any("changed" in m for m in status.messages)
    assert status.tables[0].ddls == 2


def test_servers_that_restart_are_found_again(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB")
    r.start()
    r.following()
    for n, server in enumerate((r.source, r.target)):
        server.stop()
        server.start()
        r.on(r.source, f"INSERT INTO a VALUES ({n})")
        r.applied()
    r.assert_equal("a")
    assert r.stop().failure == ""


def test_a_statement_of_many_megabytes_is_applied_in_pieces(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY, b VARCHAR(8000)) ENGINE=InnoDB CHARACTER SET latin1")
    r.start()
    r.following()
    r.on(r.source, "INSERT INTO a SELECT seq, REPEAT('x', 8000) FROM seq_1_to_1500")
    status = r.applied()
    r.assert_equal("a")
    assert status.tables[0].applied_inserts == 1500


def test_it_writes_to_a_follower_that_is_read_only(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB",
        "CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM",
    )
    r.on(r.target, "GRANT READ_ONLY ADMIN ON *.* TO applier@'127.%'", "SET GLOBAL read_only = 1")
    try:
        r.start(migration_type=MigrationType.CDC)
        r.following()
        r.on(r.source, "INSERT INTO a VALUES (1)", "INSERT INTO m VALUES (1)", "UPDATE m SET id = 2")
        r.applied()
    finally:
        r.on(r.target, "SET GLOBAL read_only = 0", "REVOKE READ_ONLY ADMIN ON *.* FROM applier@'127.%'")
    r.assert_equal("a", "m")


def test_what_was_undone_to_a_savepoint_does_not_arrive(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB",
        "CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM",
    )
    r.start(migration_type=MigrationType.CDC)
    r.following()
    file, offset = r.on(r.source, "SHOW MASTER STATUS")[0][:2]
    # only a table without transactions makes the server log what was undone
    r.on(
        r.source,
        "BEGIN",
        "INSERT INTO a VALUES (1)",
        "INSERT INTO m VALUES (1)",
        "SAVEPOINT `one`",
        "INSERT INTO a VALUES (2), (3)",
        "ROLLBACK TO `one`",
        "INSERT INTO a VALUES (4)",
        "COMMIT",
        "BEGIN",
        "INSERT INTO m VALUES (2)",
        "INSERT INTO a VALUES (5)",
        "ROLLBACK",
    )
    logged = str(r.on(r.source, f"SHOW BINLOG EVENTS IN '{file}' FROM {offset}"))
    status = r.applied()
    assert "ROLLBACK TO `one`" in logged
    assert r.on(r.target, "SELECT id FROM a") == ((1,), (4,))
    r.assert_equal("a", "m")
    assert {t.table: t.applied_inserts for t in status.tables} == {"a": 2, "m": 2}


def test_a_watermark_arrives_at_once_when_idle(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT) ENGINE=InnoDB", "INSERT INTO a VALUES (1, 0)")
    r.start(migration_type=MigrationType.CDC)
    r.following()
    trips = []
    with r.source.connect(database=r.schema) as s, r.target.connect(database=r.schema) as t:
        for n in range(1, 21):
            began = time.monotonic()
            s.query(f"UPDATE a SET n = {n}")
            cursor = t.cursor()
            while cursor.execute("SELECT 1 FROM a WHERE n = %s", (n,)) == 0:
                assert time.monotonic() - began < 10
            trips.append(time.monotonic() - began)
    print(f"watermark round trips: best {min(trips) * 1000:.1f} ms, median {sorted(trips)[10] * 1000:.1f} ms")


def test_passwords_are_in_no_readable_file_and_in_no_log(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    replication.start()
    replication.following()
    replication.stop()
    assert (replication.folder / "task.json").stat().st_mode & 0o777 == 0o600
    for name in ("log", "status.json"):
        assert "secret-" not in (replication.folder / name).read_text()


def test_mismatching_columns_are_refused_before_anything_is_written(replication: Replication) -> None:
    r = replication
    r.on(r.source, "CREATE TABLE a (id INT PRIMARY KEY, x INT, y INT)")
    r.on(r.target, "CREATE TABLE a (id INT PRIMARY KEY, y INT, x INT)")
    r.start()
    assert "(id, x, y) on the source and (id, y, x) on the target" in r.ended().failure


def test_wrong_password_fails_at_once(replication: Replication) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    wrong = replication.description.target.__class__(replication.target.address, 3306, "applier", "wrong")
    replication.start(target=wrong)
    status = replication.ended()
    assert status.phase is Phase.ENDED
    assert "1045" in status.failure
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(host=replication.target.address, user="applier", password="wrong")


def test_writes_across_both_stops_arrive_exactly_once(replication: Replication) -> None:
    """Indexes and foreign keys are made at the stops while users write."""
    r = replication
    r.both(
        "CREATE TABLE account (id INT PRIMARY KEY, amount INT NOT NULL) ENGINE=InnoDB",
        "CREATE TABLE entry (id INT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, amount INT)"
        " ENGINE=InnoDB",
    )
    r.on(r.source, "INSERT INTO account SELECT seq, 0 FROM seq_1_to_20000")
    both = {"StopTaskCachedChangesNotApplied": True, "StopTaskCachedChangesApplied": True}
    validated = {"EnableValidation": True}
    with Writers(r) as writers:
        r.start(settings=settings(FullLoadSettings=both, ValidationSettings=validated))
        assert r.ended().stop_reason == "Stop Reason STOPPED_AFTER_FULL_LOAD"
        writers.more(100)
        r.start(StartType.RESUME)
        assert r.ended().stop_reason == "Stop Reason STOPPED_AFTER_CACHED_EVENTS"
        writers.more(100)
        r.start(StartType.RESUME)
        r.following()
        writers.more(100)
    r.applied()
    r.assert_equal("account", "entry")
    r.until(lambda s: all(t.validation == "Validated" for t in s.tables), "every table validated", 60)


def test_a_worker_reads_each_of_its_tables_as_it_is_then(replication: Replication) -> None:
    """One worker, two tables: the second is read later than the first, and captured from later on."""
    r = replication
    r.both(*(f"CREATE TABLE {t} (id INT PRIMARY KEY) ENGINE=InnoDB" for t in ("a", "b")))
    r.on(r.source, "INSERT INTO a SELECT seq FROM seq_1_to_1000", "ANALYZE TABLE a, b")
    one = {"MaxFullLoadSubTasks": 1}
    waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE '%metadata lock%'"
    with r.target.connect(database=r.schema) as holder, holder.cursor() as cursor:
        # the first table has been read, and cannot be written yet
        cursor.execute("LOCK TABLES a WRITE")
        r.start(settings=settings(FullLoadSettings=one))
        r.until(lambda _: r.on(r.target, waiting)[0][0] >= 1, "a load that waits for the table")
        time.sleep(0.5)
        r.on(r.source, "INSERT INTO b VALUES (1), (2)")
        cursor.execute("UNLOCK TABLES")
    r.following()
    r.applied()
    r.assert_equal("a", "b")
