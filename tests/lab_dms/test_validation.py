"""The lab's DMS validation between two real servers: what it finds, and what it must not report."""

from __future__ import annotations

import json

import pytest

from lab.cloud.dms.replicator.description import MigrationType
from lab.cloud.dms.replicator.status import Status, Table, TableState, ValidationState
from tests.lab_dms.conftest import Replication, settings
from tests.lab_dms.test_replicator import TYPES, Writers, fill

pytestmark = pytest.mark.servers
ON = settings(ValidationSettings={"EnableValidation": True})


def of(status: Status, table: str) -> Table:
    return next(t for t in status.tables if t.table == table)


def is_(r: Replication, table: str, state: ValidationState, seconds: float = 180) -> Table:
    there = lambda s: any(t.table == table and t.validation is state for t in s.tables)  # noqa: E731
    return of(r.until(there, f"{table} {state}", seconds), table)


def test_every_column_type_is_validated_and_a_changed_row_is_found(replication: Replication) -> None:
    r = replication
    r.both(TYPES, "CREATE TABLE keyless (id INT)")
    fill(r)
    r.start(settings=ON)
    table = is_(r, "all_types", ValidationState.VALIDATED)
    assert (table.validation_failed, table.validation_pending, table.validation_details) == (0, 0, "")
    is_(r, "keyless", ValidationState.NO_KEY)
    r.on(r.target, "UPDATE all_types SET fl2 = 9.125 WHERE id = 3", "DELETE FROM all_types WHERE id = 4")
    r.on(r.source, "UPDATE all_types SET i = 77 WHERE id = 5")
    assert is_(r, "all_types", ValidationState.MISMATCHED).validation_failed == 2
    found = r.on(
        r.target,
        "SELECT `KEY`, FAILURE_TYPE FROM awsdms_control.awsdms_validation_failures_v1"
        f" WHERE task_name = 'task-{r.schema}' AND table_name = 'all_types' ORDER BY 1",
    )
    assert [(json.loads(k)["key"], kind) for k, kind in found] == [
        (["3"], "RECORD_DIFF"),
        (["4"], "MISSING_TARGET"),
    ]


def test_rows_under_way_are_not_accused(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE account (id INT PRIMARY KEY, amount INT NOT NULL)",
        "CREATE TABLE entry (id INT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, amount INT)",
    )
    r.on(r.source, "INSERT INTO account SELECT seq, 0 FROM seq_1_to_20000")
    r.start(settings=ON)
    r.following()
    with Writers(r) as writers:
        writers.more(300)
        is_(r, "account", ValidationState.VALIDATED)
        writers.more(300)
        r.until(lambda s: of(s, "entry").validation is not ValidationState.WAITING, "a first result")
    r.applied()
    for name in ("account", "entry"):
        table = is_(r, name, ValidationState.VALIDATED)
        assert table.validation_failed == 0
    assert r.on(
        r.target,
        f"SELECT COUNT(*) FROM awsdms_control.awsdms_validation_failures_v1 WHERE table_owner = '{r.schema}'",
    ) == ((0,),)


def test_a_task_that_only_loads_is_validated_before_it_ends(replication: Replication) -> None:
    r = replication
    r.both(
        "CREATE TABLE a (id VARCHAR(20) CHARACTER SET euckr PRIMARY KEY, n INT)",
        "INSERT INTO a VALUES ('가', 1)",
    )
    r.on(r.source, "DELETE FROM a", "INSERT INTO a VALUES ('나', 1)")
    r.start(settings=ON, migration_type=MigrationType.FULL_LOAD)
    table = of(r.ended(), "a")
    assert (table.validation, table.validation_failed) == (ValidationState.MISMATCHED, 1)


def test_a_table_in_error_is_not_validated(replication: Replication) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    broken = settings(
        ValidationSettings={"EnableValidation": True}, ErrorBehavior={"TableErrorPolicy": "SUSPEND_TABLE"}
    )
    r.start(settings=broken)
    table = is_(r, "a", ValidationState.TABLE_ERROR)
    assert table.state is TableState.ERROR
