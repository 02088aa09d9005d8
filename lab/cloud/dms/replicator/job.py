"""One run of one task: load if that is still to be done, then follow, until an order or an error ends it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
import traceback
from pathlib import Path
from typing import Any

from lab.cloud.dms.replicator.control_tables import ControlTables
from lab.cloud.dms.replicator.description import BEFORE, RELOAD, Description, MigrationType, StartType
from lab.cloud.dms.replicator.failure import Again, Failed, Lost, OneByOne, Stopped
from lab.cloud.dms.replicator.load import FullLoad, Work
from lab.cloud.dms.replicator.lob_rows import LobTables
from lab.cloud.dms.replicator.lobs import LobLimit, inline_of, limit_of
from lab.cloud.dms.replicator.non_transactional import NonTransactionalTables
from lab.cloud.dms.replicator.policies import Policies
from lab.cloud.dms.replicator.relay import Relay
from lab.cloud.dms.replicator.selection import Selection
from lab.cloud.dms.replicator.source import (
    BinlogStream,
    Place,
    check_settings,
    connect,
    fetch,
    place_now,
    require_binlog,
    since_of,
    speaking,
    start_of,
)
from lab.cloud.dms.replicator.status import Phase, Status, Table, TableState, Writer, read_status
from lab.cloud.dms.replicator.stop_conditions import CdcOptions
from lab.cloud.dms.replicator.tables import Key, Layout, read_counterparts, read_selected, require_match
from lab.cloud.dms.replicator.target import Checkpoint, Step, Target
from lab.cloud.dms.replicator.validation import Validator

PATIENCE = 30.0
"""Seconds for which a broken connection is tried again before the task fails with the server's words."""
WORKERS = 4
"""Tables loaded at once at most; more than that only contend on one machine."""
NOTHING = (
    "No tables were found at task initialization. Either the selected table(s) or schema(s) no longer exist"
    " or no match was found for the table selection pattern(s)"
)


