"""The faults of a task under writes, one function each, which returns what it saw.

It raises `Bad` when rows were lost and nothing reported it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.chaos_dms.testbed import SCHEMA, Testbed
from lab.cloud.dms.replicator.description import StartType
from lab.cloud.dms.replicator.status import Phase, TableState
from lab.cloud.dms.tasks import Task, TaskState
from lab.mariadb import Server


class Bad(Exception):
    """Rows are missing and nobody said so; or the task did not end as it must."""


@dataclass(frozen=True)
class Row:
    """One line of the table of results."""

    case: str
    moment: str
    outcome: str
    good: bool = True


def equal(testbed: Testbed, task: Task) -> str:
    """Stop the writers, let the task catch up, compare; Bad if rows differ and the task reports nothing."""
    if testbed.writers:
        testbed.writers.stop()
    if not testbed.caught_up(task):
        raise Bad(f"the task ended: {task.stop_reason} {task.failure}")
    found = testbed.differences()
    if found:
        raise Bad(f"the task is {task.now()}, and these differ: {', '.join(found)}")
    return "equal"


def failed(testbed: Testbed, task: Task, words: str) -> str:
    """Wait until the task fails; returns its message, which must name the cause."""
    testbed.until(lambda: task.now() in (TaskState.FAILED, TaskState.STOPPED), "the end of the task")
    if words not in task.failure:
        raise Bad(f"the task ended without {words!r}: {task.stop_reason} {task.failure}")
    return task.failure.removeprefix("Last Error ").partition(" Stop Reason")[0]


def kills(testbed: Testbed, load: bool, times: int) -> list[Row]:
    """kill -9 at random moments; DMS starts the replicator again each time."""
    task, rows = testbed.task(), []
    testbed.write()
    testbed.start(task)
    for n in range(times):
        phase, longest = (Phase.LOADING, 0.6) if load else (Phase.FOLLOWING, 1.5)
        rows.append(Row(f"replicator killed -9 ({n + 1})", testbed.kill(task, phase, longest), ""))
    outcome = equal(testbed, task)
    return [Row(r.case, r.moment, f"{outcome} ({task.recoveries} recoveries)", bool(r.moment)) for r in rows]


def restart(testbed: Testbed, which: str, load: bool, *, sig: int = 15) -> list[Row]:
    """A server goes away while the task works, and comes back."""
    server: Server = getattr(testbed, which)
    task = testbed.task()
    testbed.write()
    testbed.start(task)
    testbed.phase(task, Phase.LOADING if load else Phase.FOLLOWING)
    time.sleep(testbed.choose.uniform(0.2, 0.8))
    status = task.status()
    moment = f"{status.phase if status else 'starting'}"
    testbed.registry.stop(server.name, sig=sig)
    time.sleep(1)
    server.start()
    if testbed.writers:
        wanted = testbed.writers.count + 20
        testbed.until(lambda: testbed.writers and testbed.writers.count > wanted, "writers go on")
    words = "killed -9" if sig == 9 else "restarted"
    return [Row(f"{which} {words}", moment, equal(testbed, task))]


def purged(testbed: Testbed) -> list[Row]:
    """The source's binlog is purged while the task stands: it must not go on as if nothing were missing."""
    task = testbed.task()
    testbed.write()
    testbed.start(task)
    testbed.phase(task, Phase.FOLLOWING)
    time.sleep(0.5)
    task.stop()
    testbed.until(lambda: task.now() is TaskState.STOPPED, "stopped")
    time.sleep(0.5)

    def one_left() -> bool:
        testbed.sql(testbed.source, "FLUSH BINARY LOGS")
        last = testbed.sql(testbed.source, "SHOW MASTER STATUS")[0][0]
        testbed.sql(testbed.source, f"PURGE BINARY LOGS TO '{last}'")
        return len(testbed.sql(testbed.source, "SHOW BINARY LOGS")) == 1

    testbed.until(one_left, "one binlog left")
    testbed.start(task, StartType.RESUME)
    said = failed(testbed, task, "1236")
    testbed.start(task, StartType.RELOAD)
    testbed.phase(task, Phase.FOLLOWING)
    return [
        Row("source's binlog purged", "stopped", f"failed: {said}; reload-target: {equal(testbed, task)}")
    ]


def disk_full(testbed: Testbed, load: bool) -> list[Row]:
    """The target's disk is filled up, and has room again later."""
    task = testbed.task()
    testbed.write()
    if not load:
        testbed.start(task)
        testbed.phase(task, Phase.FOLLOWING)
    ballast = testbed.disk / "ballast"
    try:
        fill_up(ballast, leave=(3 << 20) if load else 0)
        if load:
            testbed.start(task)
        time.sleep(12)
        status, state = task.status(), task.now()
        behind = (
            sum(
                t.inserts + t.updates + t.deletes - t.applied_inserts - t.applied_updates - t.applied_deletes
                for t in status.tables
            )
            if status
            else 0
        )
    finally:
        ballast.unlink(missing_ok=True)
    moment = "full load" if load else "CDC"
    time.sleep(2)
    if state is TaskState.FAILED or task.now() is TaskState.FAILED:
        said = failed(testbed, task, "NativeError")
        if not testbed.target.answers():
            testbed.target.start()
        testbed.start(task, StartType.RESUME)
        testbed.phase(task, Phase.FOLLOWING)
        return [
            Row(
                "target's disk full",
                moment,
                f"failed: {said}; after room was made, resumed: {equal(testbed, task)}",
            )
        ]
    words = f"{state}, the server waits for room, {behind} captured changes not applied; after room was made"
    return [Row("target's disk full", moment, f"{words}: {equal(testbed, task)}")]


