"""The source database: its settings, positions in its binlog, and that binlog as a stream."""

from __future__ import annotations

import contextlib
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pymysql

from lab.cloud.dms.replicator.description import Login
from lab.cloud.dms.replicator.events import Event, parse
from lab.cloud.dms.replicator.failure import Failed, Lost, translate
from lab.cloud.dms.replicator.stop_conditions import TIME, seconds_of

HEARTBEAT = 1.0
"""Seconds of silence after which the source sends a heartbeat."""
SILENCE = 15.0
"""Seconds without one after which the stream counts as broken."""
BINLOG_DUMP = 0x12


def connect(login: Login, *, read_timeout: float = 3600, **options: Any) -> Any:
    """A connection with autocommit; the server answers within 10 s or not at all."""
    return pymysql.connect(
        **login.arguments(),
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=10,
        read_timeout=read_timeout,
        write_timeout=60,
        **options,
    )


@contextlib.contextmanager
def speaking(side: str, doing: str) -> Iterator[None]:
    """Errors of the drivers become Lost or Failed, with the server's words."""
    try:
        yield
    except (pymysql.err.MySQLError, OSError) as e:
        raise translate(side, doing, e) from e


@dataclass(frozen=True)
class Place:
    """A point in the source's binlog."""

    gtid: str
    file: str
    offset: int

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


def fetch(connection: Any, sql: str, args: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return list(cursor.fetchall())


WANTED = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL"}


def check_settings(connection: Any) -> None:
    """Failed when the source's binlog does not carry whole rows, as DMS asks."""
    found = dict(
        fetch(
            connection,
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN"
            " ('log_bin','binlog_format','binlog_row_image','log_bin_compress')",
        )
    )
    for name, wanted in WANTED.items():
        if found.get(name) != wanted:
            raise Failed(f"The source's {name} is {found.get(name)}; CDC needs {name}={wanted}")
    if found.get("log_bin_compress") == "ON":
        raise Failed("The source's log_bin_compress is ON; the lab's DMS reads uncompressed binlogs only")


def place_of(connection: Any, position: str) -> Place:
    """A CdcStartPosition `file:offset` as a place; Failed when the binlog does not have it any more."""
    file, _, offset = position.rpartition(":")
    if not file or not offset.isdigit():
        raise Failed(
            f"CdcStartPosition {position!r} is not of the form file:offset, for example mysql-bin.000003:4"
        )
    gtid = fetch(connection, "SELECT BINLOG_GTID_POS(%s, %s)", (file, int(offset)))[0][0]
    if gtid is None:
        raise Failed(
            f"CdcStartPosition {position} is not in the source's binlogs ({', '.join(binlogs(connection))})"
        )
    return Place(str(gtid), file, int(offset))


def binlogs(connection: Any) -> list[str]:
    return [str(r[0]) for r in fetch(connection, "SHOW BINARY LOGS")]


def start_of(connection: Any, position: str | None) -> Place:
    """Where CDC begins to read, for each form that CdcStartPosition may have.

    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Task.CDC.html
    """
    if not position:
        return place_now(connection)
    if position.startswith("checkpoint:"):
        # our own form: checkpoint:V1#<task>#<GTID>#<file:offset>
        return place_of(connection, position.rpartition("#")[2])
    if TIME.fullmatch(position):
        return place_of(connection, f"{binlogs(connection)[0]}:4")
    return place_of(connection, position)


def since_of(position: str | None) -> float:
    """Unix time before which nothing counts: 0, unless CdcStartPosition is a time."""
    return seconds_of(position) if position and TIME.fullmatch(position) else 0.0


def require_binlog(connection: Any, place: Place) -> None:
    """Failed, with the server's message as DMS formats it, when the binlog that CDC needs next is purged."""
    if place.file and place.file not in binlogs(connection):
        raise Failed(
            "Error 1236 (Could not find first log file name in binary log index file) reading binlog events:"
            f" {place.file} is not among the source's binlogs ({', '.join(binlogs(connection))})"
        )


def place_now(connection: Any) -> Place:
    file, offset = fetch(connection, "SHOW MASTER STATUS")[0][:2]
    return place_of(connection, f"{file}:{offset}")


class BinlogStream:
    """The source's binlog from a GTID position on, read with the replication protocol."""

    def __init__(self, login: Login, gtid: str, server_id: int) -> None:
        with speaking("source", "Reading the binlog"):
            self.connection = connect(login, read_timeout=SILENCE)
            with self.connection.cursor() as cursor:
                # events keep the checksum they were written with; BINLOG on the target verifies it
                cursor.execute(
                    "SET @master_binlog_checksum = @@global.binlog_checksum, @mariadb_slave_capability = 4"
                )
                cursor.execute("SET @master_heartbeat_period = %s", (int(HEARTBEAT * 1e9),))
                cursor.execute(
                    "SET @slave_connect_state = %s, @slave_gtid_strict_mode = 1,"
                    " @slave_gtid_ignore_duplicates = 0",
                    (gtid,),
                )
            body = bytes([BINLOG_DUMP]) + struct.pack("<IHI", 4, 0, server_id)
            self.connection._write_bytes(struct.pack("<i", len(body)) + body)
            self.socket = self.connection._sock
            self.socket.setblocking(False)
        self.buffer, self.at, self.heard = bytearray(), 0, time.monotonic()

    def fileno(self) -> int:
        return int(self.socket.fileno())

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.connection._force_close()

    def fill(self) -> bool:
        """Take what the socket has; False when there was nothing. Lost when the server hung up."""
        if self.at > 1 << 20:
            del self.buffer[: self.at]
            self.at = 0
        try:
            data = self.socket.recv(1 << 18)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            if time.monotonic() - self.heard > SILENCE:
                raise Lost("source", f"no sign of life for {SILENCE:.0f} s") from None
            return False
        except OSError as e:
            raise Lost("source", str(e)) from e
        if not data:
            raise Lost("source", "the server closed the binlog stream")
        self.heard = time.monotonic()
        self.buffer += data
        return True

    def next(self) -> Event | None:
        """The next whole event of what was received, or None."""
        packet, at = b"", self.at
        while True:
            if len(self.buffer) - at < 4:
                return None
            size = int.from_bytes(self.buffer[at : at + 3], "little")
            if len(self.buffer) - at - 4 < size:
                return None
            packet += self.buffer[at + 4 : at + 4 + size]
            at += 4 + size
            if size < 0xFFFFFF:
                break
        self.at = at
        if packet[0] == 0xFF:
            number, words = packet[1] | packet[2] << 8, bytes(packet[9:]).decode("utf8", "replace")
            raise translate("source", "Reading the binlog", pymysql.err.OperationalError(number, words))
        if packet[0] == 0xFE and len(packet) < 9:
            raise Lost("source", "the server ended the binlog stream")
        return parse(bytes(packet[1:]))
