"""The target database: a session that replays row events and moves the checkpoint in one transaction."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pymysql

from lab.cloud.dms.replicator.description import Login
from lab.cloud.dms.replicator.failure import translate
from lab.cloud.dms.replicator.source import Place, connect, fetch, speaking
from lab.cloud.dms.replicator.status import Table, TableState

SCHEMA = "awsdms_control"
BATCH = 4 << 20
"""Bytes of events in one BINLOG statement; its text is a third longer and must fit max_allowed_packet."""

SETUP = (Path(__file__).parent / "sql" / "create_checkpoint.sql").read_text().format(schema=SCHEMA)


class Step(StrEnum):
    """How far a task came, as the target itself remembers it."""

    LOADING = "loading"
    LOADED = "loaded"
    FOLLOWING = "following"


@dataclass(frozen=True)
class Checkpoint:
    step: Step
    place: Place


class Target:
    """A session on the target. Nothing is visible there before `commit`."""

    def __init__(self, login: Login, task: str) -> None:
        self.task = task
        self._events: list[bytes] = []
        self._size = 0
        with speaking("target", "Connecting to the database"):
            self.connection: Any = connect(login, max_allowed_packet=64 << 20)
            self.run("SET SESSION sql_mode = '', time_zone = '+00:00'")
            if fetch(self.connection, "SELECT @@binlog_annotate_row_events")[0][0]:
                # with ON, every row statement would log the whole BINLOG text again; needs BINLOG ADMIN
                self.run("SET SESSION binlog_annotate_row_events = OFF")
            self.connection.autocommit(False)

    def fileno(self) -> int:
        return int(self.connection._sock.fileno())

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.connection._force_close()

    def setup(self) -> None:
        """Make the control schema unless it is there."""
        with speaking("target", f"Creating the control tables in {SCHEMA}"):
            for statement in SETUP.split(";\n"):
                self.run(statement)
            # a multi-table DELETE by alias wants a default schema, whichever it is
            self.run(f"USE {SCHEMA}")

    def run(self, sql: str | bytes, args: Any = None) -> int:
        with self.connection.cursor() as cursor:
            return int(cursor.execute(sql, args))

    # Checkpoint -----------------------------------------------------------------------------------
    def checkpoint(self) -> Checkpoint | None:
        # locked, so that a commit still on its way from a killed predecessor is waited for
        with speaking("target", "Reading the checkpoint"):
            rows = fetch(
                self.connection,
                f"SELECT phase, gtid, file, at FROM {SCHEMA}.livemove_lab_checkpoint WHERE task = %s FOR"
                " UPDATE",
                (self.task,),
            )
            self.connection.rollback()
        return Checkpoint(Step(rows[0][0]), Place(*rows[0][1:])) if rows else None

    def statistics(self) -> list[Table]:
        """The tables' statistics as committed last."""
        with speaking("target", "Reading the statistics"):
            rows = fetch(
                self.connection,
                "SELECT schema_name, table_name, state, load_rows, load_started, load_ended, inserts,"
                " updates, deletes, rejected_inserts, rejected_updates, rejected_deletes, reloaded, why,"
                " ddls, loaded_file, loaded_at, cached_file, cached_at"
                f" FROM {SCHEMA}.livemove_lab_tables WHERE task = %s",
                (self.task,),
            )
            self.connection.rollback()
        found = [
            Table(
                s,
                t,
                TableState(state),
                rows=n,
                load_started=a,
                load_ended=b,
                inserts=i,
                updates=u,
                deletes=d,
                rejected_inserts=ri,
                rejected_updates=ru,
                rejected_deletes=rd,
                reloaded=bool(again),
                why=why,
                ddls=ddls,
                loaded_file=file,
                loaded_at=at,
                cached_file=end[0],
                cached_at=end[1],
            )
            for s, t, state, n, a, b, i, u, d, ri, ru, rd, again, why, ddls, file, at, *end in rows
        ]
        for table in found:
            table.settle(0.0)
        return found

    def forget(self) -> None:
        """Drop what was remembered of this task: it starts afresh."""
        with speaking("target", "Clearing the checkpoint"):
            for name in ("checkpoint", "tables"):
                self.run(f"DELETE FROM {SCHEMA}.livemove_lab_{name} WHERE task = %s", (self.task,))
            self.connection.commit()

    # Applying -------------------------------------------------------------------------------------
    def add(self, events: Iterable[bytes]) -> None:
        """One whole statement: its table maps, then its rows events, the last one marked."""
        for event in events:
            self._events.append(event)
            self._size += len(event)
        if self._size >= BATCH:
            self.replay()

    def replay(self) -> None:
        """Execute what was added, inside the open transaction."""
        if not self._events:
            return
        text = b"BINLOG '" + base64.b64encode(b"".join(self._events)) + b"'"
        self._events, self._size = [], 0
        try:
            self.run(text)
        except (pymysql.err.MySQLError, OSError) as e:
            raise translate("target", "Applying changes", e) from e

    def commit(self, step: Step, place: Place, tables: Iterable[Table]) -> None:
        """Everything added so far, the checkpoint and the counts, in one transaction."""
        self.replay()
        with speaking("target", "Committing changes"):
            self.remember(step, place)
            self.count(tables)
            self.connection.commit()

    def commit_table(self, table: Table) -> None:
        """Commit one table's added changes and how far they reach; the checkpoint stays."""
        self.replay()
        with speaking("target", "Committing changes"):
            self.count([table])
            self.connection.commit()

    def roll_back(self) -> None:
        """Throw away everything since the last commit."""
        self._events, self._size = [], 0
        with speaking("target", "Rolling back"):
            self.connection.rollback()

    def remember(self, step: Step, place: Place) -> None:
        self.run(
            f"INSERT INTO {SCHEMA}.livemove_lab_checkpoint VALUES (%s, %s, %s, %s, %s, NOW(6)) ON DUPLICATE"
            " KEY UPDATE phase = VALUES(phase), gtid = VALUES(gtid), file = VALUES(file), at = VALUES(at),"
            " changed = VALUES(changed)",
            (self.task, step, place.gtid, place.file, place.offset),
        )

    def count(self, tables: Iterable[Table]) -> None:
        rows = [
            (
                self.task,
                t.schema,
                t.table,
                t.state,
                t.rows,
                t.load_started,
                t.load_ended,
                t.inserts,
                t.updates,
                t.deletes,
                t.rejected_inserts,
                t.rejected_updates,
                t.rejected_deletes,
                t.reloaded,
                t.why,
                t.ddls,
                t.loaded_file,
                t.loaded_at,
                t.cached_file,
                t.cached_at,
            )
            for t in tables
        ]
        if rows:
            with self.connection.cursor() as cursor:
                cursor.executemany(
                    f"REPLACE INTO {SCHEMA}.livemove_lab_tables VALUES ({', '.join(['%s'] * 20)})",
                    rows,
                )