class Job:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.description = Description.read(folder)
        self.status = Status()
        if self.description.start is StartType.RESUME and (before := read_status(folder, BEFORE)):
            self.status.tables = before.tables
        self.stopping = False
        self.started = self.description.start is StartType.RESUME
        """True once what an earlier run left behind has been dealt with."""
        self.woken_since = time.monotonic()
        self.row_by_row_to: Place | None = None
        self.wake, self._waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._waker, False)

    # Orders ---------------------------------------------------------------------------------------
    def listen(self) -> None:
        """SIGTERM is the order to stop, SIGUSR1 the order to load tables again."""
        signal.signal(signal.SIGTERM, self._order)
        signal.signal(signal.SIGINT, self._order)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.set_wakeup_fd(self._waker)

    def _order(self, *_: object) -> None:
        self.stopping = True
        self.status.say("the order to stop arrived")

    def obey(self) -> None:
        """Stopped when that was ordered."""
        if self.stopping:
            raise Stopped("NORMAL")

    # Life -----------------------------------------------------------------------------------------
    def run(self) -> int:
        """Exit code 0 when stopped, 1 when failed; the status file says why."""
        self.listen()
        d, status = self.description, self.status
        with Writer(self.folder, status) as writer:
            status.say(f"{d.task}: {d.start}, {d.migration_type}, from {d.source} to {d.target}")
            try:
                self.persist(writer)
            except Stopped as e:
                status.stop_reason = e.reason
            except Failed as e:
                status.stop_reason, status.failure = (
                    "Stop Reason FATAL_ERROR",
                    f"Last Error {e} Stop Reason FATAL_ERROR Error Level FATAL",
                )
            except Exception as e:
                traceback.print_exc()
                status.stop_reason = "Stop Reason FATAL_ERROR"
                status.failure = (
                    f"Last Error the replicator broke: {type(e).__name__}: {e} Stop Reason FATAL_ERROR Error"
                    " Level FATAL"
                )
            status.phase = Phase.ENDED
            status.say(f"ended: {status.stop_reason} {status.failure}")
        return 1 if status.failure else 0

    def persist(self, writer: Writer) -> None:
        """Run one session after another; give up after PATIENCE seconds without progress."""
        self.woken_since, pause = time.monotonic(), 0.2
        while True:
            seen = self.status.position
            try:
                self.session(writer)
            except OneByOne as e:
                self.row_by_row_to = e.place
                self.forget_unapplied()
            except Again:
                self.status.say("an order arrived: going on from the checkpoint")
                self.forget_unapplied()
            except Lost as e:
                if self.status.position != seen:
                    self.woken_since, pause = time.monotonic(), 0.2
                self.forget_unapplied()
                self.obey()
                if time.monotonic() - self.woken_since > PATIENCE:
                    raise Failed(f"The {e.side} did not come back within {PATIENCE:.0f} s: {e.why}") from e
                self.status.say(f"lost the {e.side}: {e.why}; trying again in {pause:.1f} s")
                time.sleep(pause)
                self.obey()
                pause = min(2.0, pause * 1.5)

    def forget_unapplied(self) -> None:
        for table in self.status.tables:
            table.forget_unapplied()

    def session(self, writer: Writer) -> None:
        d = self.description
        selection = Selection(d.mappings)
        self.policies = Policies(d.settings)
        with speaking("source", "Connecting to the database"):
            source = connect(d.source)
        target = Target(d.target, d.task)
        self.control = ControlTables(target, d)
        try:
            with speaking("source", "Reading the tables"):
                check_settings(source)
                layouts = read_selected(source, selection)
                not_tables = sequences(source)
            there = self.prepare(target, selection, layouts)
            self.lobs = LobLimit(limit_of(d), layouts, self.status)
            mark, since = self.load_or_begin(source, target, layouts, there, writer)
            self.load_again(target, layouts, there, mark, writer)
            with speaking("source", "Reading the binlog"):
                require_binlog(source, mark.place)
            source.close()
            self.follow(target, selection, layouts, there, not_tables, mark, since, writer)
        except (Stopped, Failed):
            with contextlib.suppress(Exception):
                target.roll_back()
                self.control.tell(self.status, last=True)
            raise
        finally:
            if source.open:
                source.close()
            target.close()

    def prepare(self, target: Target, selection: Selection, layouts: dict[Key, Layout]) -> dict[Key, Layout]:
        """The target's tables by the source's names; the control tables are there afterwards."""
        if not layouts:
            raise Failed(NOTHING)
        with speaking("target", "Reading the tables"):
            there = read_counterparts(target.connection, selection, layouts)
            target.connection.rollback()
        self.adopt(layouts, self.tables() if self.started else {})
        for key, table in self.tables().items():
            if key not in there:
                table.state = TableState.ABSENT
        require_match(layouts, there)
        self.plain = {k for k, layout in layouts.items() if layout.transactional and there[k].transactional}
        target.setup()
        if self.description.migration_type is not MigrationType.FULL_LOAD:
            self.control.setup()
        if not self.started:
            target.forget()
            self.started = True
        self.adopt(layouts, {t.key: t for t in target.statistics()})
        return there

    def tables(self) -> dict[Key, Table]:
        return {t.key: t for t in self.status.tables}

    def adopt(self, layouts: dict[Key, Layout], known: dict[Key, Table]) -> None:
        """The status shows every selected table, with what is known of it."""
        tables, before = [], self.tables()
        for key, layout in layouts.items():
            table = known.get(key) or Table(*key)
            if key in before:
                before[key].validated_as(table)
            table.expected = max(table.expected, layout.rows)
            tables.append(table)
        self.status.tables = tables

    # Full load ------------------------------------------------------------------------------------
    def load_or_begin(
        self,
        source: Any,
        target: Target,
        layouts: dict[Key, Layout],
        there: dict[Key, Layout],
        writer: Writer,
    ) -> tuple[Checkpoint, float]:
        """Where CDC starts reading, and the time before which changes are skipped."""
        d = self.description
        mark = target.checkpoint()
        if mark is not None and mark.step is not Step.LOADING:
            self.status.position, self.status.gtid = str(mark.place), mark.place.gtid
            return mark, since_of(d.position)
        if d.migration_type is MigrationType.CDC:
            with speaking("source", "Finding the start position"):
                place = start_of(source, d.position)
            for table in self.status.tables:
                table.state = TableState.COMPLETED
            target.commit(Step.FOLLOWING, place, self.status.tables)
            return Checkpoint(Step.FOLLOWING, place), since_of(d.position)
        place = self.load(target, layouts, there, again=mark is not None, writer=writer)
        if d.migration_type is MigrationType.FULL_LOAD:
            self.validate_load(layouts, there)
            raise Stopped("FULL_LOAD_ONLY_FINISHED")
        if d.setting("FullLoadSettings", "StopTaskCachedChangesNotApplied", False):
            raise Stopped("STOPPED_AFTER_FULL_LOAD")
        return Checkpoint(Step.LOADED, place), 0.0

    def full_load(self, workers: int) -> FullLoad:
        d = self.description
        return FullLoad(d.source, d.target, lambda: self.stopping, self.lobs, workers, inline=inline_of(d))

    def load(
        self,
        target: Target,
        layouts: dict[Key, Layout],
        there: dict[Key, Layout],
        *,
        again: bool,
        writer: Writer,
    ) -> Place:
        d = self.description
        mode = d.setting("FullLoadSettings", "TargetTablePrepMode", "DO_NOTHING")
        if mode not in ("DO_NOTHING", "TRUNCATE_BEFORE_LOAD"):
            raise Failed(
                f"The lab's DMS has no TargetTablePrepMode {mode}: the target's schema is the caller's"
            )
        self.adopt(layouts, {})
        self.status.phase, self.status.full_load_started = Phase.LOADING, time.time()
        self.status.full_load_ended = None
        target.commit(Step.LOADING, Place("", "", 0), self.status.tables)
        writer.now()
        at_once = min(len(layouts), int(d.setting("FullLoadSettings", "MaxFullLoadSubTasks", 8)), WORKERS)
        full = self.full_load(at_once)
        try:
            truncate = again or mode == "TRUNCATE_BEFORE_LOAD" or d.start is StartType.RELOAD
            works = [Work(layouts[key], there[key], table) for key, table in self.tables().items()]
            full.run(works, truncate=truncate, policy=self.policies.of_table(), done=lambda _: writer.now())
        finally:
            full.close()
        self.suspend_broken(target)
        target.commit(Step.LOADED, full.place, self.status.tables)
        self.status.full_load_ended = time.time()
        self.status.position, self.status.gtid = str(full.place), full.place.gtid
        rows = sum(t.rows for t in self.status.tables)
        seconds = self.status.full_load_ended - (self.status.full_load_started or 0)
        self.status.say(
            f"full load: {rows} rows of {len(layouts)} tables in {seconds:.1f} s by {len(full.readers)}"
            f" workers, captured from {full.place} on"
        )
        return full.place

    def suspend_broken(self, target: Target) -> None:
        for table in self.status.tables:
            if (
                table.state is TableState.ERROR
                and self.description.migration_type is not MigrationType.FULL_LOAD
            ):
                self.control.suspend(table.key, "Table error")
            if table.state is TableState.ERROR:
                self.status.say(
                    f"[TASK_MANAGER]W: Table '{table.schema}'.'{table.table}' was suspended: {table.why}"
                )

    def load_again(
        self,
        target: Target,
        layouts: dict[Key, Layout],
        there: dict[Key, Layout],
        mark: Checkpoint,
        writer: Writer,
    ) -> None:
        """Load the requested tables again; what is written from its load's begin on is applied."""
        ordered = self.folder / RELOAD
        if ordered.exists():
            wanted = {(s, t) for s, t in json.loads(ordered.read_text())}
            for table in self.status.tables:
                table.state = TableState.RELOADING if table.key in wanted else table.state
            target.commit(mark.step, mark.place, self.status.tables)
            ordered.unlink()
        tables = [t for t in self.status.tables if t.state is TableState.RELOADING]
        if not tables:
            return
        self.status.phase = Phase.LOADING
        full = self.full_load(1)

        def done(work: Work) -> None:
            table = work.table
            table.reloaded = True
            if table.state is TableState.COMPLETED:
                self.control.release(table.key)
            target.commit(mark.step, mark.place, [table])
            self.status.say(
                f"{table.schema}.{table.table} was loaded again: {table.state}, {table.rows} rows, captured"
                f" from {table.loaded_file}:{table.loaded_at} on"
            )
            writer.now()

        try:
            works = [Work(layouts[t.key], there[t.key], t) for t in tables]
            full.run(works, truncate=True, policy=self.policies.of_table(), done=done)
        finally:
            full.close()

    def validator(self, layouts: dict[Key, Layout], there: dict[Key, Layout]) -> Validator:
        return Validator(self.description, self.status, layouts, there, self.control)

    def validate_load(self, layouts: dict[Key, Layout], there: dict[Key, Layout]) -> None:
        """A task that only loads is validated once, before it ends."""
        with self.validator(layouts, there) as validator:
            while validator.at_work() and not self.stopping:
                time.sleep(0.1)

    # CDC ------------------------------------------------------------------------------------------
    def follow(
        self,
        target: Target,
        selection: Selection,
        layouts: dict[Key, Layout],
        there: dict[Key, Layout],
        not_tables: set[Key],
        mark: Checkpoint,
        since: float,
        writer: Writer,
    ) -> None:
        d = self.description
        non_transactional = NonTransactionalTables(
            target, {k: there[k] for k in layouts if k not in self.plain}
        )
        non_transactional.prepare()
        lob_tables = LobTables(target, layouts, {k: there[k] for k in self.plain})
        lob_tables.prepare()
        stream = BinlogStream(d.source, mark.place.gtid, d.server_id)
        try:
            relay = Relay(
                stream,
                target,
                mark.place,
                selection=selection,
                non_transactional=non_transactional,
                lob_tables=lob_tables,
                not_tables=not_tables,
                status=self.status,
                wake=self.wake,
                orders=self.hear,
                options=CdcOptions.of(d, since),
                control=self.control,
                policies=self.policies,
                lobs=self.lobs,
                row_by_row_to=self.row_by_row_to,
            )
            self.row_by_row_to = None
            if mark.step is Step.LOADED and d.setting(
                "FullLoadSettings", "StopTaskCachedChangesApplied", False
            ):
                with speaking("source", "Finding the position"), connect(d.source) as now:
                    relay.stop_at = place_now(now)
            self.status.phase = Phase.FOLLOWING
            self.status.say(f"following the binlog from {mark.place} (GTID {mark.place.gtid or 'none'})")
            writer.now()
            with self.validator(layouts, there):
                relay.run()
        finally:
            stream.close()

    def hear(self) -> None:
        """Empty the wake pipe and obey."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 512)
        self.obey()
        if (self.folder / RELOAD).exists():
            raise Again


def sequences(connection: Any) -> set[Key]:
    """Sequences write rows too, and DMS does not carry them."""
    return {
        (str(s), str(t))
        for s, t in fetch(
            connection,
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'SEQUENCE'",
        )
    }
