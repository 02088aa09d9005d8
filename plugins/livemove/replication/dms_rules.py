"""What a replication task is asked for, and what its states mean. DMS's words, no I/O.

DMS's defaults hide loss: errors of rows and tables are only logged, a broken table is suspended while the
task stays "running", long values are cut. So the settings are checked before a task is made, and table
states are judged one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from livemove.model.errors import RefusedError, ReplicationError, SetupError
from livemove.model.ports import (
    Json,
    Link,
    ReplicationStatus,
    TableProgress,
    TaskState,
)
from livemove.model.spec import Side

# Asking ---------------------------------------------------------------------------------------------
REPAIR_FOLLOWER = (
    "copy the follower again from the owner first (docs/runbook.md, Reverse replication is broken); the owner"
    " serves meanwhile"
)
"""How a follower that lacks writes is made whole again."""


def trial_links(service: str) -> tuple[Link, Link]:
    """Those of the trial, there and back: of a name that no service's own links have."""
    name = f"{service}_livemove_trial"
    return Link(name, 1, Side.SOURCE), Link(name, 2, Side.TARGET)


def table_mappings(schemas: Iterable[str], link: Link, *, watermarks: bool = True) -> str:
    """Selection rules: all tables of the schemas, and the watermark table of this direction."""
    wanted = [(schema, "%") for schema in map(literal, schemas)]
    if watermarks:
        wanted.append(("livemove", literal(f"watermark_{link.reads}_{link.writes}")))
    rules = [
        {
            "rule-type": "selection",
            "rule-id": str(n),
            "rule-name": str(n),
            "object-locator": {"schema-name": schema, "table-name": table},
            "rule-action": "include",
            "filters": [],
        }
        for n, (schema, table) in enumerate(wanted, 1)
    ]
    return json.dumps({"rules": rules})


def literal(name: str) -> str:
    """A name in which no character is a wildcard.

    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Wildcards.html
    """
    return "".join(f"[{c}]" if c in "_%[" else c for c in name)


STOPPING = (
    "DataErrorPolicy",
    "DataTruncationErrorPolicy",
    "DataErrorEscalationPolicy",
    "TableErrorPolicy",
    "TableErrorEscalationPolicy",
    "ApplyErrorDeletePolicy",
    "ApplyErrorInsertPolicy",
    "ApplyErrorUpdatePolicy",
    "ApplyErrorEscalationPolicy",
)
"""Policies of ErrorBehavior whose defaults let a task go on after it lost something."""


def task_settings(
    text: str, *, full_load: bool, longest_lob: int | None = None, batch_apply: bool = False
) -> str:
    """The settings file as one task gets it; SetupError names every value that would hide a loss.

    longest_lob: bytes of the longest LOB measured, None when unknown. batch_apply: the spec's choice.
    """
    try:
        settings = json.loads(text)
    except ValueError as e:
        raise SetupError(f"The DMS task settings are not JSON: {e}") from e
    if reasons := unsafe(settings):
        raise SetupError(
            f"The DMS task settings would hide a loss: {'; '.join(reasons)}",
            next_step="correct the file that replication.settings of the spec names",
        )
    load = dict(settings.get("FullLoadSettings") or {})
    # two stops of a load: secondary indexes are made at the first, foreign keys at the second
    load["StopTaskCachedChangesNotApplied"] = full_load
    load["StopTaskCachedChangesApplied"] = full_load
    target = {**settings.get("TargetMetadata", {}), "BatchApplyEnabled": batch_apply}
    if target.get("FullLobMode") and longest_lob is not None:
        target["InlineLobMaxSize"] = inline_kb(longest_lob)
    return json.dumps({**settings, "FullLoadSettings": load, "TargetMetadata": target})


INLINE_MOST = 102_400
"""Largest InlineLobMaxSize, in KB."""


