"""One transaction applied row by row: the refused row is known, and the task's policies decide about it.

The server undoes the whole transaction with the statement that it refuses. So after each refusal the
transaction is applied anew without what was rejected, until it goes through; then it is committed with its
checkpoint as ever. DMS does the same when a batch fails: it applies it again "one by one".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from lab.cloud.dms.replicator import events as ev
from lab.cloud.dms.replicator.control_tables import ControlTables, Rejected, describe
from lab.cloud.dms.replicator.events import Event, TableMap
from lab.cloud.dms.replicator.failure import Failed, Refused
from lab.cloud.dms.replicator.lob_rows import LobTables
from lab.cloud.dms.replicator.non_transactional import NonTransactionalTables
from lab.cloud.dms.replicator.policies import Policies, Policy
from lab.cloud.dms.replicator.status import Status, Table, TableState
from lab.cloud.dms.replicator.tables import Key
from lab.cloud.dms.replicator.target import Target

Statement = list[tuple[Event, TableMap]]
TOO_MANY = 1000
"""Rows of one transaction that may be refused before the task gives up."""
CONFLICTS = {1022, 1032, 1062, 1169}
"""Duplicates and rows that are not there: what FullLoadIgnoreConflicts is about.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ErrorHandling.html
"""
EVENT = -1
"""Instead of a row's number: the event as a whole."""


class _Blame(Exception):
    def __init__(self, event: Event, table: TableMap, row: int, refused: Refused, rows: int = 1) -> None:
        self.event, self.table, self.row, self.refused, self.rows = event, table, row, refused, rows
        super().__init__(str(refused))


@dataclass
class Refusals:
    """Changes left out of the current transaction."""

    rows: set[tuple[int, int]] = field(default_factory=set)
    """(id of the event, row in it)."""
    suspended: dict[Key, str] = field(default_factory=dict)
    logged: list[Rejected] = field(default_factory=list)
    counts: dict[Key, list[int]] = field(default_factory=dict)


class RowByRowApplier:
    def __init__(
        self,
        target: Target,
        non_transactional: NonTransactionalTables,
        lob_tables: LobTables,
        policies: Policies,
        control: ControlTables,
        status: Status,
        *,
        ignore_conflicts: bool,
    ) -> None:
        """`ignore_conflicts`: FullLoadIgnoreConflicts, which is about cached changes only."""
        self.ignore_conflicts, self.lob_tables = ignore_conflicts, lob_tables
        self.target, self.non_transactional, self.policies, self.control, self.status = (
            target,
            non_transactional,
            policies,
            control,
            status,
        )

    def apply(
        self, transaction: list[Statement], tables: dict[Key, Table], checksum: int, place: str
    ) -> Refusals:
        """Everything that the target takes, uncommitted; Failed when a policy says STOP_TASK."""
        out = Refusals()
        while True:
            self.lob_tables.begin()
            try:
                for statement in transaction:
                    for event, table in statement:
                        if table.key not in out.suspended:
                            self._event(event, table, out, checksum)
                break
            except _Blame as blame:
                self.target.roll_back()
                self._decide(blame, out, tables, place)
        self.control.reject(out.logged)
        for key, why in out.suspended.items():
            self._suspend(tables[key], why)
        return out

    def _event(self, event: Event, table: TableMap, out: Refusals, checksum: int) -> None:
        if table.key in self.non_transactional:
            try:
                if (id(event), EVENT) not in out.rows:
                    self.non_transactional.apply(event, table, checksum)
            except Refused as e:
                rows = ev.count(event, ev.locate(event, checksum), table)
                raise _Blame(event, table, EVENT, e, rows) from e
            return
        where = ev.locate(event, checksum)
        for row in range(ev.count(event, where, table)):
            if (id(event), row) in out.rows:
                continue
            one = ev.only_row(event, where, table, row, checksum)
            try:
                if table.key in self.lob_tables:
                    self.lob_tables.apply(event._replace(raw=one), table, checksum)
                    continue
                self.target.add([table.raw, one])
                self.target.replay()
            except Refused as e:
                raise _Blame(event, table, row, e) from e

    def _decide(self, blame: _Blame, out: Refusals, tables: dict[Key, Table], place: str) -> None:
        key, refused = blame.table.key, blame.refused
        if not self.policies.concerns(refused.number):
            raise refused
        index = ev.index(blame.event.kind)
        file = place.rpartition(":")[0]
        if (
            self.ignore_conflicts
            and refused.number in CONFLICTS
            and tables[key].cached(file, blame.event.end)
        ):
            out.rows.add((id(blame.event), blame.row))
            return
        policy = self.policies.of_row(refused.number, blame.event.kind)
        change = Rejected(
            key,
            describe(
                ("INSERT INTO", "UPDATE", "DELETE FROM")[index], key, f"{file}:{blame.event.end}", blame.row
            ),
            str(refused),
        )
        if policy is Policy.STOP or len(out.rows) >= TOO_MANY:
            self.control.reject([change])
            self.target.connection.commit()
            tables[key].state, tables[key].why = TableState.ERROR, str(refused)
            raise Failed(f"Failed to apply a change to table {key[0]}.{key[1]}: {refused}")
        if policy is not Policy.IGNORE:
            self.status.say(f"[TARGET_APPLY]W: {change.statement}: {refused} ({policy})")
            out.logged.append(change)
        if policy is Policy.SUSPEND:
            out.suspended[key] = str(refused)
        else:
            out.rows.add((id(blame.event), blame.row))
            out.counts.setdefault(key, [0, 0, 0])[index] += blame.rows

    def _suspend(self, table: Table, why: str) -> None:
        table.state, table.why, table.changed = TableState.ERROR, why, time.time()
        self.control.suspend(table.key, "Table error")
        self.status.say(f"[TASK_MANAGER]W: Table '{table.schema}'.'{table.table}' was suspended: {why}")
