"""DMS's data validation: rows of both sides compared by key in the background, while changes go on.

A table is compared whole after its load, and again after it changed. Both servers sum up their rows by parts
(a part is a hash of the key), and only parts that differ are compared row by row. A difference counts when
the target has everything that the source had when its row was read, and the source's row has stood still
meanwhile, twice in a row; rows that have not stood still for RecordSuspendDelayInMinutes are given up as
suspended. A table without a primary key is not compared.
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Validating.html
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import MySQLdb

from lab.cloud.dms.replicator.control_tables import FAILURES, ControlTables
from lab.cloud.dms.replicator.description import Description, MigrationType
from lab.cloud.dms.replicator.failure import Failed, Lost
from lab.cloud.dms.replicator.load import READING, connect_raw
from lab.cloud.dms.replicator.lobs import GEOMETRIES, TYPES
from lab.cloud.dms.replicator.status import Status, Table, TableState, ValidationState
from lab.cloud.dms.replicator.tables import Column, Key, Layout, full, quote

log = logging.getLogger(__name__)
PARTITION = 10_000
"""Rows of a part, as PartitionSize of ValidationSettings says by default."""
PARTS_AT_ONCE = 20
LOOKS = 6
"""Looks at rows that differ in one pass; those that changed every time wait for the next."""
REST = 4.0
"""Pause of a table after a pass, in multiples of the pass's duration; at least a second."""
MISMATCHED_AGAIN = 5.0
CATCH_UP = 60.0
"""Seconds for which a look waits until the target has what the source had."""
SETTLED = {
    ValidationState.VALIDATED,
    ValidationState.MISMATCHED,
    ValidationState.SUSPENDED,
    ValidationState.NO_KEY,
    ValidationState.TABLE_ERROR,
    ValidationState.ERROR,
}
RowKey = tuple[bytes | None, ...]


class Behind(Exception):
    """The target did not catch up in time: nothing can be said now."""


@dataclass
class Subject:
    """One table under validation."""

    source: Layout
    target: Layout
    parts: int
    seen: tuple[int, ...] = ()
    """Its counts when the last pass began."""
    due: float = 0.0
    failed: dict[RowKey, str] = field(default_factory=dict)
    moving: dict[RowKey, float] = field(default_factory=dict)
    """Row -> since when it has changed at every look and was never seen equal."""

    @property
    def keys(self) -> list[Column]:
        by_name = {c.name: c for c in self.source.columns}
        return [by_name[name] for name in self.source.primary]