def inline_kb(longest: int) -> int:
    """InlineLobMaxSize for LOBs of up to `longest` bytes: with a quarter of room, 32 KB at least.

    LOBs up to it travel with their row; longer ones are looked up one by one, which is slow and cuts nothing.
    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.LOBSupport.html
    """
    return min(INLINE_MOST, max(32, -(-longest * 5 // 4096)))


def unsafe(settings: Json) -> list[str]:
    """What in these settings would let rows get lost without anybody being told."""
    errors, target = settings.get("ErrorBehavior") or {}, settings.get("TargetMetadata") or {}
    out = [
        f"{p} is {errors.get(p, 'not set')}, wanted STOP_TASK"
        for p in STOPPING
        if errors.get(p) != "STOP_TASK"
    ]
    if target.get("BatchApplyEnabled"):
        out.append(
            "BatchApplyEnabled breaks the order between tables (replication.batch_apply of the spec asks"
            " for it)"
        )
    if not errors.get("FullLoadIgnoreConflicts", True):
        out.append(
            "FullLoadIgnoreConflicts is false: DMS captures a table from its own load's begin, so a row that"
            " is loaded and cached is normal and would stop the task"
        )
    if not target.get("SupportLobs", True):
        out.append("SupportLobs is false: LOB columns stay behind")
    mode = (settings.get("FullLoadSettings") or {}).get("TargetTablePrepMode")
    if mode not in ("DO_NOTHING", "TRUNCATE_BEFORE_LOAD"):
        out.append(f"TargetTablePrepMode is {mode}: DMS would make tables without keys and defaults")
    return out


def table_name(text: str) -> tuple[str, str]:
    """`schema.table` as a pair; SetupError when it is none."""
    schema, dot, table = text.partition(".")
    if not (schema and dot and table):
        raise SetupError(f"{text!r} is no table", wanted="schema.table")
    return schema, table


def require_reloadable(
    link: Link, status: ReplicationStatus, tables: Iterable[TableProgress], wanted: Iterable[tuple[str, str]]
) -> None:
    """RefusedError unless DMS would load these tables again: its task runs and knows them."""
    if status.state is not TaskState.RUNNING:
        raise RefusedError(
            f"The replication task {link.name} is {status.state}: {describe_status(status)}",
            wanted="running: DMS loads single tables only then",
            next_step="clear start_cdc, then run this again",
        )
    known = {(t.schema, t.table) for t in tables}
    if unknown := [f"{s}.{t}" for s, t in wanted if (s, t) not in known]:
        raise RefusedError(f"{', '.join(unknown)}: not among the tables of {link.name}")


# Where things stand ---------------------------------------------------------------------------------


def may_load(link: Link) -> str | None:
    """Why a full load from source to target must not begin now; None: it may."""
    if link.reads is Side.TARGET:
        return (
            f"the target is the owner (epoch {link.epoch}); rows from the source would overwrite a live"
            " database"
        )
    return None


def is_first(link: Link) -> bool:
    """Only the first epoch is filled by a full load; every later one begins at a binlog position."""
    return link.epoch == 1


class StartType(StrEnum):
    """https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTask.html"""

    START = "start-replication"
    RESUME = "resume-processing"
    RELOAD = "reload-target"


def start_type(link: Link, status: ReplicationStatus, tables: Sequence[TableProgress]) -> StartType | None:
    """How to get this task going; None when it is. ReplicationError when it cannot be started.

    A load that ended before all tables were loaded begins again: keys and indexes are not there yet, and
    DMS's own resume of a load is known to leave a target out of step. A task that only follows is always
    resumed.
    """
    match status.state:
        case TaskState.READY:
            return StartType.START
        case TaskState.STOPPED | TaskState.FAILED:
            broken_load = is_first(link) and any(not t.loaded for t in tables)
            return StartType.RELOAD if broken_load else StartType.RESUME
        case TaskState.STARTING | TaskState.RUNNING:
            return None
    raise ReplicationError(
        f"The replication task is {status.state}",
        wanted="ready, stopped, failed or running",
        next_step="clear prepare_task when it is absent; else wait and clear this task",
    )


# Judging --------------------------------------------------------------------------------------------


class TableState(StrEnum):
    """https://docs.aws.amazon.com/dms/latest/APIReference/API_TableStatistics.html"""

    ABSENT = "Table does not exist"
    BEFORE = "Before load"
    LOADING = "Full load"
    COMPLETED = "Table completed"
    CANCELLED = "Table cancelled"
    ERROR = "Table error"
    RELOADING = "Table is being reloaded"


LOST = {TableState.ABSENT, TableState.CANCELLED, TableState.ERROR}
NOT_EQUAL = {"Mismatched records", "Suspended records", "Table error", "Error"}
"""ValidationState values that say DMS found, or could not rule out, a difference."""


def table_trouble(table: TableProgress) -> str | None:
    """Why this table cannot be trusted, in DMS's words; None when nothing is wrong."""
    if table.state in LOST:
        return f"{table.name}: {table.state}" + (f" ({table.message})" if table.message else "")
    if table.full_load_errors:
        return f"{table.name}: {table.full_load_errors} rows failed in the full load"
    if table.validation in NOT_EQUAL:
        found = f", {table.failed} records failed" if table.failed else ""
        return f"{table.name}: validation says {table.validation}{found}" + (
            f" ({table.message})" if table.message else ""
        )
    return None


def trouble(tables: Iterable[TableProgress]) -> str | None:
    """All tables that cannot be trusted, as one text."""
    return "; ".join(t for t in map(table_trouble, tables) if t) or None


def unfinished(tables: Iterable[TableProgress]) -> str | None:
    """Tables whose full load is not over."""
    return ", ".join(f"{t.name} ({t.state})" for t in tables if t.state != TableState.COMPLETED) or None


SETTLED = {"", "Not enabled", "Validated", "No primary key"}
UNDER_WAY = 1000
"""Records that may wait for validation while users write: at least so many, or a hundredth of the table."""


def unvalidated(tables: Iterable[TableProgress]) -> str | None:
    """Tables that DMS has not validated yet, except those that wait only for the newest changes."""
    waiting = [
        t
        for t in tables
        if t.validation not in SETTLED
        and not (t.validation == "Pending records" and t.pending <= max(UNDER_WAY, t.full_load_rows // 100))
    ]
    return ", ".join(f"{t.name} ({t.validation}, {t.pending} to go)" for t in waiting) or None


def undelivered(tables: Iterable[TableProgress]) -> int:
    """Row changes that DMS captured and has not applied yet."""
    return sum(max(0, t.inserts + t.updates + t.deletes - t.applied) for t in tables)


def describe_status(status: ReplicationStatus) -> str:
    """The task's own words."""
    return " ".join(p for p in (status.stop_reason, status.failure) if p) or f"status {status.state}"


def require_running(link: Link, status: ReplicationStatus) -> None:
    if status.state is not TaskState.RUNNING:
        raise ReplicationError(
            f"The replication task {link.name} is {status.state}: {describe_status(status)}",
            wanted="running",
            next_step="fix what DMS names, then clear start_cdc",
        )


def load_is_over(link: Link, status: ReplicationStatus, tables: list[TableProgress]) -> bool:
    """True when every table is loaded; ReplicationError as soon as one, or the task, has failed."""
    wrong = trouble(tables)
    if wrong or status.state in (TaskState.FAILED, TaskState.ABSENT):
        raise ReplicationError(
            f"The full load of {link.name} failed: "
            + "; ".join(filter(None, (wrong, describe_status(status)))),
            wanted="every table completed",
            next_step=(
                "fix what DMS names, then clear start_load: the load begins again, tables are emptied first"
            ),
        )
    if (
        status.state is TaskState.STOPPED
        and "STOPPED_AFTER_FULL_LOAD" not in status.stop_reason
        and not status.full_load_done
    ):
        raise ReplicationError(
            f"The task {link.name} stopped before its full load was over: {describe_status(status)}",
            next_step="clear start_load to go on",
        )
    over = status.full_load_done and status.state in (TaskState.STOPPED, TaskState.RUNNING)
    return over and bool(tables) and unfinished(tables) is None


@dataclass(frozen=True)
class LoadProgress:
    """How far the full load is, for one line of log."""

    rows: int
    percent: int
    tables_done: int
    tables: int
    rate: float | None = None
    """Rows per second since the look before."""
    seconds_left: float | None = None

    def __str__(self) -> str:
        text = f"full load {self.percent} %: {self.rows:,} rows, {self.tables_done} of {self.tables} tables"
        if self.rate is not None:
            text += f", {self.rate:,.0f} rows/s"
        if self.seconds_left is not None:
            text += f", about {timedelta(seconds=round(self.seconds_left))} left"
        return text


RATE_OVER = 60.0
"""Seconds over which the rate of a load is told: between two looks it jumps."""


def load_sample(status: ReplicationStatus, tables: Iterable[TableProgress], now: float) -> Json:
    """How far a load is at one moment, for `load_progress` of a later one."""
    return {"at": now, "rows": sum(t.full_load_rows for t in tables), "percent": status.full_load_percent}


def rests_at_second_stop(link: Link, status: ReplicationStatus) -> bool:
    """True when the task has applied the changes cached during its load, and stopped there.

    ReplicationError when it rests for another reason.
    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.FullLoad.html
    """
    match status.state:
        case TaskState.STOPPED if "STOPPED_AFTER_CACHED_EVENTS" in status.stop_reason:
            return True
        case TaskState.STARTING | TaskState.RUNNING | TaskState.STOPPING:
            return False
    raise ReplicationError(
        f"The changes cached during the full load of {link.name} were not applied: {describe_status(status)}",
        wanted="the task to apply them, and to stop with STOPPED_AFTER_CACHED_EVENTS",
        next_step="fix what DMS names, then clear start_cached: it goes on where it stopped",
    )


def load_progress(
    status: ReplicationStatus, tables: list[TableProgress], before: Mapping[str, float], now: float
) -> LoadProgress:
    """`before` is {"rows", "percent", "at"} of an earlier look, or empty. `now`: seconds, any clock."""
    rows = sum(t.full_load_rows for t in tables)
    done = sum(t.state == TableState.COMPLETED for t in tables)
    rate = left = None
    seconds = now - before.get("at", now)
    if seconds > 0:
        rate = (rows - before["rows"]) / seconds
        gained = status.full_load_percent - before["percent"]
        left = (
            (100 - status.full_load_percent) * seconds / gained if gained > 0 and done < len(tables) else None
        )
    return LoadProgress(rows, status.full_load_percent, done, len(tables), rate, left)


GOOD_TRIPS = 3
"""Watermarks in a row that must arrive within the limit."""


def judge_trips(trips: list[float], limit: float) -> str | None:
    """Why CDC does not count as caught up; trips are seconds, the latest last. None: it has caught up.

    DMS's own CDCLatencySource is 0 when idle, so only a row that made the whole way proves anything.
    """
    last = trips[-GOOD_TRIPS:]
    shown = ", ".join(f"{t:.3f} s" for t in last) or "none yet"
    good = len(last) == GOOD_TRIPS and all(t <= limit for t in last)
    return (
        None
        if good
        else f"watermark round trips: {shown}; {GOOD_TRIPS} in a row of at most {limit:g} s wanted"
    )
