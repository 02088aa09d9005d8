"""Replication tasks and their states, as AWS has them; each running one is a replicator process.

No part of moto is known here: the API translates. States and their transitions:
creating -> ready -> starting -> running -> stopping -> stopped, running -> stopped | failed by itself,
stopped and failed may start again, and everything that does not run may be modified or deleted.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from lab.addresses import root
from lab.cloud.dms import pace
from lab.cloud.dms.replicator.description import (
    BEFORE,
    RELOAD,
    STATUS,
    Description,
    Login,
    MigrationType,
    StartType,
)
from lab.cloud.dms.replicator.status import Phase, Status, read_status
from lab.processes import Process, Registry

log = logging.getLogger(__name__)


class TaskState(StrEnum):
    """https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html"""

    CREATING = "creating"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    MODIFYING = "modifying"
    FAILED = "failed"
    DELETING = "deleting"
    GONE = "gone"
    """Not a state of AWS: the task is no longer there."""


RESTING = {TaskState.READY, TaskState.STOPPED, TaskState.FAILED}


class InvalidState(Exception):
    """The task is in the wrong state for that; becomes InvalidResourceStateFault."""


class InvalidCombination(Exception):
    """The parameters do not fit the task; becomes InvalidParameterCombinationException."""


@dataclass(frozen=True)
class Event:
    """https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Events.html"""

    source: str
    category: str
    message: str
    at: float = field(default_factory=time.time)


@dataclass
class Task:
    """One replication task. Attribute names are those by which moto filters."""

    id: str
    arn: str
    migration_type: str
    source_endpoint_arn: str
    target_endpoint_arn: str
    replication_instance_arn: str
    table_mappings: str
    replication_task_settings: str
    folder: Path
    registry: Registry
    cdc_start_position: str | None = None
    cdc_stop_position: str | None = None
    events: list[Event] = field(default_factory=list)
    """Where what happens to it is noted; shared by all tasks, and outlives them."""
    creation_date: float = field(default_factory=time.time)
    state: TaskState = TaskState.CREATING
    start_date: float | None = None
    fresh_start_date: float | None = None
    stop_date: float | None = None
    stop_reason: str = ""
    failure: str = ""
    recoveries: int = 0
    _settled: float = 0.0
    """When a state that passes by itself (creating, modifying, deleting) has passed."""
    _last: Status | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._settled = time.time() + pace.TASK_READY.lab
        if len(self.folder.parts) < 3:
            raise ValueError(f"{self.folder} is no task's folder")
        self.note("creation", "Replication task has been created.")

    @property
    def resource_id(self) -> str:
        """The last part of the ARN: so CloudWatch and the control tables name the task."""
        return self.arn.rpartition(":")[2]

    def note(self, category: str, message: str) -> None:
        self.events.append(Event(self.id, category, message))

    @property
    def name(self) -> str:
        """Of its process."""
        return f"dms-{self.id}"

    @property
    def settings(self) -> dict[str, Any]:
        return dict(json.loads(self.replication_task_settings or "{}"))

    def now(self) -> TaskState:
        """The state at this moment."""
        with self._lock:
            if time.time() >= self._settled:
                if self.state is TaskState.CREATING:
                    self.state = TaskState.READY
                elif self.state is TaskState.MODIFYING:
                    self.state = TaskState.STOPPED if self.fresh_start_date else TaskState.READY
                elif self.state is TaskState.DELETING:
                    self.state = TaskState.GONE
            return self.state

    def status(self) -> Status | None:
        """What the replicator reported last, also after its end."""
        return read_status(self.folder) or self._last

    # Actions --------------------------------------------------------------------------------------
    def start(
        self, kind: StartType, source: Login, target: Login, position: str | None, until: str | None = None
    ) -> None:
        with self._lock:
            self.require(RESTING, "started")
            if kind is StartType.START and self.fresh_start_date:
                raise InvalidCombination(
                    "Start Type : START_REPLICATION, valid only for tasks running for the first time"
                )
            if kind is not StartType.START and not self.fresh_start_date:
                raise InvalidCombination(
                    f"Start Type : {kind.name}_{'PROCESSING' if kind is StartType.RESUME else 'TARGET'}, not"
                    " valid for tasks running for the first time"
                )
            if kind is StartType.RELOAD and self.migration_type == MigrationType.CDC:
                raise InvalidCombination(
                    "Start Type : RELOAD_TARGET, not valid for tasks of migration type cdc"
                )
            if position:
                self.cdc_start_position = position
            self.cdc_stop_position = until or (self.cdc_stop_position if kind is StartType.START else None)
            self.start_date, self.stop_date = time.time(), None
            self.fresh_start_date = self.fresh_start_date if kind is StartType.RESUME else self.start_date
            self.stop_reason, self.failure, self.recoveries = "", "", 0
            self.state = TaskState.STARTING
            self.note("state change", "Replication task has started.")
            self._run(
                Description(
                    task=self.id,
                    migration_type=MigrationType(self.migration_type),
                    start=kind,
                    source=source,
                    target=target,
                    mappings=json.loads(self.table_mappings),
                    settings=self.settings,
                    position=self.cdc_start_position,
                    until=self.cdc_stop_position,
                    resource_id=self.resource_id,
                )
            )

    def stop(self) -> None:
        with self._lock:
            if self.now() not in (TaskState.RUNNING, TaskState.STARTING):
                raise InvalidState(f"Replication Task cannot be stopped, invalid state: {self.state}")
            self.state = TaskState.STOPPING
            process = self.registry.find(self.name)
            if process and process.alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        threading.Thread(target=self._insist, args=(process,), daemon=True).start()

    def reload(self, tables: list[tuple[str, str]]) -> None:
        """Load these tables again while the task goes on."""
        with self._lock:
            if self.now() is not TaskState.RUNNING:
                raise InvalidState(f"Tables cannot be reloaded, invalid state: {self.state}")
            known = {t.key for t in status.tables} if (status := self.status()) else set()
            if unknown := [f"{s}.{t}" for s, t in tables if (s, t) not in known]:
                raise InvalidCombination(f"Tables {', '.join(unknown)} are not part of the task")
            ordered = self.folder / RELOAD
            ordered.with_suffix(".new").write_text(json.dumps(tables))
            os.replace(ordered.with_suffix(".new"), ordered)
            if (process := self.registry.find(self.name)) and process.alive():
                os.kill(process.pid, signal.SIGUSR1)

    def modify(self, **changes: Any) -> None:
        with self._lock:
            self.require(RESTING, "modified")
            for name, value in changes.items():
                if value is not None:
                    setattr(self, name, value)
            self.note("configuration change", "Replication task has been modified.")
            self.state, self._settled = TaskState.MODIFYING, time.time() + pace.TASK_MODIFIED.lab

    def delete(self) -> None:
        with self._lock:
            self.require(RESTING, "deleted")
            self.note("deletion", "Replication task has been deleted.")
            self.state, self._settled = TaskState.DELETING, time.time() + pace.TASK_DELETED.lab
            self.registry.stop(self.name)
            shutil.rmtree(self.folder, ignore_errors=True)

    def require(self, states: set[TaskState], verb: str) -> None:
        if self.now() not in states:
            raise InvalidState(f"Replication Task cannot be {verb}, invalid state: {self.state}")

    # The process ----------------------------------------------------------------------------------
    def _run(self, description: Description) -> None:
        self._last = read_status(self.folder) or self._last
        description.write(self.folder)
        # the statistics outlive a run, also one that never reaches its tables
        with contextlib.suppress(FileNotFoundError):
            os.replace(self.folder / STATUS, self.folder / BEFORE)
        argv = [sys.executable, "-m", "lab.cloud.dms.replicator", str(self.folder)]
        process = self.registry.start(self.name, argv, cwd=root(), data=str(self.folder))
        threading.Thread(target=self._watch, args=(description, process), name=self.name, daemon=True).start()

    def _watch(self, description: Description, process: Process) -> None:
        while process.alive():
            if self.state is TaskState.STARTING:
                status = read_status(self.folder)
                if status and status.phase in (Phase.LOADING, Phase.FOLLOWING):
                    with self._lock:
                        self.state = TaskState.RUNNING if self.state is TaskState.STARTING else self.state
            time.sleep(0.1)
        try:
            self._ended(description)
        except Exception:
            log.exception("%s: looking after its end failed", self.name)
            self._rest(
                TaskState.FAILED,
                "Stop Reason FATAL_ERROR",
                "Last Error the lab could not look after the task",
            )

    def _ended(self, description: Description) -> None:
        self.registry.stop(self.name)
        with self._lock:
            status = read_status(self.folder)
            if status and status.phase is Phase.ENDED:
                state = TaskState.FAILED if status.failure else TaskState.STOPPED
                self._rest(state, status.stop_reason, status.failure)
            elif self.state is TaskState.STOPPING:
                self._rest(TaskState.STOPPED, "Stop Reason NORMAL", "")
            elif self._may_recover():
                self.recoveries += 1
                log.warning("%s died; recovery %d", self.name, self.recoveries)
                self.state = TaskState.STARTING
                again = description.start
                if status and status.phase is not Phase.STARTING:
                    again = StartType.RESUME
                threading.Timer(pace.RECOVERY.lab, self._recover, [description, again]).start()
            else:
                self._rest(
                    TaskState.FAILED,
                    "Stop Reason RECOVERABLE_ERROR",
                    f"Last Error the replication process ended unexpectedly, {self.recoveries} recoveries"
                    " were tried Stop Reason RECOVERABLE_ERROR Error Level RECOVERABLE",
                )

    def _recover(self, description: Description, start: StartType) -> None:
        with self._lock:
            if self.state is TaskState.STOPPING:
                self._rest(TaskState.STOPPED, "Stop Reason NORMAL", "")
            elif self.state is TaskState.STARTING:
                self._run(Description(**{**vars(description), "start": start}))

    def _may_recover(self) -> bool:
        limit = int((self.settings.get("ErrorBehavior") or {}).get("RecoverableErrorCount", -1))
        return limit < 0 or self.recoveries < limit

    def _rest(self, state: TaskState, reason: str, failure: str) -> None:
        self.state, self.stop_reason, self.failure, self.stop_date = state, reason, failure, time.time()
        if state is TaskState.FAILED:
            self.note("failure", f"Replication task has failed. {reason}. {failure}")
        else:
            self.note("state change", f"Replication task has stopped. {reason}.")

    def _insist(self, process: Process | None) -> None:
        """A replicator that does not obey is killed; its checkpoint makes that harmless."""
        deadline = time.time() + pace.TASK_STOP_GRACE.lab
        while process and process.alive() and time.time() < deadline:
            time.sleep(0.1)
        if process and process.alive():
            log.warning("%s did not stop in time and is killed", self.name)
            self.registry.stop(self.name, sig=signal.SIGKILL)
