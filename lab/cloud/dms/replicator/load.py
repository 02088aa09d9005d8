"""The full load: table after table, raw bytes from SELECT into LOAD DATA, each table of its own moment.

Several tables are loaded at once (MaxFullLoadSubTasks). As in DMS there is no common snapshot: a table is
captured from the moment at which its load begins, and read a little later. What was written in between is in
the loaded rows and among the cached changes as well.

Bytes never become Python text: results are asked for without any character set, and loaded as binary.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import MySQLdb
import MySQLdb.cursors
from MySQLdb.constants import FIELD_TYPE

from lab.cloud.dms.replicator.description import Login
from lab.cloud.dms.replicator.failure import Failed, Stopped, odbc, translate
from lab.cloud.dms.replicator.lobs import GEOMETRIES, TYPES, LobLimit
from lab.cloud.dms.replicator.policies import Policy
from lab.cloud.dms.replicator.source import Place, connect, place_now, speaking
from lab.cloud.dms.replicator.status import Table, TableState
from lab.cloud.dms.replicator.tables import Column, Layout, full, quote

ROWS_AT_ONCE = 2000
LEAD = 0.02
"""Seconds between the moment from which a table is captured and the reading of its rows."""
PIPE = 1 << 20
"""Bytes between the two ends of one table's copy."""
NULL = b"\\N"
RAW = {v: bytes for k, v in vars(FIELD_TYPE).items() if isinstance(v, int) and k.isupper()}
TIMESTAMPS = "LIVEMOVE_LAB_DMS_TIMESTAMPS"
"""Environment variable, how the full load reads TIMESTAMP from a source that is not in UTC.

"utc", the default: as users measured it without `serverTimezone`. "local": as AWS's page says of an endpoint
without it, in the server's own zone and written as if it were UTC (docs/dms.md has both).
"""
ZONE_READ = "@@GLOBAL.time_zone" if os.environ.get(TIMESTAMPS) == "local" else "'+00:00'"
READING = (
    f"SET SESSION character_set_results = NULL, time_zone = {ZONE_READ}, sql_mode = '', net_write_timeout ="
    " 600"
)
LOADING = (
    "SET SESSION foreign_key_checks = 0, unique_checks = 0, time_zone = '+00:00', check_constraint_checks ="
    " 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', net_read_timeout = 600"
)


def connect_raw(login: Login, **options: Any) -> Any:
    """With the CA checked; the name was, when the endpoint was tested: this driver cannot."""
    if login.ca:
        options["ssl"] = {"ca": login.ca}
    try:
        return MySQLdb.connect(
            host=login.host,
            port=login.port,
            user=login.user,
            password=login.password,
            charset="utf8mb4",
            use_unicode=False,
            conv=RAW,
            connect_timeout=10,
            **options,
        )
    except MySQLdb.MySQLError as e:
        raise translate("database", f"Connecting to {login}", e) from e


@dataclass(frozen=True)
class Work:
    """One table to load."""

    source: Layout
    target: Layout
    table: Table


