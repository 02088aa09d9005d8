"""What a task is asked for, and what its states mean: plain values in, words out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from lab.cloud.dms.replicator.selection import Selection
from livemove.control.current_link import current_link
from livemove.model.errors import RefusedError, ReplicationError, SetupError
from livemove.model.ports import ControlRow, ControlState, Link, ReplicationStatus, TableProgress, TaskState
from livemove.model.spec import Side, project_root
from livemove.replication.dms_rules import (
    STOPPING,
    StartType,
    TableState,
    is_first,
    judge_trips,
    literal,
    load_is_over,
    load_progress,
    may_load,
    require_reloadable,
    require_running,
    rests_at_second_stop,
    start_type,
    table_mappings,
    table_name,
    task_settings,
    trouble,
    undelivered,
    unsafe,
    unvalidated,
)
from tests.raising import raises

SETTINGS = (project_root() / "include" / "dms" / "task-settings.json").read_text()
FORWARD, BACK = Link("shop", 1, Side.SOURCE), Link("shop", 2, Side.TARGET)
LOADED = ReplicationStatus(
    TaskState.STOPPED, "Stop Reason STOPPED_AFTER_FULL_LOAD", full_load_percent=100, full_load_done=True
)
TABLE = TableProgress("shop", "listing", TableState.COMPLETED, full_load_rows=100)


def row(side: Side, state: str, epoch: int) -> ControlRow:
    return ControlRow(side, ControlState(state), epoch)


@pytest.mark.parametrize("name", ["shop", "my_shop", "100%", "a[b"])
def test_mappings_select_the_schema_and_nothing_like_it(name: str) -> None:
    selected = Selection(json.loads(table_mappings([name], FORWARD)))
    assert selected(name, "any_table")
    assert not selected(name.replace("_", "x").replace("%", "yz").replace("[", "Q") + "2", "any_table")
    assert name == "shop" or not selected(name.translate({ord(c): "X" for c in "_%["}), "any_table")


@pytest.mark.parametrize(
    ("link", "own", "other"),
    [(FORWARD, "source_target", "target_source"), (BACK, "target_source", "source_target")],
)
def test_mappings_take_only_the_watermark_of_their_direction(link: Link, own: str, other: str) -> None:
    selected = Selection(json.loads(table_mappings(["shop"], link)))
    assert selected("livemove", f"watermark_{own}")
    assert not selected("livemove", f"watermark_{other}")
    assert not selected("livemove", "control")


def test_literal_escapes_every_wildcard() -> None:
    assert literal("a_b%c[d") == "a[_]b[%]c[[]d"


def test_the_settings_that_come_with_livemove_hide_nothing() -> None:
    assert unsafe(json.loads(SETTINGS)) == []


@pytest.mark.parametrize(
    ("group", "name", "value", "said"),
    [
        *[("ErrorBehavior", p, "LOG_ERROR", p) for p in STOPPING],
        ("ErrorBehavior", "TableErrorPolicy", "SUSPEND_TABLE", "SUSPEND_TABLE, wanted STOP_TASK"),
        ("TargetMetadata", "BatchApplyEnabled", True, "BatchApplyEnabled"),
        ("TargetMetadata", "SupportLobs", False, "LOB"),
        ("ErrorBehavior", "FullLoadIgnoreConflicts", False, "loaded and cached is normal"),
        ("FullLoadSettings", "TargetTablePrepMode", "DROP_AND_CREATE", "DROP_AND_CREATE"),
    ],
)
def test_settings_that_hide_a_loss_are_refused_by_name(group: str, name: str, value: Any, said: str) -> None:
    settings = json.loads(SETTINGS)
    settings[group][name] = value
    with raises(SetupError, said):
        task_settings(json.dumps(settings), full_load=True)


@pytest.mark.parametrize("full_load", [True, False])
def test_only_the_first_load_stops_before_and_after_its_cached_changes(full_load: bool) -> None:
    made = json.loads(task_settings(SETTINGS, full_load=full_load))
    assert made["FullLoadSettings"]["StopTaskCachedChangesNotApplied"] is full_load
    assert made["FullLoadSettings"]["StopTaskCachedChangesApplied"] is full_load


def test_the_second_stop_is_told_from_every_other_end() -> None:
    rested = ReplicationStatus(TaskState.STOPPED, "Stop Reason STOPPED_AFTER_CACHED_EVENTS")
    assert rests_at_second_stop(FORWARD, rested)
    assert not rests_at_second_stop(FORWARD, ReplicationStatus(TaskState.RUNNING))
    for other in (
        ReplicationStatus(TaskState.STOPPED, "Stop Reason NORMAL"),
        ReplicationStatus(TaskState.FAILED, failure="Last Error Duplicate entry"),
        ReplicationStatus(TaskState.ABSENT),
    ):
        with raises(ReplicationError, "were not applied", "clear start_cached"):
            rests_at_second_stop(FORWARD, other)


def test_the_link_in_use_reads_from_the_owner() -> None:
    one = current_link("shop", row(Side.SOURCE, "OPEN", 1), row(Side.TARGET, "FOLLOW", 1))
    assert (one, may_load(one), is_first(one)) == (FORWARD, None, True)
    two = current_link("shop", row(Side.SOURCE, "FOLLOW", 2), row(Side.TARGET, "OPEN", 2))
    assert two == BACK
    assert "target is the owner" in (may_load(two) or "")
    three = current_link("shop", row(Side.SOURCE, "OPEN", 3), row(Side.TARGET, "FOLLOW", 3))
    assert (may_load(three), is_first(three)) == (None, False)


@pytest.mark.parametrize(
    ("source", "target"),
    [("FENCED", "FOLLOW"), ("CEDED", "CLAIMED"), ("CEDED", "OPEN"), ("OPEN", "OPEN"), ("FOLLOW", "FOLLOW")],
)
def test_no_link_is_in_use_while_a_switchover_is_under_way(source: str, target: str) -> None:
    with pytest.raises(RefusedError, match="switchover"):
        current_link("shop", row(Side.SOURCE, source, 2), row(Side.TARGET, target, 2))


def test_rows_of_two_epochs_are_no_link() -> None:
    with raises(RefusedError, "OPEN@2", "FOLLOW@1"):
        current_link("shop", row(Side.SOURCE, "OPEN", 2), row(Side.TARGET, "FOLLOW", 1))


UNLOADED = replace(TABLE, table="other", state=TableState.LOADING, loaded=False)
BROKEN = replace(TABLE, table="other", state=TableState.ERROR)


@pytest.mark.parametrize(
    ("link", "state", "tables", "wanted"),
    [
        (FORWARD, "ready", [], StartType.START),
        (BACK, "ready", [], StartType.START),
        (FORWARD, "running", [UNLOADED], None),
        (FORWARD, "starting", [], None),
        # the load was over: go on where it stopped, also when a table broke later
        (FORWARD, "stopped", [TABLE], StartType.RESUME),
        (FORWARD, "failed", [TABLE, BROKEN], StartType.RESUME),
        # the load was not over: begin it again
        (FORWARD, "stopped", [TABLE, UNLOADED], StartType.RELOAD),
        (FORWARD, "failed", [TABLE, UNLOADED], StartType.RELOAD),
        (FORWARD, "failed", [TABLE, replace(BROKEN, loaded=False)], StartType.RELOAD),
        # nothing is known of its tables: what was loaded must not be thrown away on a guess
        (FORWARD, "failed", [], StartType.RESUME),
        # a later epoch follows from a position and never loads
        (BACK, "stopped", [UNLOADED], StartType.RESUME),
        (BACK, "failed", [], StartType.RESUME),
    ],
)
def test_a_task_is_started_resumed_or_reloaded_by_where_it_stands(
    link: Link, state: str, tables: list[TableProgress], wanted: StartType | None
) -> None:
    assert start_type(link, ReplicationStatus(TaskState(state)), tables) is wanted


@pytest.mark.parametrize("state", ["absent", "creating", "deleting", "modifying", "stopping"])
def test_a_task_in_between_cannot_be_started(state: str) -> None:
    with raises(ReplicationError, state):
        start_type(FORWARD, ReplicationStatus(TaskState(state)), [])


@pytest.mark.parametrize(
    ("longest", "kb"), [(0, 32), (26_000, 32), (30_000, 37), (1 << 20, 1280), (1 << 30, 102_400)]
)
def test_inline_lobs_have_room_for_the_longest_that_was_measured(longest: int, kb: int) -> None:
    made = json.loads(task_settings(SETTINGS, full_load=True, longest_lob=longest))["TargetMetadata"]
    assert (made["FullLobMode"], made["InlineLobMaxSize"]) == (True, kb)


def test_batched_apply_is_the_specs_choice() -> None:
    made = [
        json.loads(task_settings(SETTINGS, full_load=True, batch_apply=b))["TargetMetadata"]
        for b in (True, False)
    ]
    assert [m["BatchApplyEnabled"] for m in made] == [True, False]


@pytest.mark.parametrize(
    ("validation", "pending", "waits"),
    [
        ("Validated", 0, False),
        ("No primary key", 0, False),
        ("Not enabled", 0, False),
        ("Pending validation", 0, True),
        ("Preparing table", 0, True),
        ("Pending records", 5000, True),
        ("Pending records", 1000, False),
    ],
)
def test_validation_is_waited_for_once_and_not_for_the_newest_rows(
    validation: str, pending: int, waits: bool
) -> None:
    found = unvalidated([TABLE, replace(TABLE, validation=validation, pending=pending)])
    assert (found is not None) is waits


def test_tables_are_reloaded_only_while_the_task_that_knows_them_runs() -> None:
    running = ReplicationStatus(TaskState.RUNNING)
    require_reloadable(FORWARD, running, [TABLE], [table_name("shop.listing")])
    with raises(RefusedError, "shop.nobody"):
        require_reloadable(FORWARD, running, [TABLE], [table_name("shop.nobody")])
    with raises(RefusedError, "failed"):
        require_reloadable(
            FORWARD, ReplicationStatus(TaskState.FAILED), [TABLE], [table_name("shop.listing")]
        )
    with raises(SetupError, "listing"):
        table_name("listing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": TableState.ERROR}, "Table error"),
        ({"state": TableState.ABSENT}, "does not exist"),
        ({"state": TableState.CANCELLED}, "cancelled"),
        ({"full_load_errors": 3}, "3 rows failed"),
        ({"validation": "Mismatched records"}, "Mismatched records"),
        ({"validation": "Suspended records"}, "Suspended records"),
    ],
)
def test_a_table_that_lost_something_is_named(change: dict[str, Any], said: str) -> None:
    assert trouble([TABLE]) is None
    reason = trouble([TABLE, replace(TABLE, table="broken", **change)])
    assert reason
    assert "shop.broken" in reason
    assert said in reason


@pytest.mark.parametrize("validation", ["", "Validated", "Not enabled", "No primary key", "Pending records"])
def test_validation_that_found_no_difference_is_no_trouble(validation: str) -> None:
    assert trouble([replace(TABLE, validation=validation)]) is None


def test_the_load_is_over_only_with_every_table() -> None:
    assert load_is_over(FORWARD, LOADED, [TABLE])
    assert not load_is_over(FORWARD, LOADED, [TABLE, replace(TABLE, state=TableState.LOADING)])
    assert not load_is_over(FORWARD, LOADED, [])
    running = replace(LOADED, state=TaskState.RUNNING, stop_reason="")
    assert load_is_over(FORWARD, running, [TABLE])
    assert not load_is_over(FORWARD, replace(running, full_load_done=False), [TABLE])


@pytest.mark.parametrize(
    "status",
    [
        ReplicationStatus(TaskState.FAILED, "Stop Reason FATAL_ERROR", "Last Error 1062 Duplicate entry"),
        ReplicationStatus(TaskState.STOPPED, "Stop Reason NORMAL"),
        ReplicationStatus(TaskState.ABSENT),
    ],
)
def test_a_load_that_ended_otherwise_is_told_in_dms_words(status: ReplicationStatus) -> None:
    with raises(ReplicationError, status.failure or status.stop_reason or "absent"):
        load_is_over(FORWARD, status, [TABLE])


def test_a_load_fails_at_its_first_broken_table_though_the_task_runs_on() -> None:
    running = ReplicationStatus(TaskState.RUNNING, full_load_percent=50)
    with raises(ReplicationError, "shop.broken", "Table error"):
        load_is_over(FORWARD, running, [TABLE, replace(TABLE, table="broken", state=TableState.ERROR)])


def test_progress_tells_rows_percent_rate_and_what_is_left() -> None:
    status = ReplicationStatus(TaskState.RUNNING, full_load_percent=40)
    tables = [TABLE, replace(TABLE, table="two", state=TableState.LOADING, full_load_rows=900)]
    first = load_progress(status, tables, {}, 10.0)
    assert str(first) == "full load 40 %: 1,000 rows, 1 of 2 tables"
    later = load_progress(status, tables, {"rows": 500, "percent": 20, "at": 5.0}, 10.0)
    assert str(later) == "full load 40 %: 1,000 rows, 1 of 2 tables, 100 rows/s, about 0:00:15 left"


def test_undelivered_is_what_was_captured_and_not_applied() -> None:
    assert undelivered([replace(TABLE, inserts=5, updates=2, deletes=1, applied=6), TABLE]) == 2


@pytest.mark.parametrize(
    ("trips", "good"),
    [
        ([], False),
        ([1, 1], False),
        ([1, 1, 1], True),
        ([9, 1, 1, 1], True),
        ([1, 9, 1], False),
        ([1, 1, 5.1], False),
    ],
)
def test_caught_up_means_three_quick_watermarks_in_a_row(trips: list[float], good: bool) -> None:
    assert (judge_trips(trips, 5) is None) is good


def test_a_task_that_does_not_run_is_no_replication() -> None:
    require_running(FORWARD, ReplicationStatus(TaskState.RUNNING))
    with raises(ReplicationError, "4151"):
        require_running(FORWARD, ReplicationStatus(TaskState.FAILED, failure="NativeError: 4151"))
