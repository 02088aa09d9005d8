"""Following the binlog: whole transactions from the source, replayed on the target with their checkpoint.

Nothing is polled: the relay sleeps until the source, the target or an order wakes it, and what has arrived
is committed as soon as the socket is empty, in groups of up to GROUP bytes. When a connection breaks,
everything unfinished is thrown away and read again from the checkpoint that the target committed, so each
transaction is applied exactly once, whatever was cut where. A group that the target refuses is applied again
transaction by transaction, row by row, under the task's error policies.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import select
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lab.cloud.dms.replicator import events as ev
from lab.cloud.dms.replicator.control_tables import ControlTables
from lab.cloud.dms.replicator.events import Event, Gtid, Kind, TableMap
from lab.cloud.dms.replicator.failure import Failed, Lost, OneByOne, Refused, Stopped
from lab.cloud.dms.replicator.lob_rows import LobTables
from lab.cloud.dms.replicator.lobs import LobLimit
from lab.cloud.dms.replicator.non_transactional import NonTransactionalTables
from lab.cloud.dms.replicator.policies import Policies
from lab.cloud.dms.replicator.row_by_row import RowByRowApplier, Statement
from lab.cloud.dms.replicator.selection import Selection
from lab.cloud.dms.replicator.source import BinlogStream, Place, speaking
from lab.cloud.dms.replicator.status import Status, Table, TableState
from lab.cloud.dms.replicator.stop_conditions import CdcOptions
from lab.cloud.dms.replicator.tables import Key, full
from lab.cloud.dms.replicator.target import Step, Target
from livemove.comparison.binlog_layout import COMPRESSED, HEADER, INSERTS, ROWS, UPDATES

GROUP = 1 << 20
"""Bytes of events after which a group of transactions is committed, even if more is waiting."""
GROUP_SECONDS = 0.5
"""Seconds after which it is committed, too."""
IDLE_CHECKPOINT = 5.0
"""Seconds after which the checkpoint moves past transactions that held nothing for us."""
PIECE = 4 << 20
"""Bytes of one statement's events that are replayed in one piece."""

STREAM = 8 << 20
"""Bytes of one transaction after which it goes to the target piece by piece, before its end is known."""
TRUNCATE = re.compile(
    r"\s*TRUNCATE\s+(?:TABLE\s+)?(?:(?P<schema>`[^`]+`|\w+)\s*\.\s*)?(?P<table>`[^`]+`|\w+)", re.IGNORECASE
)
WHOLE = 256 << 20
"""Bytes of a transaction that is held whole when it is applied row by row."""


