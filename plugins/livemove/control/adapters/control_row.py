"""The control row of one database: calls of the guarded procedures in sql/control_*.sql.

Nothing is decided here. A refused act and an act whose answer was lost are told apart: the first is an
Outcome, the second an UnreachableError, after which only reading the row again tells what happened.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

import pymysql

from livemove.control.privileges import OPENS_THE_FENCE, PAST_THE_FENCE
from livemove.model.errors import SetupError
from livemove.model.ports import (
    Answered,
    Binlogs,
    ControlRow,
    ControlState,
    Mark,
    Newest,
    Outcome,
    Row,
    SwitchHealth,
)
from livemove.model.spec import Side
from livemove.model.sql_names import quote
from livemove.runtime.mariadb import MariaDb, sql

SCRIPTS = (
    "control/control_tables",
    "control/control_helpers",
    "control/control_procedures",
    "control/control_switch",
)
LOCK = "livemove.control"
NOT_THERE = {1049, 1054, 1146}
"""Unknown database, column, table (https://mariadb.com/kb/en/mariadb-error-code-reference/)."""
SESSION = {"wait_timeout": 30, "lock_wait_timeout": 5, "innodb_lock_wait_timeout": 5}
"""A stalled attempt's session, and with it the lock, ends after 30 s."""
NEUTRAL_SCHEMAS = ("livemove", "mysql")
"""Rows of these may follow the drained position: our own rows, and RDS's heartbeat (mysql.rds_heartbeat2)."""
NEUTRAL_EVENTS = {
    "Format_desc",
    "Rotate",
    "Gtid",
    "Gtid_list",
    "Binlog_checkpoint",
    "Xid",
    "Stop",
    "Start_encryption",
}


WRITES = ("INSERT", "UPDATE", "DELETE", "DROP", "ALTER", "EXECUTE", "SUPER")
"""Rights with which a session may change rows; a routine may run with its definer's."""
OWN_ROWS = re.compile(
    r"(use `mysql`; )?(insert into|replace into|update|delete from) mysql\.rds_\w+\b", re.IGNORECASE
)
"""RDS writes its own rows, rds_heartbeat2 above all, as statements whatever the binlog format is."""


def version() -> str:
    """Digest of the control objects' SQL: another digest means install again."""
    return hashlib.sha256("".join(sql(s) for s in SCRIPTS).encode()).hexdigest()[:16]


def kept_version(db: MariaDb) -> str | None:
    """The version in the control row; empty while it is being installed, None when there is no row."""
    tables = db.rows(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'livemove' AND TABLE_NAME = 'control'"
    )
    rows = db.rows("SELECT version FROM livemove.control WHERE id = 1") if tables else []
    return str(rows[0]["version"]) if rows else None


def apply_account(epoch: int) -> str:
    """The replicator's account on the follower of this epoch."""
    return f"livemove_apply_e{epoch}"


class Control:
    """The ControlDb port over one connection of livemove's own account."""

    def __init__(self, db: MariaDb) -> None:
        self._db = db.fresh(read_timeout=20, session={**db.session, **SESSION})
        self.side = db.side
        self._used = time.monotonic()

    @property
    def db(self) -> MariaDb:
        """The connection; a new one after a rest, because the server has ended the old one by then."""
        if not self._db.pinned and time.monotonic() - self._used > SESSION["wait_timeout"] / 2:
            self._db.close()
        self._used = time.monotonic()
        return self._db

    def close_connection(self) -> None:
        self._db.close()

    def ping(self) -> None:
        self.db.rows("SELECT 1")

    # the row --------------------------------------------------------------------------------------
    def read(self) -> ControlRow:
        r = self._row()
        return ControlRow(
            Side(r["side"]),
            ControlState(r["state"]),
            int(r["epoch"]),
            r["attempt"],
            r["position"],
            _seconds(r["seconds_left"]),
            _seconds(r["heartbeat_age"]),
            _seconds(r["armed_ago"]),
            bool(r["promoted"]),
        )

    def installed(self) -> bool:
        """True when the control objects of this version, and the row, are there."""
        return kept_version(self.db) == version()

    def _row(self) -> Row:
        found = "no control row"
        try:
            if rows := self.db.rows(sql("control/read_control")):
                return rows[0]
        except pymysql.err.MySQLError as e:
            if e.args[0] not in NOT_THERE:
                raise
            found = f"no control row of this version ({e.args[1]})"
        raise SetupError(
            f"The {self.side} database has {found}",
            wanted="the row that prepare_control writes; before it and after retire there is none",
            next_step="clear replicate.prepare_control, if the migration has come that far",
        )

    def health(self, longest: float) -> SwitchHealth:
        h = self.db.one(sql("control/read_switch_health"))
        long = self.db.rows(sql("control/list_long_transactions"), {"longest": int(longest)})
        return SwitchHealth(
            durable=int(h["sync_binlog"]) == 1 and int(h["flush_log"]) == 1,
            event_scheduler=str(h["event_scheduler"]) in ("ON", "1") and int(h["switches"]) == 1,
            heartbeat_age=self.read().heartbeat_age,
            long_transactions=tuple(
                f"session {t['id']} of {t['user'] or 'an unknown user'} for {t['seconds']} s" for t in long
            ),
            prepared_xa=len(self.db.rows("XA RECOVER")),
            uptime=_seconds(h["uptime"]),
        )

    # guarded acts ---------------------------------------------------------------------------------
    def _call(self, procedure: str, *args: Any) -> Outcome:
        marks = ", ".join(["%s"] * len(args))
        row = self.db.one(f"CALL livemove.{quote(procedure)}({marks})", args)
        return Outcome(
            Answered(row["outcome"]),
            ControlState(row["state"]),
            int(row["epoch"]),
            row["attempt"],
            int(row["remaining"] or 0),
            _seconds(row["seconds_left"]),
        )

    def arm(self, epoch: int, attempt: str, lease: float) -> Outcome:
        return self._call("arm_fence", epoch, attempt, lease)

    def close(self, epoch: int, attempt: str) -> Outcome:
        return self._call("close_fence", epoch, attempt)

    def lift(self, epoch: int, attempt: str) -> Outcome:
        return self._call("lift_fence", epoch, attempt)

    def cede(self, epoch: int, attempt: str, margin: float) -> Outcome:
        return self._call("cede", epoch, attempt, margin)

    def claim(self, epoch: int) -> Outcome:
        return self._call("claim", epoch)

    def set_position(self, epoch: int, position: str) -> Outcome:
        return self._call("set_position", epoch, position)

    def open(self, epoch: int) -> Outcome:
        return self._call("open_database", epoch)

    def follow(self, epoch: int) -> Outcome:
        return self._call("follow", epoch)

    def promote(self, epoch: int, token: str) -> Outcome:
        return self._call("promote", epoch, token)

    def abandon(self, epoch: int) -> Outcome:
        return self._call("abandon", epoch)

    def allow_test(self, epoch: int, seconds: int) -> Outcome:
        return self._call("allow_test", epoch, seconds)

    def ask_hold(self, epoch: int, seconds: float) -> Outcome:
        return self._call("ask_hold", epoch, seconds)

    def held(self, epoch: int) -> dict[str, bool]:
        rows = self.db.rows("SELECT server, held FROM livemove.held_server WHERE epoch = %s", (epoch,))
        return {r["server"]: bool(r["held"]) for r in rows}

    def settle(self) -> Outcome:
        return self._call("settle")

    def while_in(self, state: ControlState, epoch: int, work: Callable[[], None]) -> Outcome:
        if not self.db.one("SELECT GET_LOCK(%s, 5) AS got", (LOCK,))["got"]:
            return self._outcome(Answered.BUSY)
        self._db.pinned = True  # the lock lives and dies with this session
        try:
            row = self.read()
            if (row.state, row.epoch) != (state, epoch):
                return self._outcome(Answered.REFUSED)
            work()
            return self._outcome(Answered.DONE)
        finally:
            self._db.pinned = False
            self.db.rows("SELECT RELEASE_LOCK(%s)", (LOCK,))

    @property
    def holding(self) -> MariaDb:
        """The session that holds the row's lock; run DDL in it. RuntimeError outside of `while_in`.

        When the server has ended that session, an attempt that resumes late can change nothing.
        """
        if not self._db.pinned:
            raise RuntimeError("nobody holds the lock")
        return self._db

    def _outcome(self, answered: Answered) -> Outcome:
        row = self.read()
        return Outcome(answered, row.state, row.epoch, row.attempt, 0, row.seconds_left)

    # events ---------------------------------------------------------------------------------------
    def sleeping_events(self) -> list[Row]:
        return self.db.rows(
            "SELECT event_schema, event_name, definer FROM livemove.sleeping_event ORDER BY 1, 2"
        )

    def put_events(self, events: Sequence[Row]) -> None:
        for e in events:
            self.db.run(
                "INSERT IGNORE INTO livemove.sleeping_event (event_schema, event_name, definer) VALUES (%s,"
                " %s, %s)",
                (e["event_schema"], e["event_name"], e["definer"]),
            )

    # watermarks and the binlog --------------------------------------------------------------------
    def write_watermark(self, reads: Side, stream: str, number: int) -> None:
        self.db.run(
            f"INSERT IGNORE INTO livemove.{watermark_table(reads)} (stream, number, written_at) VALUES (%s,"
            " %s, UTC_TIMESTAMP(6))",
            (stream, number),
        )

    def has_watermark(self, reads: Side, stream: str, number: int) -> bool:
        return bool(
            self.db.rows(
                f"SELECT 1 FROM livemove.{watermark_table(reads)} WHERE stream = %s AND number = %s",
                (stream, number),
            )
        )

    def watermarks(self, reads: Side) -> list[Mark]:
        return [
            Mark(r["stream"], int(r["number"]), float(r["at"]))
            for r in self.db.rows(
                "SELECT stream, number, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', written_at) / 1e6 AS at"
                f" FROM livemove.{watermark_table(reads)}"
            )
        ]

    def binlogs(self) -> Binlogs:
        files = tuple(str(r["log_name"]) for r in self.db.rows("SHOW BINARY LOGS"))
        return Binlogs(files, self._keeps())

    def _keeps(self) -> float | None:
        """RDS removes binlogs by its own setting, whatever the server's variables say."""
        if self._row()["has_rds_kill"]:
            said = {str(r["name"]): r["value"] for r in self.db.rows("CALL mysql.rds_show_configuration()")}
            return float(said.get("binlog retention hours") or 0) * 3600
        said = {
            str(r["variable_name"]): float(r["value"])
            for r in self.db.rows("SHOW GLOBAL VARIABLES LIKE '%expire_logs_%'")
        }
        return said.get("binlog_expire_logs_seconds") or said.get("expire_logs_days", 0) * 86400 or None

    def unfenced_writers(self) -> list[str]:
        args = {"writes": WRITES, "passes": tuple(sorted(PAST_THE_FENCE | OPENS_THE_FENCE))}
        return [str(r["who"]) for r in self.db.rows(sql("control/list_unfenced_writers"), args)]

    def undisablable_events(self) -> list[str]:
        return [str(r["what"]) for r in self.db.rows(sql("control/list_undisablable_events"))]

    def newest_watermark(self, reads: Side) -> Newest | None:
        r = self.db.one(
            "SELECT MAX(written_at) AS at, TIMESTAMPDIFF(MICROSECOND, MAX(written_at), UTC_TIMESTAMP(6)) /"
            f" 1e6 AS ago FROM livemove.{watermark_table(reads)}"
        )
        return Newest(r["at"].replace(tzinfo=UTC), float(r["ago"])) if r["at"] else None

    def replicator_sessions(self, epoch: int) -> frozenset[int]:
        rows = self.db.rows(
            "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = %s", (apply_account(epoch),)
        )
        return frozenset(int(r["id"]) for r in rows)

    def binlog_position(self) -> str:
        row = self.db.one("SHOW MASTER STATUS")
        return f"{row['file']}:{row['position']}"

    def touched_since(self, position: str) -> list[str]:
        file, offset = position.rsplit(":", 1)
        files = [str(r["log_name"]) for r in self.db.rows("SHOW BINARY LOGS")]
        if file not in files:
            return [f"unknown: the binlog {file} is gone, the oldest is {files[0]}"]
        later = files[files.index(file) :]
        touched: list[str] = []
        for name in later:
            start = int(offset) if name == file else 4
            events = self.db.rows(f"SHOW BINLOG EVENTS IN %s FROM {start}", (name,))
            touched += [what for e in events if (what := touches(e["event_type"], e["info"]))]
        return touched


def touches(event_type: str, info: str) -> str | None:
    """What one binlog event changed outside of livemove's and the server's own rows, or None."""
    if event_type in NEUTRAL_EVENTS or event_type.startswith(
        ("Write_rows", "Update_rows", "Delete_rows", "Annotate_rows")
    ):
        return None  # rows are judged by the TABLE_MAP before them
    if event_type == "Table_map":
        table = info[info.find("(") + 1 : info.rfind(")")]
        return None if table.split(".", 1)[0] in NEUTRAL_SCHEMAS else table
    if event_type == "Query" and (
        info.upper() in ("BEGIN", "COMMIT") or info.upper().startswith("FLUSH ") or OWN_ROWS.match(info)
    ):
        return None
    return f"{event_type}: {info[:120]}"


def watermark_table(reads: Side) -> str:
    """The watermark table of one direction; it exists on both sides and is replicated."""
    return f"watermark_{reads}_{reads.other}"


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