def fill_up(file: os.PathLike[str], *, leave: int) -> None:
    """Write until the disk has no room but for so many bytes."""
    with open(file, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"\0" * (1 << 16))
        except OSError:
            f.truncate(max(0, f.tell() - leave))


def broken(testbed: Testbed, policy: str) -> list[Row]:
    """A row that the source is about to write is on the target already."""
    task = testbed.task(ApplyErrorInsertPolicy=policy)
    testbed.write()
    testbed.start(task)
    testbed.phase(task, Phase.FOLLOWING)
    testbed.sql(testbed.target, f"INSERT INTO {SCHEMA}.gone VALUES (99999999, 'x')")
    testbed.sql(testbed.source, f"INSERT INTO {SCHEMA}.gone VALUES (99999999, 'y')")
    if policy == "STOP_TASK":
        said = failed(testbed, task, "1062")
        testbed.sql(testbed.target, f"DELETE FROM {SCHEMA}.gone WHERE id = 99999999")
        testbed.start(task, StartType.RESUME)
        return [
            Row(
                "one table broken, STOP_TASK",
                "CDC",
                f"failed: {said}; fixed and resumed: {equal(testbed, task)}",
            )
        ]

    def state() -> TableState | None:
        status = task.status()
        return next((t.state for t in status.tables if t.table == "gone"), None) if status else None

    testbed.until(lambda: state() is TableState.ERROR, "the table in error")
    if testbed.writers:
        testbed.writers.stop()
    testbed.caught_up(task)
    others = [d for d in testbed.differences() if not d.startswith("gone")]
    if task.now() is not TaskState.RUNNING or others:
        raise Bad(f"the task is {task.now()}, other tables differ: {others}")
    task.reload([(SCHEMA, "gone")])
    testbed.until(lambda: state() is TableState.COMPLETED, "the table loaded again")
    return [
        Row(
            f"one table broken, {policy}",
            "CDC",
            f"running, Table error, others equal; reloaded: {equal(testbed, task)}",
        )
    ]


def broken_load(testbed: Testbed) -> list[Row]:
    """A table that cannot be loaded under STOP_TASK: an enabled trigger of the target refuses its rows."""
    testbed.sql(
        testbed.target,
        f"CREATE TRIGGER {SCHEMA}.awake BEFORE INSERT ON {SCHEMA}.gone FOR EACH ROW"
        " BEGIN IF NEW.id = 77 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF; END",
    )
    task = testbed.task()
    testbed.write()
    testbed.start(task)
    said = failed(testbed, task, "not this one")
    testbed.sql(testbed.target, f"DROP TRIGGER {SCHEMA}.awake")
    testbed.start(task, StartType.RELOAD)
    testbed.phase(task, Phase.FOLLOWING)
    return [
        Row(
            "one table broken, STOP_TASK",
            "full load",
            f"failed: {said}; reload-target: {equal(testbed, task)}",
        )
    ]


@dataclass(frozen=True)
class Case:
    name: str
    run: Callable[[Testbed], list[Row]]
    room: int = 0
    """MB of the target's disk; 0: no limit."""


def all_cases(kill_rounds: int = 3, kills_each: int = 5) -> list[Case]:
    out = []
    for n in range(kill_rounds):
        out.append(Case(f"kills during load {n}", lambda s: kills(s, True, kills_each)))
        out.append(Case(f"kills during cdc {n}", lambda s: kills(s, False, kills_each)))
    for which in ("source", "target"):
        for load in (True, False):
            when = "load" if load else "cdc"
            out.append(Case(f"{which} restarted during {when}", lambda s, w=which, k=load: restart(s, w, k)))  # type: ignore[misc]
        out.append(Case(f"{which} killed during cdc", lambda s, w=which: restart(s, w, False, sig=9)))  # type: ignore[misc]
    out.append(Case("binlog purged", purged))
    out.append(Case("disk full during load", lambda s: disk_full(s, True), room=420))
    out.append(Case("disk full during cdc", lambda s: disk_full(s, False), room=420))
    out.append(Case("table broken, stop", lambda s: broken(s, "STOP_TASK")))
    out.append(Case("table broken, suspend", lambda s: broken(s, "SUSPEND_TABLE")))
    out.append(Case("table broken during load", broken_load))
    return out
