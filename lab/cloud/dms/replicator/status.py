"""What a replicator tells the outside: one JSON file, replaced atomically."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from lab.cloud.dms.replicator.description import STATUS


class Phase(StrEnum):
    STARTING = "starting"
    LOADING = "loading"
    FOLLOWING = "following"
    ENDED = "ended"


class TableState(StrEnum):
    """https://docs.aws.amazon.com/dms/latest/APIReference/API_TableStatistics.html"""

    ABSENT = "Table does not exist"
    BEFORE = "Before load"
    LOADING = "Full load"
    COMPLETED = "Table completed"
    CANCELLED = "Table cancelled"
    ERROR = "Table error"
    RELOADING = "Table is being reloaded"


class ValidationState(StrEnum):
    """https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Validating.html#CHAP_Validating.TaskStatistics"""

    NOT_ENABLED = "Not enabled"
    WAITING = "Pending validation"
    PREPARING = "Preparing table"
    PENDING = "Pending records"
    AGAIN = "Pending revalidation"
    VALIDATED = "Validated"
    MISMATCHED = "Mismatched records"
    SUSPENDED = "Suspended records"
    NO_KEY = "No primary key"
    TABLE_ERROR = "Table error"
    ERROR = "Error"


@dataclass
class Table:
    """True statistics of one table. Captured is read from the binlog, applied is committed on the target."""

    schema: str
    table: str
    state: TableState = TableState.BEFORE
    rows: int = 0
    expected: int = 0
    """The source's own estimate of its rows."""
    error_rows: int = 0
    load_started: float | None = None
    load_ended: float | None = None
    reloaded: bool = False
    loaded_file: str = ""
    loaded_at: int = 0
    """Binlog position from which this table is captured: where its own load began, or its batch ended."""
    cached_file: str = ""
    cached_at: int = 0
    """Where its load ended: changes up to here were cached, and may be in the loaded rows already."""
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    ddls: int = 0
    applied_inserts: int = 0
    applied_updates: int = 0
    applied_deletes: int = 0
    rejected_inserts: int = 0
    rejected_updates: int = 0
    rejected_deletes: int = 0
    """Captured changes that the target refused and a policy left out."""
    changed: float = 0.0
    why: str = ""
    """Of a suspended table: the reason."""
    validation: ValidationState = ValidationState.NOT_ENABLED
    validation_pending: int = 0
    validation_failed: int = 0
    validation_suspended: int = 0
    validation_details: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.table

    def loaded_already(self, file: str, end: int) -> bool:
        """True for a change that came before this table was captured."""
        return bool(self.loaded_file) and (file, end) <= (self.loaded_file, self.loaded_at)

    def cached(self, file: str, end: int) -> bool:
        """True for a change that came while this table was loaded."""
        return bool(self.cached_file) and (file, end) <= (self.cached_file, self.cached_at)

    def validated_as(self, other: Table) -> None:
        """Copy the results of validation into the status."""
        other.validation, other.validation_details = self.validation, self.validation_details
        other.validation_pending = self.validation_pending
        other.validation_failed = self.validation_failed
        other.validation_suspended = self.validation_suspended

    def forget_unapplied(self) -> None:
        """Captured changes that never reached the target are read again: count them once."""
        self.inserts = self.applied_inserts + self.rejected_inserts
        self.updates = self.applied_updates + self.rejected_updates
        self.deletes = self.applied_deletes + self.rejected_deletes

    def settle(self, now: float) -> None:
        """Count the captured changes as applied, except the rejected ones."""
        self.applied_inserts = self.inserts - self.rejected_inserts
        self.applied_updates = self.updates - self.rejected_updates
        self.applied_deletes = self.deletes - self.rejected_deletes
        self.changed = now


@dataclass
class Status:
    phase: Phase = Phase.STARTING
    pid: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)
    position: str = ""
    """`file:offset` up to which everything is committed on the target."""
    gtid: str = ""
    full_load_started: float | None = None
    full_load_ended: float | None = None
    lag: float | None = None
    """Seconds between the source's commit and ours, of the last transaction."""
    stop_reason: str = ""
    failure: str = ""
    messages: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def say(self, message: str) -> None:
        """Into the log and the status; the last 50 are kept."""
        print(time.strftime("%H:%M:%S"), message, flush=True)
        self.messages = [*self.messages[-49:], f"{time.time():.3f} {message}"]


def read_status(folder: Path, name: str = STATUS) -> Status | None:
    """The status of a task's folder, or None when nothing was written yet."""
    try:
        data: dict[str, Any] = json.loads((folder / name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    tables = [
        Table(**{**t, "state": TableState(t["state"]), "validation": ValidationState(t["validation"])})
        for t in data.pop("tables")
    ]
    return Status(**{**data, "phase": Phase(data["phase"]), "tables": tables})


class Writer:
    """Writes the status when it changed, at most every `interval` seconds, and at once on `now`."""

    def __init__(self, folder: Path, status: Status, interval: float = 0.5) -> None:
        self.path, self.status, self.interval = folder / STATUS, status, interval
        self._last = b""
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> Writer:
        self.now()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.now()

    def now(self) -> None:
        with self._lock:
            content = json.dumps(asdict(self.status)).encode()
            if content == self._last:
                return
            temporary = self.path.with_suffix(".new")
            temporary.write_bytes(content)
            os.replace(temporary, self.path)
            self._last = content

    def _loop(self) -> None:
        while not self._end.wait(self.interval):
            self.now()