class FullLoad:
    """Tables that are copied, each of its own moment. A table is done when its rows are committed."""

    def __init__(
        self,
        source: Login,
        target: Login,
        stopping: Callable[[], bool],
        lobs: LobLimit,
        workers: int = 1,
        *,
        inline: int | None = None,
    ) -> None:
        """`inline`: bytes up to which a LOB travels with its row; None: all of them do."""
        self.source, self.target, self.stopping, self.lobs = source, target, stopping, lobs
        self.inline = inline
        self.place = self.now()
        """Where the load began: no table is captured from an earlier place."""
        self.readers = [connect_raw(source) for _ in range(max(1, workers))]
        for reader in self.readers:
            # else the first table's snapshot would be that of all tables which this worker reads
            reader.autocommit(True)
            reader.cursor().execute(READING)
        self.failure: Exception | None = None
        """The error that ended the load; every worker stops at its next rows."""

    def close(self) -> None:
        for reader in self.readers:
            reader.close()

    def now(self) -> Place:
        """Where the source's binlog is at this moment."""
        with speaking("source", "Finding the position"), connect(self.source) as connection:
            return place_now(connection)

    def run(
        self, tables: Iterable[Work], *, truncate: bool, policy: Policy, done: Callable[[Work], None]
    ) -> None:
        """Copy these tables, the largest first.

        A table that fails is left in error, or ends the load, as `policy` says.
        """
        waiting: queue.SimpleQueue[Work] = queue.SimpleQueue()
        for work in sorted(tables, key=lambda w: -w.table.expected):
            waiting.put(work)
        workers = [
            threading.Thread(target=self._work, args=(reader, waiting, truncate, policy, done), daemon=True)
            for reader in self.readers
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                # with a timeout, so that an order's signal is heard at once
                worker.join(0.05)
        if self.failure:
            raise self.failure

    def _work(
        self,
        reader: Any,
        waiting: queue.SimpleQueue[Work],
        truncate: bool,
        policy: Policy,
        done: Callable[[Work], None],
    ) -> None:
        try:
            while not self.failure:
                work = waiting.get_nowait()
                if self.stopping():
                    raise Stopped("NORMAL")
                self._one(reader, work, truncate, policy)
                done(work)
        except queue.Empty:
            return
        except Exception as e:
            self.failure = self.failure or e

    def _one(self, reader: Any, work: Work, truncate: bool, policy: Policy) -> None:
        table = work.table
        table.state, table.load_started, table.rows, table.load_ended = (
            TableState.LOADING,
            time.time(),
            0,
            None,
        )
        table.why = ""
        begin = self.now()
        table.loaded_file, table.loaded_at = begin.file, begin.offset
        time.sleep(LEAD)
        try:
            self._copy(reader, work, truncate)
        except Stopped:
            table.state = TableState.CANCELLED
            raise
        except Failed as e:
            table.state, table.why = TableState.ERROR, str(e)
            if policy is Policy.STOP or self.failure:
                raise
            return
        except Exception:
            table.state = TableState.ERROR
            raise
        end = self.now()
        table.cached_file, table.cached_at = end.file, end.offset
        table.state, table.load_ended = TableState.COMPLETED, time.time()

    def _copy(self, reader: Any, work: Work, truncate: bool) -> None:
        table = work.table
        reading, writing = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
        loader = Loader(self.target, work.target, reading, truncate)
        loader.start()
        try:
            with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb", buffering=1 << 20) as pipe:
                try:
                    late = self._write_rows(reader, work.source, table, pipe)
                except BaseException:
                    # before the pipe closes: its end must not look like the end of the table
                    loader.abandoned = True
                    raise
        finally:
            loader.join()
        if loader.error:
            table.error_rows = max(1, table.rows - max(loader.loaded, 0))
            raise translate("target", f"Loading table {table.schema}.{table.table}", loader.error)
        if loader.loaded != table.rows - len(late):
            table.error_rows = table.rows - len(late) - loader.loaded
            raise Failed(
                f"Loading table {table.schema}.{table.table} on the target lost {table.error_rows} of"
                f" {table.rows} rows: {loader.complaint}"
            )

        if late:
            look_up(self.target, work, late)

    def _write_rows(
        self, reader: Any, layout: Layout, table: Table, pipe: BinaryIO
    ) -> list[Sequence[bytes | None]]:
        """Every row into the pipe, except those with a LOB that is too long for it: these are returned."""
        lobs, late = self.lobs.loaded(layout), []
        long = [n for n, c in enumerate(layout.loaded) if c.type in TYPES] if self.inline is not None else []
        most = self.inline or 0
        try:
            cursor = reader.cursor(MySQLdb.cursors.SSCursor)
            cursor.execute(f"SELECT {', '.join(c.select for c in layout.loaded)} FROM {full(layout.key)}")
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                if lobs:
                    rows = [self._cut(row, layout, lobs) for row in rows]
                table.rows += len(rows)
                if long and (found := [r for r in rows if any(len(r[n] or b"") > most for n in long)]):
                    late += found
                    rows = [r for r in rows if r not in found]
                pipe.write(encode(rows) if rows else b"")
                table.changed = time.time()
                if self.stopping() or self.failure:
                    raise Stopped("NORMAL")
            # only now: closing early would first read all the rest
            cursor.close()
        except MySQLdb.MySQLError as e:
            raise translate("source", f"Reading table {table.schema}.{table.table}", e) from e
        return late

    def _cut(
        self, row: Sequence[bytes | None], layout: Layout, lobs: dict[int, Column]
    ) -> list[bytes | None]:
        out = list(row)
        for n, column in lobs.items():
            value = out[n]
            if value:
                out[n] = self.lobs.value(layout.key, column, value)
        return out


class Loader(threading.Thread):
    """The other end of the pipe: LOAD DATA on a connection of its own."""

    def __init__(self, login: Login, layout: Layout, pipe: int, truncate: bool) -> None:
        super().__init__(daemon=True)
        self.login, self.layout, self.pipe, self.truncate = login, layout, pipe, truncate
        self.error: Exception | None = None
        self.abandoned = False
        """True: the rows are not complete, so nothing may be committed."""
        self.loaded, self.complaint = -1, ""

    def run(self) -> None:
        try:
            connection = connect_raw(self.login, local_infile=1)
            try:
                self._load(connection)
            finally:
                connection.close()
        except Exception as e:
            self.error = e
        finally:
            # a writer that is still at it gets EPIPE
            os.close(self.pipe)

    def _load(self, connection: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(LOADING)
        if self.truncate:
            cursor.execute(f"TRUNCATE TABLE {full(self.layout.key)}")
        connection.autocommit(False)
        self.loaded = int(cursor.execute(statement(self.layout, f"/proc/self/fd/{self.pipe}")))
        cursor.execute("SHOW WARNINGS")
        said = [(int(number), words.decode("utf8", "replace")) for _, number, words in cursor.fetchall()]
        # LOCAL turns errors into warnings; a duplicate key is what costs a row
        said.sort(key=lambda w: w[0] != 1062)
        self.complaint = odbc(*said[0]) if said else ""
        if not self.abandoned:
            connection.commit()


def look_up(login: Login, work: Work, rows: Sequence[Sequence[bytes | None]]) -> None:
    """Rows whose LOBs are looked up: inserted with NULL in their place, then updated with the LOBs."""
    layout = work.target
    others = [(n, c) for n, c in enumerate(layout.loaded) if c.type not in TYPES]
    lobs = [(n, c) for n, c in enumerate(layout.loaded) if c.type in TYPES]
    names = ", ".join(quote(c.name) for _, c in (*others, *lobs))
    where = {c.name: n for n, c in others}
    connection = connect_raw(login)
    try:
        cursor = connection.cursor()
        # a single row of VALUES is refused with 1048 whatever the mode; old values must be taken as they are
        cursor.execute(LOADING)
        for row in rows:
            values = ", ".join([*(literal(c, row[n]) for n, c in others), *("NULL" for _ in lobs)])
            cursor.execute(f"INSERT INTO {full(layout.key)} ({names}) VALUES ({values})")
            sets = ", ".join(f"{quote(c.name)} = {literal(c, row[n])}" for n, c in lobs)
            columns = {c.name: c for _, c in others}
            same = " AND ".join(
                f"{quote(k)} <=> {literal(columns[k], row[where[k]])}" for k in layout.primary
            )
            cursor.execute(f"UPDATE {full(layout.key)} SET {sets} WHERE {same or '1'}")
        connection.commit()
    except MySQLdb.MySQLError as e:
        work.table.error_rows = len(rows)
        raise translate("target", f"Loading table {work.table.schema}.{work.table.table}", e) from e
    finally:
        connection.close()


def literal(column: Column, value: bytes | None) -> str:
    """SQL text that is this value, as `Column.select` gave it."""
    if value is None:
        return "NULL"
    if column.type in ("enum", "set", "float"):
        return value.decode()
    if column.charset:
        return f"_{column.charset} X'{value.hex()}'"
    if "blob" in column.type or "binary" in column.type or column.type in {"bit", *GEOMETRIES}:
        return f"X'{value.hex()}'"
    return f"'{value.decode()}'"


def statement(layout: Layout, path: str) -> str:
    fields, assignments = [], []
    for n, column in enumerate(layout.loaded):
        assignment = column.assignment(f"@c{n}")
        fields.append(f"@c{n}" if assignment else quote(column.name))
        if assignment:
            assignments.append(assignment)
    return (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {full(layout.key)} CHARACTER SET binary"
        f" FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({', '.join(fields)})"
        + (f" SET {', '.join(assignments)}" if assignments else "")
    )


def encode(rows: Sequence[Sequence[bytes | None]]) -> bytes:
    """Rows as LOAD DATA reads them."""
    lines = []
    for row in rows:
        probe = b"".join([v for v in row if v]) if None in row else b"".join(row)  # type: ignore[arg-type]
        if b"\\" in probe or b"\n" in probe or b"\t" in probe:
            row = [v and escape(v) for v in row]
        lines.append(b"\t".join([NULL if v is None else v for v in row]))
    lines.append(b"")
    return b"\n".join(lines)


def escape(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\t", b"\\t")
