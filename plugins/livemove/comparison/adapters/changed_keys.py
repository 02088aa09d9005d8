"""Which rows changed since a binlog position, read from the owner by the replication protocol."""

from __future__ import annotations

import logging
import re
import secrets
import struct
import time
from collections.abc import Iterator, Mapping

import pymysql

from livemove.comparison import binlog_layout, row_events
from livemove.comparison.binlog_layout import Unreadable
from livemove.comparison.canonical import Shape
from livemove.comparison.row_comparison import Key
from livemove.comparison.row_events import Kind, TableMap, position_key
from livemove.control.adapters.control_row import OWN_ROWS
from livemove.model.ledger import TableComparison
from livemove.runtime.mariadb import MariaDb

log = logging.getLogger(__name__)
BINLOG_DUMP, NON_BLOCK = 0x12, 1
"""https://mariadb.com/kb/en/com_binlog_dump/: the stream ends where the binlog ends."""
MOST_KEYS = 20_000
"""Of one table. More are not looked at one by one inside a write pause."""
HARMLESS = re.compile(
    r"\s*(BEGIN|COMMIT|SAVEPOINT|ROLLBACK|XA (START|END|PREPARE|ROLLBACK)|#)", re.IGNORECASE
)
DEFINES = re.compile(
    r"\s*(/\*.*?\*/\s*)*(CREATE|ALTER|DROP|RENAME|TRUNCATE|ANALYZE|OPTIMIZE|REPAIR|FLUSH|GRANT|REVOKE|SET"
    r" (PASSWORD|ROLE|DEFAULT))\b",
    re.IGNORECASE | re.DOTALL,
)
"""What changes the tables that it names and no others."""


class ChangedKeys:
    """Changed keys by table, from the table's own position on; each `follow` reads to the binlog's end."""

    def __init__(self, db: MariaDb, shapes: Mapping[str, Shape], since: Mapping[str, str]) -> None:
        self._db, self._since = db, {t: p for t, p in since.items() if t in shapes and p}
        self._shapes = {t: shapes[t] for t in self._since}
        self.keys: dict[str, set[Key]] = {t: set() for t in self._since}
        self.unknown: dict[str, str] = {}
        """Tables whose changed rows are not known, and why."""
        for table, shape in self._shapes.items():
            if why := row_events.unreadable(shape):
                self.unknown[table] = why
        self.position = min(self._since.values(), key=position_key, default="")

    def follow(self, seconds: float) -> None:
        """Read on from the last call's end; when `seconds` are not enough, every table becomes unknown."""
        if not self.position:
            return
        deadline = time.monotonic() + seconds
        try:
            for file, raw in self._events(deadline):
                self._take(file, raw)
        except (pymysql.err.MySQLError, OSError, TimeoutError) as e:
            self._all_unknown(f"the binlog after {self.position} could not be read: {e}")

    def _events(self, deadline: float) -> Iterator[tuple[str, bytes]]:
        file, _, offset = self.position.rpartition(":")
        with self._db.fresh(session={"time_zone": "+00:00"}, read_timeout=30) as db:
            connection = db.connection()
            with connection.cursor() as cursor:
                cursor.execute("SET @master_binlog_checksum = 'NONE', @mariadb_slave_capability = 4")
            body = (
                struct.pack("<IHI", int(offset), NON_BLOCK, 0x40000000 + secrets.randbelow(1 << 29))
                + file.encode()
            )
            connection._execute_command(BINLOG_DUMP, body)
            self._maps: dict[int, TableMap] = {}
            while True:
                packet = connection._read_packet()
                if packet.is_eof_packet():
                    break
                raw = packet.get_all_data()[1:]
                if raw[4] == Kind.ROTATE:
                    file = row_events.rotation(raw)
                    continue
                if time.monotonic() > deadline:
                    raise TimeoutError("no time left")
                yield file, raw
                if end := int.from_bytes(raw[13:17], "little"):
                    self.position = f"{file}:{end}"
            db.close()

    def _take(self, file: str, raw: bytes) -> None:
        kind = raw[4]
        if kind == Kind.TABLE_MAP:
            self._maps[binlog_layout.table_id(raw)] = row_events.table_map(raw)
        elif kind in binlog_layout.ROWS:
            self._rows(file, raw)
        elif kind == Kind.QUERY:
            self._query(*binlog_layout.query(raw))
        elif kind in binlog_layout.COMPRESSED or kind in (Kind.INCIDENT, Kind.PAYLOAD, Kind.EXECUTE_LOAD):
            self._all_unknown(
                f"binlog event {kind} at {file}:{int.from_bytes(raw[13:17], 'little')} is not read"
            )

    def _rows(self, file: str, raw: bytes) -> None:
        mapped = self._maps.get(binlog_layout.table_id(raw))
        if mapped is None or mapped.name not in self._shapes or mapped.name in self.unknown:
            return
        if (file, int.from_bytes(raw[13:17], "little")) <= position_key(self._since[mapped.name]):
            return
        try:
            found = row_events.keys(raw, mapped, self._shapes[mapped.name])
        except Unreadable as e:
            self.unknown[mapped.name] = str(e)
            return
        known = self.keys[mapped.name]
        known |= found
        if len(known) > MOST_KEYS:
            self.unknown[mapped.name] = f"over {MOST_KEYS:,} rows changed since it was compared"
            known.clear()

    def _query(self, schema: str, text: str) -> None:
        """Judge a statement, which has no rows. RDS's heartbeat is harmless: system tables have no triggers.

        After DDL the tables that it names are unknown. Anything else was logged by statement and may have
        fired triggers on any table, and an XA COMMIT makes rows visible that were logged earlier: then every
        table is unknown.
        """
        """
        """
        if HARMLESS.match(text) or OWN_ROWS.match(text):
            return
        if not DEFINES.match(text):
            self._all_unknown(f"written by a statement, not by rows: {text[:60]!r}")
            return
        for name in self._shapes:
            table = name.partition(".")[2]
            if re.search(rf"(?<![\w$]){re.escape(table)}(?![\w$])", text, re.IGNORECASE):
                self.unknown.setdefault(name, f"a statement names it: {text[:60]!r}")

    def _all_unknown(self, why: str) -> None:
        for table in self._shapes:
            self.unknown.setdefault(table, why)


def since_compared(verdicts: Mapping[str, TableComparison | None]) -> dict[str, str]:
    """Binlog position per table from which its rows must be checked again, by its last clean comparison."""
    return {table: v.position for table, v in verdicts.items() if v and v.equal}
