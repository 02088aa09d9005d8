"""Operators and sensors of the replicate chapter with an in-memory DMS; the lag sensor on real servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from lab.mariadb import Server
from livemove.control.adapters import state as standing
from livemove.control.adapters.control_row import Control
from livemove.model.errors import RefusedError, ReplicationError, UnreachableError
from livemove.model.ledger import FullLoad
from livemove.model.ports import (
    ControlRow,
    ControlState,
    Json,
    Link,
    ReplicationStatus,
    TableProgress,
    TaskState,
)
from livemove.model.spec import MigrationSpec, Side, load_spec, project_root
from livemove.replication import operators
from livemove.replication.dms_rules import TableState
from livemove.replication.sensors import (
    CachedChangesSensor,
    FullLoadSensor,
    TableStatesSensor,
    look_at_cached_changes,
    look_at_full_load,
    look_at_lag,
    look_at_table_states,
)
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb, sql
from livemove.schema.adapters import lob_helpers
from tests.doubles.memory import HandClock, MemoryLedger
from tests.doubles.worlds import OwnPorts
from tests.lab_dms.conftest import Replication
from tests.raising import raises

SPEC = load_spec(project_root() / "include" / "migrations" / "shop.yaml")


@dataclass
class MemoryDms:
    """A Replicator that remembers what it was asked for."""

    state: ReplicationStatus = field(default_factory=lambda: ReplicationStatus(TaskState.READY))
    found: list[TableProgress] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def prepare(self, link: Link, *, full_load: bool, reader: Json, applier: Json) -> None:
        self.asked.append(("prepare", link, full_load, reader["username"], applier["username"]))

    def start(self, link: Link, *, position: str | None = None) -> None:
        self.asked.append(("start", link))
        self.state = replace(self.state, state=TaskState.RUNNING)

    def status(self, link: Link) -> ReplicationStatus:
        return self.state

    def tables(self, link: Link) -> list[TableProgress]:
        return self.found

    def delete(self, link: Link) -> None:
        self.asked.append(("delete", link))

    def reload(self, link: Link, tables: Sequence[tuple[str, str]]) -> None:
        self.asked.append(("reload", link, list(tables)))

    def diagnostics(self, link: Link) -> Json:
        return {"failures": ["12:00:00 Replication task has failed."], "latency": {"CDCLatencyTarget": 2.0}}

    def links(self) -> list[Link]:
        return [Link("shop", 1, Side.SOURCE), Link("shop", 2, Side.TARGET)]


REFUSE_UNHELPED = operators.StartReplicationOperator._refuse_unhelped
"""The real one; most tests here have no database."""


def unreachable(side: Side) -> MariaDb:
    raise UnreachableError(f"the {side} is none")


@dataclass
class MemoryWorld(OwnPorts):
    replicator: MemoryDms = field(default_factory=MemoryDms)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    spec: MigrationSpec = SPEC
    clock: SystemClock = field(default_factory=SystemClock)
    database: Callable[[Side], MariaDb] = unreachable


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    made = MemoryWorld()
    monkeypatch.setattr(operators.LivemoveOperator, "world", lambda self, context: made)
    for sensor in (FullLoadSensor, CachedChangesSensor, TableStatesSensor):
        monkeypatch.setattr(sensor, "world", lambda self, context: made)
    secret = lambda world, side, account: {"username": account, "side": side}  # noqa: E731
    monkeypatch.setattr("livemove.control.adapters.setup.credentials", secret)
    monkeypatch.setattr(operators.StartReplicationOperator, "_refuse_unhelped", lambda *_: None)
    owner(monkeypatch, Side.SOURCE, 1)
    return made


def owner(monkeypatch: pytest.MonkeyPatch, side: Side, epoch: int, state: str = "OPEN") -> None:
    rows = {
        side: ControlRow(side, ControlState(state), epoch),
        side.other: ControlRow(side.other, ControlState.FOLLOW, epoch),
    }
    monkeypatch.setattr(standing, "read_rows", lambda world: rows)


def run(operator: type[Any]) -> Any:
    made = operator(task_id="t", service="shop")
    return made.execute({"params": {}, "run_id": "r"})


def test_the_first_epoch_is_prepared_with_a_full_load(world: MemoryWorld) -> None:
    assert run(operators.PrepareReplicationOperator)["prepared"] is True
    link = Link("shop", 1, Side.SOURCE)
    assert world.replicator.asked == [("prepare", link, True, "livemove_read", "livemove_apply_e1")]


def test_no_second_full_load_over_a_target_that_owns(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner(monkeypatch, Side.TARGET, 2)
    for operator in (operators.PrepareReplicationOperator, operators.StartReplicationOperator):
        with raises(RefusedError, "epoch 2"):
            run(operator)
    assert world.replicator.asked == []


def test_after_a_rollback_nothing_is_prepared_and_nothing_loaded(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner(monkeypatch, Side.SOURCE, 3)
    assert run(operators.PrepareReplicationOperator)["prepared"] is False
    assert world.replicator.asked == []
    look = look_at_full_load(world, {})  # type: ignore[arg-type]
    assert look.done
    assert "no full load" in look.message


def test_nothing_is_done_in_the_middle_of_a_switchover(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner(monkeypatch, Side.SOURCE, 1, "FENCED")
    for operator in (
        operators.PrepareReplicationOperator,
        operators.StartReplicationOperator,
    ):
        with pytest.raises(RefusedError, match="switchover"):
            run(operator)
    assert world.replicator.asked == []


def test_no_task_is_started_where_a_lob_would_stop_it(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators.StartReplicationOperator, "_refuse_unhelped", REFUSE_UNHELPED)
    monkeypatch.setattr(lob_helpers, "unhelped", lambda *_: ["shop.a has a LOB that is NOT NULL"])
    world.database = lambda side: nullcontext(side)  # type: ignore[assignment, return-value]
    with raises(RefusedError, "shop.a has a LOB", "clear replicate.carry_tables"):
        run(operators.StartReplicationOperator)
    assert world.replicator.asked == []


def test_start_starts_the_link_in_use(world: MemoryWorld) -> None:
    done = run(operators.StartReplicationOperator)
    assert done == {"link": "shop-e1-source-to-target", "was": "ready", "is": "running"}


def test_the_full_load_sensor_keeps_rows_and_seconds_in_the_ledger(world: MemoryWorld) -> None:
    world.replicator.state = ReplicationStatus(
        TaskState.STOPPED,
        "Stop Reason STOPPED_AFTER_FULL_LOAD",
        full_load_percent=100,
        full_load_done=True,
        full_load_seconds=6.5,
    )
    world.replicator.found = [
        TableProgress("shop", "a", TableState.COMPLETED, 300),
        TableProgress("shop", "b", TableState.COMPLETED, 20),
    ]
    assert run(FullLoadSensor) == {"rows": 320, "tables": 2}
    kept = world.ledger.load(FullLoad)
    assert kept
    assert (kept.rows, kept.seconds) == (320, 6.5)
    assert [(t.table, t.rows) for t in kept.tables] == [("shop.a", 300), ("shop.b", 20)]


def test_the_sensor_of_the_cached_changes_ends_at_the_second_stop(world: MemoryWorld) -> None:
    world.replicator.state = ReplicationStatus(TaskState.STOPPED, "Stop Reason STOPPED_AFTER_CACHED_EVENTS")
    world.replicator.found = [TableProgress("shop", "a", TableState.COMPLETED, 300)]
    run(CachedChangesSensor)
    world.replicator.state = ReplicationStatus(TaskState.FAILED, failure="NativeError: 1062")
    with raises(ReplicationError, "1062", "clear start_cached"):
        run(CachedChangesSensor)
    world.replicator.state = ReplicationStatus(TaskState.STOPPED, "Stop Reason STOPPED_AFTER_CACHED_EVENTS")
    world.replicator.found.append(TableProgress("shop", "b", TableState.ERROR))
    with raises(ReplicationError, "shop.b", "Table error"):
        run(CachedChangesSensor)


class Watermarks:
    """Control of both sides: what was written has arrived when the test says so."""

    there: ClassVar[list[tuple[str, int]]] = []
    arrive: ClassVar[bool] = False

    def __init__(self, database: object) -> None: ...

    def write_watermark(self, reads: Side, stream: str, number: int) -> None:
        self.there.append((stream, number))

    def has_watermark(self, reads: Side, stream: str, number: int) -> bool:
        return self.arrive and (stream, number) in self.there

    def close_connection(self) -> None: ...


def test_a_task_that_runs_on_instead_of_stopping_twice_is_not_waited_for_in_vain(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livemove.control.adapters.control_row.Control", Watermarks)
    world.database = lambda side: nullcontext(side)  # type: ignore[assignment, return-value]
    clock = HandClock()
    world.clock = clock  # type: ignore[assignment]
    world.replicator.state = ReplicationStatus(TaskState.RUNNING)
    world.replicator.found = [TableProgress("shop", "a", TableState.COMPLETED, 300)]
    first = look_at_cached_changes(world, {})  # type: ignore[arg-type]
    assert (first.done, len(Watermarks.there)) == (False, 1)
    monkeypatch.setattr(Watermarks, "arrive", True)
    second = look_at_cached_changes(world, first.state)  # type: ignore[arg-type]
    assert not second.done, "it may still be about to stop"
    clock.sleep(61)
    third = look_at_cached_changes(world, second.state)  # type: ignore[arg-type]
    assert (third.done, len(Watermarks.there)) == (True, 1)


def test_how_far_the_load_is_stands_in_the_ledger_at_every_look(world: MemoryWorld) -> None:
    world.replicator.state = ReplicationStatus(TaskState.RUNNING, full_load_percent=40)
    mark = TableProgress("livemove", "watermark_source_target", TableState.COMPLETED, 1)
    for rows in (100, 300):
        world.replicator.found = [TableProgress("shop", "a", TableState.LOADING, rows), mark]
        assert not look_at_full_load(world, {}).done  # type: ignore[arg-type]
    kept = world.ledger.kept["trail/loading"]
    assert (kept["percent"], [p["rows"] for p in kept["points"]]) == (40, [101, 301])
    # what the source thinks the table holds is not known here: nobody can say how long
    assert kept["tables"] == [{"table": "shop.a", "state": "Full load", "rows": 300, "of": None}]


def test_table_states_refuse_a_table_in_error_while_the_task_runs(
    world: MemoryWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world.replicator.state = ReplicationStatus(TaskState.RUNNING)
    good = TableProgress("shop", "a", TableState.COMPLETED, inserts=3, applied=1, validation="Validated")
    world.replicator.found = [good]
    assert run(TableStatesSensor)["undelivered"] == 2
    assert world.ledger.kept["table_states"]["validation"] == {"Validated": 1}
    world.replicator.found.append(TableProgress("shop", "b", TableState.ERROR))
    with raises(ReplicationError, "shop.b", "Table error"):
        run(TableStatesSensor)
    assert "Replication task has failed" in caplog.text
    world.replicator.state = ReplicationStatus(TaskState.FAILED, failure="NativeError: 1062")
    with raises(ReplicationError, "1062"):
        run(TableStatesSensor)


def test_table_states_wait_for_the_first_validation_and_not_for_the_newest_rows(world: MemoryWorld) -> None:
    world.replicator.state = ReplicationStatus(TaskState.RUNNING)
    table = TableProgress(
        "shop", "a", TableState.COMPLETED, 50_000, validation="Pending records", pending=50_000
    )
    world.replicator.found = [table]
    look = look_at_table_states(world, {})  # type: ignore[arg-type]
    assert not look.done
    assert "shop.a (Pending records, 50000 to go)" in look.message
    world.replicator.found = [replace(table, pending=900)]
    assert look_at_table_states(world, {}).done  # type: ignore[arg-type]


def test_delete_takes_every_link_of_the_service(world: MemoryWorld) -> None:
    assert len(run(operators.DeleteReplicationOperator)) == 2
    of = [link.service for what, link in world.replicator.asked if what == "delete"]
    assert of == ["shop", "shop", *["shop_livemove_trial"] * 2]


@pytest.mark.servers
def test_the_lag_sensor_counts_watermarks_that_made_the_way(
    world: MemoryWorld, replication: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    r = replication
    logins = {
        side: Login(server.address, server.port, "root", "root")
        for side, server in zip(Side, (r.source, r.target), strict=True)
    }
    world.database = lambda side: MariaDb(side, logins[side])
    world.replicator.state = ReplicationStatus(TaskState.RUNNING)
    for side in Side:
        with world.database(side) as database:
            database.run("DROP TABLE IF EXISTS livemove.watermark_source_target")
            database.script(sql("control/control_tables"))
    grant(r.target)
    rule = {
        "rule-type": "selection",
        "rule-id": "1",
        "rule-name": "1",
        "rule-action": "include",
        "object-locator": {"schema-name": "livemove", "table-name": "watermark[_]source[_]target"},
    }
    r.start(mappings={"rules": [rule]})
    r.following()
    state: Json = {}
    for expected in (False, False, True):
        look = look_at_lag(world, state)  # type: ignore[arg-type]
        state = look.state
        assert look.done is expected, look.message
    assert len(state["trips"]) == 3
    r.stop()
    monkeypatch.setattr("livemove.replication.sensors.PATIENCE_IN_ONE_LOOK", 0.1)
    look = look_at_lag(world, {})  # type: ignore[arg-type]
    assert not look.done
    assert "on its way" in look.message
    # the row is not sent again: the same one is awaited
    assert look_at_lag(world, look.state).state["pending"] == look.state["pending"]  # type: ignore[arg-type]
    with world.database(Side.SOURCE) as database:
        number = look.state["pending"][0]
        assert Control(database).has_watermark(Side.SOURCE, "lag", number)


def grant(target: Server) -> None:
    with target.connect() as c, c.cursor() as cursor:
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE, DROP ON livemove.* TO applier@'127.%'")
