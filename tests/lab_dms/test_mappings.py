"""Limited LOBs, renames, and the times at which CDC begins and ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.cloud.dms.replicator.description import MigrationType, StartType
from lab.cloud.dms.replicator.failure import Failed
from lab.cloud.dms.replicator.lobs import cut_text
from lab.cloud.dms.replicator.selection import Selection
from lab.cloud.dms.replicator.stop_conditions import StopPosition
from tests.lab_dms.conftest import Replication, mappings, settings
from tests.raising import raises


def rename(kind: str, schema: str, value: str, table: str = "%") -> dict[str, Any]:
    where = {"schema-name": schema, **({"table-name": table} if kind == "table" else {})}
    return {
        "rule-type": "transformation",
        "rule-id": "9",
        "rule-name": "9",
        "rule-target": kind,
        "object-locator": where,
        "rule-action": "rename",
        "value": value,
    }


def test_renames_compose_and_other_transformations_are_refused() -> None:
    rules = [
        *mappings("shop")["rules"],
        rename("schema", "shop", "store"),
        rename("table", "shop", "new", "old"),
    ]
    chosen = Selection({"rules": rules})
    assert [chosen.target(k) for k in (("shop", "old"), ("shop", "x"), ("other", "old"))] == [
        ("store", "new"),
        ("store", "x"),
        ("other", "old"),
    ]
    with raises(Failed, "remove-column"):
        Selection({"rules": [*rules, {**rules[-1], "rule-action": "remove-column", "rule-target": "column"}]})
    with pytest.raises(Failed, match="no row filters"):
        Selection({"rules": [{**rules[0], "filters": [{"filter-type": "source"}]}]})


@pytest.mark.parametrize(
    ("text", "charset", "kept"),
    [
        ("한국어", "utf8mb4", "한국"),
        ("abcdefghij", "utf8mb4", "abcdefgh"),
        ("가나다라마", "ucs2", "가나다라"),
    ],
)
def test_a_cut_halves_no_character(text: str, charset: str, kept: str) -> None:
    code = {"utf8mb4": "utf8", "ucs2": "utf-16-be"}[charset]
    assert cut_text(text.encode(code), 8, charset).decode(code) == kept


def test_a_stop_position_says_which_clock() -> None:
    found = StopPosition.of("server_time:2018-02-09T12:12:12")
    assert found
    assert (found.server, datetime.fromtimestamp(found.time, UTC).hour, found.reason) == (
        True,
        12,
        "STOPPED_AT_SERVER_TIME",
    )
    with pytest.raises(Failed, match="neither"):
        StopPosition.of("2018-02-09T12:12:12")


@pytest.mark.servers
def test_limited_lob_mode_cuts_in_load_and_cdc_and_warns(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE a (id INT PRIMARY KEY, t LONGTEXT, b LONGBLOB, v VARCHAR(3000)) CHARACTER SET utf8mb4"
    )
    long = "(%d, REPEAT('한', 2000), REPEAT('x', 3000), REPEAT('v', 3000)), (%d, 'short', NULL, 'v')"
    r.on(r.source, "INSERT INTO a VALUES " + long % (1, 2))
    r.start(
        settings=settings(TargetMetadata={"FullLobMode": False, "LimitedSizeLobMode": True, "LobMaxSize": 1})
    )
    r.following()
    r.on(
        r.source,
        "INSERT INTO a VALUES " + long % (3, 4),
        "UPDATE a SET v = 'w'",
        "DELETE FROM a WHERE id = 2",
    )
    status = r.applied()
    found = r.on(r.target, "SELECT id, LENGTH(t), LENGTH(b), v FROM a ORDER BY 1")
    assert found == ((1, 1023, 1024, "w"), (3, 1023, 1024, "w"), (4, 5, None, "w"))
    assert sum("LobMaxSize" in m for m in status.messages) == 2


@pytest.mark.servers
def test_renamed_tables_are_loaded_followed_validated_and_truncated(replication: Replication) -> None:
    r = replication
    r.on(
        r.source, "CREATE TABLE old (id INT PRIMARY KEY)", "CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM"
    )
    r.on(
        r.target,
        "CREATE TABLE new (id INT PRIMARY KEY)",
        "CREATE TABLE m2 (id INT PRIMARY KEY) ENGINE=MyISAM",
    )
    r.on(r.source, "INSERT INTO old VALUES (1)", "INSERT INTO m VALUES (1)")
    schema = r.schema.replace("_", "[_]")
    rules = [
        *mappings(r.schema)["rules"],
        rename("table", schema, "new", "old"),
        rename("table", schema, "m2", "m"),
    ]
    r.start(mappings={"rules": rules}, settings=settings(ValidationSettings={"EnableValidation": True}))
    r.following()
    r.on(r.source, "INSERT INTO old VALUES (2)", "UPDATE m SET id = 3", "INSERT INTO m VALUES (4)")
    r.applied()
    assert r.on(r.target, "SELECT id FROM new ORDER BY 1") == ((1,), (2,))
    assert r.on(r.target, "SELECT id FROM m2 ORDER BY 1") == ((3,), (4,))
    r.until(lambda s: all(t.validation == "Validated" for t in s.tables), "validated under both names")
    r.on(r.source, "TRUNCATE old", "INSERT INTO old VALUES (9)")
    status = r.applied()
    assert r.on(r.target, "SELECT id FROM new") == ((9,),)
    assert {t.table for t in status.tables} == {"old", "m"}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.servers
def test_cdc_from_one_time_to_another(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY)")
    r.on(r.source, "INSERT INTO a VALUES (1)")
    time.sleep(1.1)
    begin = now()
    r.on(r.source, "INSERT INTO a VALUES (2)")
    end = now()
    time.sleep(1.1)
    r.on(r.source, "INSERT INTO a VALUES (3)")
    r.start(migration_type=MigrationType.CDC, position=begin, until=f"commit_time:{end}")
    assert r.ended().stop_reason == "Stop Reason STOPPED_AT_COMMIT_TIME"
    assert r.on(r.target, "SELECT id FROM a") == ((2,),)
    r.start(StartType.RESUME, until=f"server_time:{now()}")
    assert r.ended().stop_reason == "Stop Reason STOPPED_AT_SERVER_TIME"
    r.start(StartType.RESUME, until=None)
    r.following()
    r.applied()
    assert r.on(r.target, "SELECT id FROM a ORDER BY 1") == ((2,), (3,))


@pytest.mark.servers
def test_a_purged_binlog_fails_the_resume_in_the_servers_words(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY)")
    r.start()
    r.following()
    r.on(r.source, "INSERT INTO a VALUES (1)")
    r.applied()
    r.stop()
    r.on(r.source, "INSERT INTO a VALUES (2)")
    r.purge()
    r.start(StartType.RESUME)
    failure = r.ended().failure
    assert "Error 1236 (Could not find first log file name in binary log index file)" in failure
    assert r.on(r.target, "SELECT id FROM a") == ((1,),)