class Relay:
    """From one connected stream to one connected target. `run` ends only by Stopped, Failed or Lost."""

    def __init__(
        self,
        stream: BinlogStream,
        target: Target,
        place: Place,
        *,
        selection: Selection,
        non_transactional: NonTransactionalTables,
        lob_tables: LobTables,
        not_tables: set[Key],
        status: Status,
        wake: int,
        orders: Callable[[], None],
        options: CdcOptions,
        control: ControlTables,
        policies: Policies,
        lobs: LobLimit,
        row_by_row_to: Place | None = None,
    ) -> None:
        self.stream, self.target, self.selection, self.non_transactional = (
            stream,
            target,
            selection,
            non_transactional,
        )
        self.lob_tables = lob_tables
        self.not_tables, self.status, self.wake, self.orders = not_tables, status, wake, orders
        self.options, self.control, self.policies, self.lobs = options, control, policies, lobs
        self.row_by_row_to = row_by_row_to
        """Up to this place each transaction is applied row by row, because the target refused a group."""
        self.row_by_row = RowByRowApplier(
            target,
            non_transactional,
            lob_tables,
            policies,
            control,
            status,
            ignore_conflicts=options.ignore_conflicts,
        )
        self.file, self.offset = place.file, place.offset
        self.seen = place.offset
        self.domains = {int(g.split("-")[0]): g for g in place.gtid.split(",") if g}
        self.tables = {t.key: t for t in status.tables}
        self.checksum, self.layout = 0, b""
        self.maps: dict[int, TableMap] = {}
        self.gtid: Gtid | None = None
        self.statement: Statement = []
        self.transaction: list[Statement] = []
        self.counts: dict[Key, list[int]] = {}
        self.touched: set[Key] = set()
        self.bytes, self.unwritten = 0, False
        self.size, self.streaming = 0, False
        self.savepoints: dict[str, tuple[int, dict[Key, list[int]]]] = {}
        self.saved = time.monotonic()
        self.at: float = 0.0
        self.passing = False
        """True inside a transaction that began before the start time."""
        self.batch: list[Statement] = []
        self.batch_began = 0.0
        self.stop_at: Place | None = None

    def run(self) -> None:
        watched: list[Any] = [self.stream, self.target, self.wake]
        while True:
            event = self.stream.next()
            if event is not None:
                self.take(event)
                continue
            if self.stream.fill():
                continue
            self.flush()
            if not self.streaming:
                self.control.tell(self.status)
            ready = select.select(watched, [], [], 0.1 if self.batch else 1.0)[0]
            if not ready:
                self.silence()
            if self.wake in ready:
                self.orders()
            if self.target in ready:
                # the target speaks only when asked, so this is the end of the connection
                raise Lost("target", "the server closed the connection")

    def take(self, event: Event) -> None:
        kind = event.kind
        self.seen = event.end or self.seen
        if kind == Kind.TABLE_MAP:
            table = ev.parse_table_map(event)
            if (name := self.selection.target(table.key)) != table.key:
                table.raw = table.renamed(*name, self.checksum)
            self.maps[table.id] = table
        elif kind in ROWS:
            self.rows(event)
        elif kind == Kind.GTID:
            self.check_time(event.time)
            self.gtid = ev.parse_gtid(event)
            self.begin()
            self.passing = event.time < self.options.since
        elif kind == Kind.XID:
            self.end_transaction(event)
        elif kind == Kind.QUERY:
            self.query(event)
        elif kind == Kind.FORMAT:
            self.format(event)
        elif kind == Kind.HEARTBEAT:
            self.all_is_here()
            self.silence()
        elif kind == Kind.ROTATE:
            self.file, self.offset = ev.parse_rotate(event)
        elif kind == Kind.XA_PREPARE and not self.transaction:
            self.end_transaction(event)
        elif kind in (Kind.XA_PREPARE, Kind.INCIDENT, Kind.EXECUTE_LOAD) or kind in COMPRESSED:
            raise Failed(
                f"The source's binlog has an event of type {kind} at {self.file}:{event.end}, which the lab's"
                " DMS cannot apply (XA transaction, incident, LOAD DATA as a statement, or compressed"
                " events)"
            )

    def format(self, event: Event) -> None:
        """Send the table map of the next events to the target, and again when it changed."""
        self.checksum = ev.checksum_size(event)
        body = event.raw[HEADER:]
        if body[:2] + body[56:] != self.layout:
            self.flush(now=True)
            self.target.add([event.raw])
            self.target.replay()
            self.layout = body[:2] + body[56:]

    # Rows -----------------------------------------------------------------------------------------
    def rows(self, event: Event) -> None:
        table = self.maps.get(ev.table_of(event))
        if (
            table is not None
            and self.selection(*table.key)
            and table.key not in self.not_tables
            and not self.passing
            and not self.suspended(table.key)
            and not self.loaded_already(table.key, event)
        ):
            event = self.lobs.cut(event, table, self.checksum)
            self.statement.append((event, table))
            self.size += len(event.raw)
            n = ev.count(event, ev.locate(event, self.checksum), table)
            counts = self.counts.setdefault(table.key, [0, 0, 0])
            counts[0 if event.kind in INSERTS else 1 if event.kind in UPDATES else 2] += n
        if ev.ends_statement(event):
            if self.statement:
                self.transaction.append(self.statement)
            self.statement = []
            self.maps = {}
        if self.size >= STREAM and not self.row_by_row_to:
            self.stream_out()
        elif self.size >= WHOLE:
            raise Failed(f"A transaction of more than {WHOLE >> 20} MB cannot be applied row by row")

    def suspended(self, key: Key) -> bool:
        """True for a table in error: its changes are no longer captured, until it is loaded again."""
        table = self.tables.get(key)
        return table is not None and table.state in (TableState.ERROR, TableState.ABSENT)

    def loaded_already(self, key: Key, event: Event) -> bool:
        """True for changes from before this table was captured: its load has brought them."""
        table = self.tables.get(key)
        return table is not None and table.loaded_already(self.file, event.end)

    def query(self, event: Event) -> None:
        query = ev.parse_query(event, self.checksum)
        words = query.text.split(None, 1)
        first = words[0].upper().rstrip(";") if words else ""
        if first == "COMMIT":
            self.end_transaction(event)
        elif first == "ROLLBACK" and "TO" not in query.text.upper():
            if self.streaming:
                self.target.roll_back()
            self.begin()
            self.end_transaction(event)
        elif first == "XA":
            self.end_transaction(event)
        elif first in ("SAVEPOINT", "ROLLBACK"):
            self.savepoint(query.text, set_it=first == "SAVEPOINT")
        elif first in ("BEGIN", "RELEASE"):
            pass
        elif self.concerns(query) and first in (
            "INSERT",
            "UPDATE",
            "DELETE",
            "REPLACE",
            "LOAD",
            "MERGE",
            "CALL",
        ):
            raise Failed(
                f"The source's binlog holds a statement instead of rows at {self.file}:{event.end}"
                f" (binlog_format was not ROW in that session): {query.text[:200]}"
            )
        elif self.gtid is not None and self.gtid.standalone:
            self.definition(query)
            self.end_transaction(event)

    def savepoint(self, text: str, *, set_it: bool) -> None:
        """SAVEPOINT or ROLLBACK TO. The binlog holds undone changes too once a MyISAM table took part."""
        name = text.split()[-1].strip("`;")
        if set_it:
            self.savepoints[name] = (len(self.transaction), {k: list(v) for k, v in self.counts.items()})
        elif self.streaming or name not in self.savepoints:
            raise Failed(
                f"The lab's DMS cannot undo to the savepoint {name} inside a transaction of this size"
            )
        else:
            length, counts = self.savepoints[name]
            del self.transaction[length:]
            self.counts = {k: list(v) for k, v in counts.items()}

    def concerns(self, query: ev.Query) -> bool:
        """A statement names its schema, or works in its session's default one."""
        return self.selection.touches(query.schema) or any(
            self.selection.touches(k[0]) and k[0] in query.text for k in self.tables
        )

    def definition(self, query: ev.Query) -> None:
        """DDL is reported and not applied: the target's schema is the caller's."""
        if not self.concerns(query):
            return
        truncated = self.truncated(query)
        if truncated is not None and self.options.truncate:
            self.flush(now=True)
            name = full(self.selection.target(truncated))
            with speaking("target", f"Truncating {name}"):
                self.target.run(f"TRUNCATE TABLE {name}")
            self.status.say(f"TRUNCATE on the source was carried out on the target: {query.text[:300]}")
            self.table(truncated).ddls += 1
            self.touched.add(truncated)
            return
        self.status.say(f"DDL on the source was skipped (schema {query.schema or '-'}): {query.text[:300]}")
        for key, table in self.tables.items():
            if f"{key[1]}" in query.text and (key[0] == query.schema or key[0] in query.text):
                table.ddls += 1
                self.touched.add(key)

    def truncated(self, query: ev.Query) -> Key | None:
        """The selected table that a TRUNCATE empties; doing it twice is harmless."""
        found = TRUNCATE.match(query.text)
        if not found:
            return None
        schema, table = (found["schema"] or f"`{query.schema}`").strip("`"), found["table"].strip("`")
        return (schema, table) if self.selection(schema, table) else None

    # Transactions ---------------------------------------------------------------------------------
    def begin(self) -> None:
        self.statement, self.transaction, self.counts = [], [], {}
        self.size, self.streaming = 0, False
        self.savepoints = {}

    def stream_out(self) -> None:
        """Apply the collected part of a large transaction, uncommitted, and separate from earlier ones."""
        if not self.streaming:
            self.flush(now=True)
            self.streaming = True
        with self.blaming():
            for statement in (*self.transaction, self.statement):
                self.apply(statement)
        self.transaction, self.statement, self.size = [], [], 0

    def end_transaction(self, event: Event) -> None:
        if self.gtid is not None:
            self.domains[self.gtid.domain] = str(self.gtid)
        self.offset = event.end
        self.lob_tables.begin()
        if self.row_by_row_to:
            self.apply_row_by_row()
        elif self.options.batch_seconds is not None and not self.streaming:
            self.batch_began = self.batch_began if self.batch else time.monotonic()
            self.batch += self.transaction
            self.bytes += sum(len(event.raw) for statement in self.transaction for event, _ in statement)
        else:
            with self.blaming():
                for statement in self.transaction:
                    self.apply(statement)
        for key, (inserts, updates, deletes) in self.counts.items():
            table = self.table(key)
            table.inserts += inserts
            table.updates += updates
            table.deletes += deletes
            self.touched.add(key)
        self.unwritten, self.at = True, event.time
        self.begin()
        if self.row_by_row_to:
            self.flush()
            self.end_row_by_row()
        elif self.bytes >= (GROUP if self.options.batch_seconds is None else self.options.batch_bytes):
            self.flush(now=True)
        elif not self.batch and time.monotonic() - self.saved > GROUP_SECONDS:
            # rows that go through SQL may be slower than the source, whose socket is then never empty; and
            # scratch rows deleted in an open transaction are read over again by each later statement
            self.flush(now=True)

    # Refusals -------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def blaming(self) -> Iterator[None]:
        """After a refusal, apply row by row to find the refused row, if a policy may decide about it."""
        try:
            yield
        except Refused as e:
            if self.row_by_row_to or not self.policies.concerns(e.number):
                raise
            self.status.say(
                f"[TARGET_APPLY]I: a group of changes was refused ({e}); going on in 'one-by-one' mode"
            )
            raise OneByOne(Place("", self.file, max(self.seen, self.offset))) from e

    def apply_row_by_row(self) -> None:
        if not self.transaction:
            return
        for key in self.counts:
            self.table(key)
        found = self.row_by_row.apply(
            self.transaction, self.tables, self.checksum, f"{self.file}:{self.offset}"
        )
        for key, refused in found.counts.items():
            self.reject(key, refused)
        for key in found.suspended:
            self.reject(key, self.counts[key])

    def reject(self, key: Key, counts: list[int]) -> None:
        table = self.table(key)
        table.rejected_inserts += counts[0]
        table.rejected_updates += counts[1]
        table.rejected_deletes += counts[2]

    def end_row_by_row(self) -> None:
        goal = self.row_by_row_to
        if goal and (self.file, self.offset) >= (goal.file, goal.offset):
            self.row_by_row_to = None
            self.status.say("[TARGET_APPLY]I: back from 'one-by-one' mode")

    def apply(self, statement: Statement) -> None:
        for how, part in itertools.groupby(statement, key=lambda pair: self.by_sql(pair[1].key)):
            if how is None:
                self.add_pieces(part)
                continue
            for event, table in part:
                how.apply(event, table, self.checksum)

    def by_sql(self, key: Key) -> NonTransactionalTables | LobTables | None:
        """What applies the changes of this table by SQL; None: they are replayed as they are."""
        if key in self.non_transactional:
            return self.non_transactional
        return self.lob_tables if key in self.lob_tables else None

    def add_pieces(self, pairs: Iterable[tuple[Event, TableMap]]) -> None:
        piece: Statement = []
        size = 0
        for pair in pairs:
            piece.append(pair)
            size += len(pair[0].raw)
            if size >= PIECE:
                self.add(piece)
                piece, size = [], 0
        self.add(piece)

    def add(self, piece: Statement) -> None:
        """One statement for each table, as DMS does: a trigger that fires may then write to other tables."""
        for _, run in itertools.groupby(piece, key=lambda pair: pair[1].id):
            pairs = list(run)
            rows = [event.raw for event, _ in pairs]
            rows[-1] = ev.end_statement(rows[-1], self.checksum)
            self.target.add([pairs[0][1].raw, *rows])
            self.bytes += sum(map(len, rows))

    def table(self, key: Key) -> Table:
        if key not in self.tables:
            self.tables[key] = Table(*key, state=TableState.COMPLETED)
            self.status.tables.append(self.tables[key])
        return self.tables[key]

    @property
    def place(self) -> Place:
        return Place(",".join(self.domains[d] for d in sorted(self.domains)), self.file, self.offset)

    def flush(self, *, now: bool = False) -> None:
        """Commit the complete transactions, if any. A batch is complete when its time is over."""
        if not self.unwritten:
            return
        if self.batch and not now and time.monotonic() - self.batch_began < (self.options.batch_seconds or 0):
            self.orders()
            return
        self.commit()
        self.check_end()
        self.orders()

    def commit(self) -> None:
        now = time.monotonic()
        if not self.touched and now - self.saved < IDLE_CHECKPOINT:
            self.status.position = f"{self.file}:{self.offset}"
        else:
            with self.blaming():
                self.apply_batch()
                self.target.commit(self.step, self.place, [self.tables[k] for k in self.touched])
            self.applied()
            self.unwritten, self.bytes, self.saved = False, 0, now

    def apply_batch(self) -> None:
        """Table by table, each committed alone, as batched apply does: the order between tables is lost.

        Each table's commit says up to where its own changes are in, so that a restart from the batch's begin
        repeats none of them.
        """
        by_table: dict[Key, list[Statement]] = {}
        for statement in self.batch:
            for key in {table.key for _, table in statement}:
                # statements stay whole: rows that follow a statement's last event would be passed over
                part = [pair for pair in statement if pair[1].key == key]
                by_table.setdefault(key, []).append(part)
        for key, statements in sorted(by_table.items()):
            for part in statements:
                self.apply(part)
            table_now = self.table(key)
            table_now.loaded_file, table_now.loaded_at = self.file, self.offset
            self.target.commit_table(table_now)
        self.batch = []

    def applied(self) -> None:
        now = time.time()
        for key in self.touched:
            self.tables[key].settle(now)
        if self.touched:
            self.status.lag = max(0.0, now - self.at)
        self.touched = set()
        self.status.position, self.status.gtid = str(self.place), self.place.gtid

    @property
    def step(self) -> Step:
        """What the target remembers: with a stop ahead, a later run has to stop there as well."""
        return Step.LOADED if self.stop_at else Step.FOLLOWING

    def check_end(self) -> None:
        if self.stop_at and (self.file, self.offset) >= (self.stop_at.file, self.stop_at.offset):
            self.stop_at = None
            self.target.commit(Step.FOLLOWING, self.place, [])
            raise Stopped("STOPPED_AFTER_CACHED_EVENTS")

    def all_is_here(self) -> None:
        """The source itself says that nothing follows: the stop after the cached changes is reached."""
        if self.stop_at:
            self.flush(now=True)
            self.stop_at = self.place
            self.check_end()

    def silence(self) -> None:
        """A heartbeat means that the source has sent everything: server time goes on without transactions."""
        if self.options.until and self.options.until.server:
            self.check_time(time.time())

    def check_time(self, now: float) -> None:
        """Stopped when the stop position is behind us; what came before it is committed first."""
        until = self.options.until
        if until and now > until.time:
            self.flush(now=True)
            raise Stopped(until.reason)
