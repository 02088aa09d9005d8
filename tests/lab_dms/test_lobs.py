"""LOBs in two statements, as AWS's pages say: what that does to NOT NULL, ON UPDATE and lone changes."""

from __future__ import annotations

import pytest

from lab.cloud.dms.replicator.description import StartType
from lab.cloud.dms.replicator.status import TableState
from tests.lab_dms.conftest import Replication, settings

pytestmark = pytest.mark.servers
OPTIONS = (
    "CREATE TABLE options (id INT PRIMARY KEY, name VARCHAR(20), value LONGTEXT{null}, seen TIMESTAMP(6) NOT"
    " NULL DEFAULT '2020-01-01'{update}) ENGINE=InnoDB"
)
NULLABLE = OPTIONS.format(null="", update="")


def both(r: Replication) -> tuple[object, object]:
    query = "SELECT id, name, value, seen FROM options ORDER BY id"
    return r.on(r.source, query), r.on(r.target, query)


@pytest.mark.parametrize(
    "mode",
    [{}, {"FullLobMode": False, "LimitedSizeLobMode": True, "LobMaxSize": 32}],
    ids=["full", "limited"],
)
def test_a_lob_that_may_not_be_null_ends_cdc_in_every_mode(
    replication: Replication, mode: dict[str, object]
) -> None:
    r = replication
    r.both(OPTIONS.format(null=" NOT NULL", update=""))
    r.start(settings=settings(TargetMetadata=mode))
    r.following()
    r.on(r.source, "INSERT INTO options (id, name, value) VALUES (1, 'home', 'x')")
    failure = r.ended().failure
    assert "NativeError: 1048 Message: Column 'value' cannot be null" in failure


def test_a_row_arrives_with_its_lob_in_a_second_statement(replication: Replication) -> None:
    r = replication
    r.both(NULLABLE)
    r.on(r.target, "CREATE TABLE statements (what TEXT)")
    for when in ("INSERT", "UPDATE"):
        r.on(
            r.target,
            f"CREATE TRIGGER on_{when} AFTER {when} ON options FOR EACH ROW INSERT INTO statements VALUES"
            f" (CONCAT('{when} ', COALESCE(NEW.value, 'NULL')))",
        )
    r.start()
    r.following()
    r.on(
        r.source,
        "INSERT INTO options (id, name, value) VALUES (1, 'a', 'one'), (2, 'b', NULL)",
        "UPDATE options SET name = 'c', value = 'two' WHERE id = 1",
        "UPDATE options SET id = 3, name = 'd' WHERE id = 2",
        "DELETE FROM options WHERE id = 1",
    )
    r.applied()
    here, there = both(r)
    assert here == there
    said = [row[0] for row in r.on(r.target, "SELECT what FROM statements")]
    assert said == ["INSERT NULL", "INSERT NULL", "UPDATE one", "UPDATE one", "UPDATE two", "UPDATE NULL"]


def test_the_second_statement_fires_on_update(replication: Replication) -> None:
    r = replication
    r.both(OPTIONS.format(null="", update=" ON UPDATE CURRENT_TIMESTAMP(6)"))
    r.start()
    r.following()
    r.on(r.source, "INSERT INTO options VALUES (1, 'a', 'one', '2021-01-01'), (2, 'b', NULL, '2021-01-01')")
    r.applied()
    (first, second), (there, same) = both(r)  # type: ignore[misc, has-type]
    assert (second, first[:3]) == (same, there[:3])
    assert there[3] > first[3], "the second statement wrote the time"


def test_a_change_of_nothing_but_a_lob_does_not_arrive(replication: Replication) -> None:
    r = replication
    r.both(NULLABLE)
    r.start()
    r.following()
    r.on(
        r.source,
        "INSERT INTO options (id, name, value) VALUES (1, 'a', 'old'), (2, 'b', 'old'), (3, 'c', 'old')",
        "UPDATE options SET value = 'new' WHERE id = 1",
        "START TRANSACTION",
        "UPDATE options SET name = 'B' WHERE id = 2",
        "UPDATE options SET value = 'new' WHERE id = 2",
        "COMMIT",
        "UPDATE options SET value = 'new', name = 'C' WHERE id = 3",
    )
    r.applied()
    assert [row[2] for row in r.on(r.target, "SELECT * FROM options ORDER BY id")] == ["old", "new", "new"]


def test_the_types_that_are_lobs(replication: Replication) -> None:
    """MEDIUM and LONG, JSON, geometry; TEXT and BLOB travel with their row."""
    r = replication
    columns = {"a": "TEXT", "b": "BLOB", "c": "MEDIUMTEXT", "d": "LONGBLOB", "e": "JSON", "f": "POINT"}
    r.both(
        "CREATE TABLE t (id INT PRIMARY KEY, "
        + ", ".join(f"{n} {kind} NULL" for n, kind in columns.items())
        + ")"
    )
    r.on(r.source, "INSERT INTO t (id) SELECT seq FROM seq_1_to_6")
    r.start()
    r.following()
    r.on(
        r.source,
        *(
            f"UPDATE t SET {n} = {value} WHERE id = {at}"
            for at, (n, value) in enumerate(
                {"a": "'x'", "b": "'x'", "c": "'x'", "d": "'x'", "e": "'1'", "f": "POINT(1, 2)"}.items(), 1
            )
        ),
    )
    r.applied()
    (arrived,) = r.on(r.target, "SELECT COUNT(a), COUNT(b), COUNT(c), COUNT(d), COUNT(e), COUNT(f) FROM t")
    assert arrived == (1, 1, 0, 0, 0, 0)


@pytest.mark.parametrize(("null", "there"), [("", 3), (" NOT NULL", None)])
def test_a_full_load_looks_up_lobs_above_the_inline_size(
    replication: Replication, null: str, there: int | None
) -> None:
    r = replication
    r.both(OPTIONS.format(null=null, update=""))
    long = "REPEAT('\\'한\\n', 12000)"
    r.on(
        r.source,
        f"INSERT INTO options (id, name, value) VALUES (1, 'a', 'x'), (2, NULL, {long}), (3, 'c', 'y')",
    )
    r.start(settings=settings(TargetMetadata={"InlineLobMaxSize": 32}))
    if there is None:
        status = r.ended()
        assert "1048" in status.failure
        assert status.tables[0].state is TableState.ERROR
        r.on(r.target, "ALTER TABLE options MODIFY value LONGTEXT NULL")
        r.start(StartType.RELOAD)
    r.following()
    here, loaded = both(r)
    assert here == loaded


def test_a_backlog_of_lobs_is_worked_off_at_an_even_pace(replication: Replication) -> None:
    """Scratch rows of an open transaction must not slow down those that follow."""
    r = replication
    r.both(OPTIONS.format(null="", update=""))
    r.start()
    r.following()
    with r.source.connect(database=r.schema) as c, c.cursor() as cursor:
        for n in range(3000):
            cursor.execute("INSERT INTO options (id, name, value) VALUES (%s, 'n', 'v')", (n,))
    r.applied(60)
    r.assert_equal("options")
