"""What each error policy does with a change that the target refuses, and the control tables about it."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from lab.cloud.dms.replicator.description import MigrationType, StartType
from lab.cloud.dms.replicator.failure import Failed
from lab.cloud.dms.replicator.policies import Policies, Policy
from lab.cloud.dms.replicator.status import TableState
from livemove.comparison.binlog_layout import DELETES, INSERTS, UPDATES
from tests.lab_dms.conftest import Replication, settings
from tests.raising import raises

INSERT, UPDATE, DELETE = min(INSERTS), min(UPDATES), min(DELETES)


def test_the_defaults_are_those_of_dms() -> None:
    policies = Policies({})
    assert [policies.of_row(1062, kind) for kind in (INSERT, UPDATE, DELETE)] == [
        Policy.LOG,
        Policy.LOG,
        Policy.IGNORE,
    ]
    assert policies.of_row(1146, INSERT) is policies.of_table() is Policy.SUSPEND


def test_only_rows_and_tables_are_a_matter_of_policy() -> None:
    assert Policies.concerns(1062)
    assert not any(Policies.concerns(n) for n in (1021, 1114, 1290, 1045, 4151))


def test_a_policy_that_the_lab_cannot_keep_is_refused() -> None:
    with raises(Failed, "ApplyErrorInsertPolicy", "UPDATE_RECORD"):
        Policies({"ErrorBehavior": {"ApplyErrorInsertPolicy": "UPDATE_RECORD"}})


def errors(**given: str) -> dict[str, Any]:
    return settings(ErrorBehavior=given)


def begin(r: Replication, **given: Any) -> None:
    """Two tables, followed; the target already has row 5 of one of them."""
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT)", "CREATE TABLE b (id INT PRIMARY KEY, n INT)")
    r.start(**given)
    r.following()
    r.on(r.target, "INSERT INTO a VALUES (5, 55)")


def conflict(r: Replication) -> None:
    """One transaction over both tables, the middle row of which the target refuses; then another."""
    r.on(
        r.source,
        "BEGIN",
        "INSERT INTO a VALUES (4, 0), (5, 0), (6, 0)",
        "INSERT INTO b VALUES (1, 1)",
        "COMMIT",
    )
    r.on(r.source, "INSERT INTO b VALUES (2, 2)", "INSERT INTO a VALUES (7, 0)")


def rows(r: Replication, table: str) -> list[int]:
    return [row[0] for row in r.on(r.target, f"SELECT id FROM {table} ORDER BY 1")]


def control(r: Replication, table: str) -> Any:
    return r.on(r.target, f"SELECT * FROM awsdms_control.{table} WHERE task_name = 'task-{r.schema}'")


@pytest.mark.servers
def test_log_error_leaves_out_the_one_row_and_says_so(replication: Replication) -> None:
    r = replication
    begin(r, settings=errors(ApplyErrorInsertPolicy="LOG_ERROR"))
    conflict(r)
    status = r.applied()
    assert (rows(r, "a"), rows(r, "b")) == ([4, 5, 6, 7], [1, 2])
    assert r.on(r.target, "SELECT n FROM a WHERE id = 5") == ((55,),)
    (found,) = control(r, "awsdms_apply_exceptions")
    assert found[1:3] == (r.schema, "a")
    assert "INSERT INTO" in found[4]
    assert "Duplicate entry '5' for key 'PRIMARY'" in found[5]
    a = next(t for t in status.tables if t.table == "a")
    assert (a.inserts, a.applied_inserts, a.state) == (4, 3, TableState.COMPLETED)
    # what was left out stays left out after a restart, and is not counted twice
    r.stop()
    r.start(StartType.RESUME)
    r.following()
    r.on(r.source, "INSERT INTO a VALUES (8, 0)")
    a = next(t for t in r.applied().tables if t.table == "a")
    assert (a.inserts, a.applied_inserts) == (5, 4)


@pytest.mark.servers
def test_suspend_table_goes_on_without_it_until_it_is_loaded_again(replication: Replication) -> None:
    r = replication
    begin(r, settings=errors(ApplyErrorInsertPolicy="SUSPEND_TABLE"))
    conflict(r)
    status = r.applied()
    assert (rows(r, "a"), rows(r, "b")) == ([5], [1, 2])
    states = {t.table: t.state for t in status.tables}
    assert states == {"a": TableState.ERROR, "b": TableState.COMPLETED}
    assert "1062" in next(t.why for t in status.tables if t.table == "a")
    assert [row[2:4] for row in control(r, "awsdms_suspended_tables")] == [(r.schema, "a")]
    r.stop()
    r.start(StartType.RESUME)
    r.following()
    r.on(r.source, "UPDATE a SET n = 9", "DELETE FROM b WHERE id = 1")
    status = r.applied()
    assert (rows(r, "a"), rows(r, "b")) == ([5], [2])
    (r.folder / "reload.json").write_text(f'[["{r.schema}", "a"]]')
    r.signal(10)
    r.until(lambda s: all(t.state is TableState.COMPLETED for t in s.tables), "the table is back")
    r.following()
    r.on(r.source, "UPDATE a SET n = n + 1")
    r.applied()
    r.assert_equal("a", "b")
    assert control(r, "awsdms_suspended_tables") == ()


@pytest.mark.servers
def test_stop_task_stops_before_the_transaction_and_goes_on_when_mended(replication: Replication) -> None:
    r = replication
    begin(r)
    conflict(r)
    status = r.ended()
    assert f"Failed to apply a change to table {r.schema}.a" in status.failure
    assert "Duplicate entry '5' for key 'PRIMARY'" in status.failure
    assert {t.table: t.state for t in status.tables}["a"] is TableState.ERROR
    assert (rows(r, "a"), rows(r, "b")) == ([5], [])
    assert len(control(r, "awsdms_apply_exceptions")) == 1
    assert control(r, "awsdms_status")[0][2] == "NOT RUNNING"
    r.on(r.target, "DELETE FROM a")
    r.start(StartType.RESUME)
    r.following()
    r.applied()
    r.assert_equal("a", "b")


@pytest.mark.servers
def test_a_deleted_row_that_is_not_there_is_ignored_by_default(replication: Replication) -> None:
    r = replication
    begin(r, settings={})
    r.on(r.source, "INSERT INTO b VALUES (1, 1), (2, 2)")
    r.applied()
    r.on(r.target, "DELETE FROM b WHERE id = 1")
    r.on(r.source, "DELETE FROM b")
    r.applied()
    assert rows(r, "b") == []
    assert control(r, "awsdms_apply_exceptions") == ()


@pytest.mark.servers
def test_a_table_that_cannot_be_loaded_is_suspended_and_the_others_go_on(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE a (id INT PRIMARY KEY)",
        "CREATE TABLE b (id INT PRIMARY KEY)",
        "INSERT INTO b VALUES (1)",
    )
    r.on(r.source, "INSERT INTO a VALUES (1)")
    r.start(settings=errors(TableErrorPolicy="SUSPEND_TABLE"))
    r.following()
    r.on(r.source, "INSERT INTO a VALUES (2)", "INSERT INTO b VALUES (2)")
    status = r.applied()
    assert {t.table: t.state for t in status.tables} == {"a": TableState.COMPLETED, "b": TableState.ERROR}
    assert (rows(r, "a"), rows(r, "b")) == ([1, 2], [1])


@pytest.mark.servers
def test_batched_apply_commits_table_by_table_and_exactly_once(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE child (id INT PRIMARY KEY, parent INT, n INT DEFAULT 0)",
        "CREATE TABLE parent (id INT PRIMARY KEY)",
    )
    batched = settings(TargetMetadata={"BatchApplyEnabled": True})
    r.start(migration_type=MigrationType.CDC, settings=batched)
    r.following()
    file, offset = r.on(r.target, "SHOW MASTER STATUS")[0][:2]
    for n in range(20):
        r.on(
            r.source, f"INSERT INTO parent VALUES ({n})", f"INSERT INTO child (id, parent) VALUES ({n}, {n})"
        )
    r.on(r.source, "UPDATE child SET n = n + 1")
    r.applied()
    logged = [
        e[5] for e in r.on(r.target, f"SHOW BINLOG EVENTS IN '{file}' FROM {offset}") if e[2] == "Table_map"
    ]
    order = [name for event in logged for name in ("child", "parent") if f".{name})" in event]
    # the source wrote parent first, forty times in turn
    assert order[0] == "child"
    assert len(list(itertools.groupby(order))) < 12
    r.assert_equal("child", "parent")
    # killed between the tables of a batch, the one that is committed is not applied again
    with r.target.connect(database=r.schema) as holder, holder.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO parent VALUES (100)")
        r.on(r.source, "UPDATE child SET n = n + 1", "INSERT INTO parent VALUES (100)")
        seen = time.monotonic() + 120
        while r.on(r.target, "SELECT MAX(n) FROM child") != ((2,),):
            assert time.monotonic() < seen
            time.sleep(0.05)
        r.signal(9)
        cursor.execute("ROLLBACK")
    r.start(StartType.RESUME)
    r.following()
    r.applied()
    r.assert_equal("child", "parent")


@pytest.mark.servers
def test_a_batch_that_breaks_a_foreign_key_is_applied_one_by_one(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE z_parent (id INT PRIMARY KEY)",
        "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES z_parent (id))",
    )
    r.start(migration_type=MigrationType.CDC, settings=settings(TargetMetadata={"BatchApplyEnabled": True}))
    r.following()
    r.on(r.source, "INSERT INTO z_parent VALUES (1), (2)", "INSERT INTO child VALUES (1, 1), (2, 2)")
    status = r.applied()
    r.assert_equal("child", "z_parent")
    assert any("one-by-one" in m for m in status.messages)
