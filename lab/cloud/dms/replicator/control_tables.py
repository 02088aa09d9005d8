"""DMS's control tables on the target, in the schema ControlSchema (awsdms_control when that is empty).

Columns:
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ControlTable.html
and, for validation,
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Validating.html#CHAP_Validating.Troubleshooting
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.cloud.dms.replicator.description import Description
from lab.cloud.dms.replicator.source import speaking
from lab.cloud.dms.replicator.status import Phase, Status
from lab.cloud.dms.replicator.tables import Key, full, quote
from lab.cloud.dms.replicator.target import SCHEMA, Target

STATUS_EVERY = 5.0
"""Seconds between two updates of awsdms_status."""
EXCEPTIONS, FAILURES = "awsdms_apply_exceptions", "awsdms_validation_failures_v1"
STATUS, SUSPENDED, HISTORY = "awsdms_status", "awsdms_suspended_tables", "awsdms_history"
SQL = Path(__file__).parent / "sql"
"""One CREATE TABLE for each of them."""


@dataclass(frozen=True)
class Rejected:
    """One change that the target refused: `error` in the server's words."""

    table: Key
    statement: str
    error: str


@dataclass
class ControlTables:
    target: Target
    description: Description
    _status_written: float = 0.0
    _slot: float = field(default_factory=time.time)
    _records: int = 0
    server: str = field(default_factory=socket.gethostname)

    def _set(self, name: str, default: object) -> bool:
        return bool(self.description.setting("ControlTablesSettings", name, default))

    @property
    def schema(self) -> str:
        return str(self.description.setting("ControlTablesSettings", "ControlSchema", "") or SCHEMA)

    def name(self, table: str) -> str:
        return f"{quote(self.schema)}.{table}"

    def wanted(self) -> list[str]:
        """The tables that the settings ask for; exceptions are always kept."""
        optional = {
            STATUS: "StatusTableEnabled",
            SUSPENDED: "SuspendedTablesTableEnabled",
            HISTORY: "HistoryTableEnabled",
        }
        out = [EXCEPTIONS, *(t for t, name in optional.items() if self._set(name, False))]
        if self.description.setting("ValidationSettings", "EnableValidation", False):
            out.append(FAILURES)
        return out

    def setup(self) -> None:
        with speaking("target", f"Creating the control tables in {self.schema}"):
            self.target.run(f"CREATE DATABASE IF NOT EXISTS {quote(self.schema)}")
            for table in self.wanted():
                create = (SQL / f"create_{table}.sql").read_text()
                self.target.run(create.format(table=self.name(table)))

    # Inside the open transaction --------------------------------------------------------------------
    def reject(self, changes: Sequence[Rejected]) -> None:
        for change in changes:
            with speaking("target", f"Writing to {EXCEPTIONS}"):
                self.target.run(
                    f"INSERT INTO {self.name(EXCEPTIONS)} (TASK_NAME, TABLE_OWNER, TABLE_NAME, ERROR_TIME,"
                    " STATEMENT, ERROR) VALUES (%s, %s, %s, NOW(), %s, %s)",
                    (self.description.resource, *change.table, change.statement, change.error),
                )

    def suspend(self, key: Key, reason: str) -> None:
        if SUSPENDED in self.wanted():
            with speaking("target", f"Writing to {SUSPENDED}"):
                self.target.run(
                    f"REPLACE INTO {self.name(SUSPENDED)} VALUES (%s, %s, %s, %s, %s, NOW())",
                    (self.server, self.description.resource, *key, reason[:32]),
                )

    def release(self, key: Key) -> None:
        """The table was loaded again."""
        if SUSPENDED in self.wanted():
            with speaking("target", f"Writing to {SUSPENDED}"):
                self.target.run(
                    f"DELETE FROM {self.name(SUSPENDED)} WHERE TASK_NAME = %s AND TABLE_OWNER = %s AND"
                    " TABLE_NAME = %s",
                    (self.description.resource, *key),
                )

    # Transactions of their own ----------------------------------------------------------------------
    def tell(self, status: Status, *, last: bool = False) -> None:
        """Status and history, at most every STATUS_EVERY seconds; nothing may be open on the target."""
        if not last and time.monotonic() - self._status_written < STATUS_EVERY:
            return
        self._status_written = time.monotonic()
        if STATUS in self.wanted():
            self._tell_status(status, last)
        if HISTORY in self.wanted():
            self._tell_history(status, last)
        with speaking("target", "Committing the control tables"):
            self.target.connection.commit()

    def _tell_status(self, status: Status, last: bool) -> None:
        words = {Phase.LOADING: "FULL LOAD", Phase.FOLLOWING: "CHANGE PROCESSING"}
        pending = sum(
            t.inserts
            + t.updates
            + t.deletes
            - t.applied_inserts
            - t.applied_updates
            - t.applied_deletes
            - t.rejected_inserts
            - t.rejected_updates
            - t.rejected_deletes
            for t in status.tables
        )
        with speaking("target", f"Writing to {STATUS}"):
            self.target.run(
                f"REPLACE INTO {self.name(STATUS)} VALUES (%s, %s, %s, NOW(), %s, 0, %s, %s, NOW(), %s,"
                " NOW(), NOW())",
                (
                    self.server,
                    self.description.resource,
                    "NOT RUNNING" if last else words.get(status.phase, "NOT RUNNING"),
                    pending,
                    memory(),
                    status.position,
                    status.position,
                ),
            )

    def _tell_history(self, status: Status, last: bool) -> None:
        slot = 60 * int(self.description.setting("ControlTablesSettings", "HistoryTimeslotInMinutes", 5))
        seconds = time.time() - self._slot
        if seconds < slot and not last:
            return
        loading = status.phase is Phase.LOADING
        records = sum(
            t.rows if loading else t.applied_inserts + t.applied_updates + t.applied_deletes
            for t in status.tables
        )
        with speaking("target", f"Writing to {HISTORY}"):
            self.target.run(
                f"REPLACE INTO {self.name(HISTORY)} VALUES (%s, %s, %s, FROM_UNIXTIME(%s), %s, %s, %s, 0)",
                (
                    self.server,
                    self.description.resource,
                    "Full Load" if loading else "Change Processing",
                    int(self._slot),
                    round(seconds / 60),
                    int(status.lag or 0),
                    max(0, records - self._records),
                ),
            )
        self._slot, self._records = time.time(), records


def memory() -> int:
    """Resident memory of this process in MB."""
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 >> 20


def describe(kind: str, key: Key, place: str, row: int) -> str:
    """STATEMENT of an exception. The lab replays raw rows, so it names the row by its place in the binlog."""
    return f"{kind} {full(key)} /* row {row + 1} of the event that ends at {place} */"