class Validator:
    """A thread with a connection of its own to each side; nothing at all unless EnableValidation is set."""

    def __init__(
        self,
        description: Description,
        status: Status,
        layouts: Mapping[Key, Layout],
        there: Mapping[Key, Layout],
        control: ControlTables,
    ) -> None:
        self.description, self.status, self.control = description, status, control
        self.enabled = bool(description.setting("ValidationSettings", "EnableValidation", False))
        self.most = int(description.setting("ValidationSettings", "TableFailureMaxCount", 1000))
        self.patience = 60.0 * int(
            description.setting("ValidationSettings", "RecordSuspendDelayInMinutes", 30)
        )
        size = int(description.setting("ValidationSettings", "PartitionSize", PARTITION))
        skips = bool(description.setting("ValidationSettings", "SkipLobColumns", False))
        self.subjects = {
            key: Subject(
                without_lobs(layout) if skips else layout,
                without_lobs(there[key]) if skips else there[key],
                max(1, layout.rows // size),
            )
            for key, layout in layouts.items()
        }
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="validation")
        self.source: Any = None
        self.target: Any = None

    def __enter__(self) -> Validator:
        if self.enabled:
            for table in self.status.tables:
                if table.validation is ValidationState.NOT_ENABLED:
                    table.validation = ValidationState.WAITING
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self.enabled:
            self._thread.join(5)

    def at_work(self) -> bool:
        """True while tables wait for their first result."""
        return (
            self.enabled
            and self._thread.is_alive()
            and any(t.validation not in SETTLED for t in self.status.tables)
        )

    # The thread -------------------------------------------------------------------------------------
    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self._connect()
                while not self._end.wait(0.2):
                    self._pass()
            except (MySQLdb.MySQLError, Failed, Lost) as e:
                # the relay meets the same trouble and decides about it
                print(time.strftime("%H:%M:%S"), f"[VALIDATOR]W: {e}", flush=True)
                self._end.wait(2)
            except Exception:
                log.exception("the validator broke")
                self._end.wait(2)
            finally:
                self._close()

    def _connect(self) -> None:
        self.source, self.target = connect_raw(self.description.source), connect_raw(self.description.target)
        for connection in (self.source, self.target):
            connection.autocommit(True)
            connection.cursor().execute(READING)

    def _close(self) -> None:
        for connection in (self.source, self.target):
            if connection is not None:
                with contextlib.suppress(Exception):
                    connection.close()
        self.source = self.target = None

    def _pass(self) -> None:
        for table in list(self.status.tables):
            subject = self.subjects.get(table.key)
            if subject and not self._end.is_set() and self._wanted(table, subject):
                self._validate(table, subject)

    def _wanted(self, table: Table, subject: Subject) -> bool:
        if table.state in (TableState.ERROR, TableState.ABSENT, TableState.CANCELLED):
            table.validation = ValidationState.TABLE_ERROR
        elif not subject.source.primary:
            table.validation = ValidationState.NO_KEY
        elif table.state is not TableState.COMPLETED:
            table.validation, subject.seen = ValidationState.WAITING, ()
        else:
            changes = sum(counts(table)) - sum(subject.seen)
            if subject.seen and changes:
                table.validation_pending = changes
                if table.validation in (ValidationState.VALIDATED, ValidationState.TABLE_ERROR):
                    table.validation = ValidationState.PENDING
            again = not subject.seen or changes or subject.failed or table.validation not in SETTLED
            return bool(again) and time.monotonic() >= subject.due
        return False

    def _validate(self, table: Table, subject: Subject) -> None:
        began, seen = time.monotonic(), counts(table)
        if not subject.seen:
            table.validation, table.validation_pending = (
                ValidationState.PENDING,
                max(1, table.expected, table.rows),
            )
        try:
            self._compare(table, subject)
        except Behind as e:
            table.validation_details = str(e)
            subject.due = time.monotonic() + 1
            return
        except MySQLdb.ProgrammingError as e:
            table.validation, table.validation_details = ValidationState.ERROR, str(e)
            subject.seen, subject.due = seen, time.monotonic() + 60
            return
        subject.seen = seen
        subject.due = time.monotonic() + max(1.0, REST * (time.monotonic() - began))
        suspended = sum(time.monotonic() - since > self.patience for since in subject.moving.values())
        table.validation_pending = sum(counts(table)) - sum(seen) + len(subject.moving) - suspended
        table.validation_failed, table.validation_suspended = len(subject.failed), suspended
        table.validation_details = ""
        if subject.failed:
            table.validation = ValidationState.MISMATCHED
            subject.due = max(subject.due, time.monotonic() + MISMATCHED_AGAIN)
        elif suspended:
            table.validation = ValidationState.SUSPENDED
        elif subject.moving:
            table.validation = ValidationState.PENDING
        else:
            table.validation = ValidationState.VALIDATED

    # Comparing --------------------------------------------------------------------------------------
    def _compare(self, table: Table, subject: Subject) -> None:
        """Fill `subject.failed` and `subject.moving`."""
        ours = self._sums(self.source, subject.source, subject)
        self._caught_up()
        theirs = self._sums(self.target, subject.target, subject)
        parts = sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))[:PARTS_AT_ONCE]
        failed: dict[RowKey, str] = {}
        doubted: dict[RowKey, int] = {}
        """Row -> how often in succession it differed while at rest; a row seen equal is dropped."""
        for look in range(LOOKS if parts else 0):
            steady, moving = self._look(subject, parts)
            seen = {**dict.fromkeys(moving, 0), **{key: doubted.get(key, 0) + 1 for key in steady}}
            # what first differs at a later look was changed since: that is for the next pass
            doubted = {key: n for key, n in seen.items() if look == 0 or key in doubted}
            failed = {key: steady[key] for key, n in doubted.items() if n > 1}
            if doubted.keys() == failed.keys() or len(failed) > self.most or self._end.is_set():
                break
            self._end.wait(0.2 * (look + 1))
        self._tell(table, subject, failed)
        now_moving = doubted.keys() - failed.keys()
        subject.moving = {key: subject.moving.get(key, time.monotonic()) for key in now_moving}

    def _look(self, subject: Subject, parts: list[int]) -> tuple[dict[RowKey, str], set[RowKey]]:
        """Rows that differ while the source's row was at rest, and rows that differ and changed."""
        before = self._rows(self.source, subject.source, subject, parts)
        self._caught_up()
        theirs = self._rows(self.target, subject.target, subject, parts)
        after = self._rows(self.source, subject.source, subject, parts)
        steady, moving = {}, set()
        for key in before.keys() | theirs.keys():
            if before.get(key) == theirs.get(key):
                continue
            if before.get(key) != after.get(key):
                moving.add(key)
            else:
                steady[key] = (
                    "MISSING_TARGET"
                    if key not in theirs
                    else "MISSING_SOURCE"
                    if key not in before
                    else "RECORD_DIFF"
                )
        return steady, moving

    def _sums(self, connection: Any, layout: Layout, subject: Subject) -> dict[int, tuple[Any, ...]]:
        cursor = connection.cursor()
        cursor.execute(
            f"SELECT {part(subject)}, COUNT(*), SUM(CRC32({row_text(subject.source)})) FROM"
            f" {full(layout.key)} GROUP BY 1"
        )
        return {int(p): tuple(rest) for p, *rest in cursor.fetchall()}

    def _rows(
        self, connection: Any, layout: Layout, subject: Subject, parts: list[int]
    ) -> dict[RowKey, bytes]:
        cursor = connection.cursor()
        cursor.execute(
            f"SELECT {', '.join(c.select for c in subject.keys)}, MD5({row_text(subject.source)}) FROM"
            f" {full(layout.key)} WHERE {part(subject)} IN ({', '.join(map(str, parts))})"
        )
        return {tuple(row[:-1]): row[-1] for row in cursor.fetchall()}

    def _caught_up(self) -> None:
        """Wait until the target has all that the source has now; Behind when that takes too long."""
        if self.description.migration_type is MigrationType.FULL_LOAD:
            return
        cursor = self.source.cursor()
        cursor.execute("SHOW MASTER STATUS")
        file, offset = cursor.fetchone()[:2]
        goal, deadline = (file.decode(), int(offset)), time.monotonic() + CATCH_UP
        while True:
            have, _, at = self.status.position.rpartition(":")
            if have and (have, int(at)) >= goal:
                return
            if time.monotonic() > deadline or self._end.is_set():
                raise Behind(f"the target is behind {goal[0]}:{goal[1]}")
            time.sleep(0.02)

    def _tell(self, table: Table, subject: Subject, failed: dict[RowKey, str]) -> None:
        """New failures go into the table of failures, and the log."""
        new = {key: kind for key, kind in failed.items() if key not in subject.failed}
        subject.failed = failed
        if self.description.migration_type is MigrationType.FULL_LOAD:
            return
        cursor = self.target.cursor()
        for key, kind in list(new.items())[: self.most]:
            text = json.dumps(
                {"key": [None if v is None else v.decode("utf8", "backslashreplace") for v in key]}
            )
            cursor.execute(
                f"INSERT INTO {self.control.name(FAILURES)} (TASK_NAME, TABLE_OWNER, TABLE_NAME,"
                " FAILURE_TIME, `KEY`, FAILURE_TYPE, DETAILS) SELECT %s, %s, %s, NOW(3), %s, %s, '' FROM"
                f" DUAL WHERE NOT EXISTS (SELECT 1 FROM {self.control.name(FAILURES)} WHERE TASK_NAME = %s"
                " AND TABLE_OWNER = %s AND TABLE_NAME = %s AND `KEY` = %s AND FAILURE_TYPE = %s)",
                (self.description.resource, *table.key, text, kind) * 2,
            )
        if new:
            self.status.say(
                f"[VALIDATOR]W: {len(new)} rows of '{table.schema}'.'{table.table}' differ, first"
                f" {sorted(new.values())[0]} at {next(iter(new))!r}; see {FAILURES}"
            )


def counts(table: Table) -> tuple[int, ...]:
    """Everything that ever changed a table, as numbers that only grow."""
    return table.rows, table.inserts, table.updates, table.deletes, table.ddls, int(table.load_started or 0)


def text_of(column: Column) -> str:
    """A column as bytes that are the same on both sides when the values are."""
    if column.type in GEOMETRIES:
        return f"HEX({quote(column.name)})"
    return f"CAST({column.select} AS BINARY)"


def without_lobs(layout: Layout) -> Layout:
    """SkipLobColumns: what is left to validate."""
    return replace(layout, columns=tuple(c for c in layout.columns if c.type not in TYPES))


def row_text(layout: Layout) -> str:
    """One expression for the whole row; lengths before the values, so that no two rows read alike."""
    each = [f"COALESCE(CONCAT(OCTET_LENGTH({text_of(c)}), ':', {text_of(c)}), 'N')" for c in layout.loaded]
    return f"CONCAT_WS('|', {', '.join(each)})"


def part(subject: Subject) -> str:
    keys = ", ".join(text_of(c) for c in subject.keys)
    return f"CRC32(CONCAT_WS('|', {keys})) % {subject.parts}"
