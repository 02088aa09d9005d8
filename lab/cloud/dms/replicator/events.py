"""Binlog events, parsed no further than needed: headers, table maps, and how many rows an event holds.

Values are never decoded. Layouts: https://mariadb.com/kb/en/replication-protocol/ and sql/log_event.h of
MariaDB 10.11.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from livemove.comparison.binlog_layout import (
    HEADER,
    INSERTS,
    SECOND_LAYOUT,
    UPDATES,
    layout,
    packed,
    query,
    sizes,
    table_id,
)

STMT_END = 1
"""Flag of the last rows event of a statement."""
CHECKSUM_CRC32 = 1


class Kind(IntEnum):
    QUERY = 2
    STOP = 3
    ROTATE = 4
    FORMAT = 15
    XID = 16
    EXECUTE_LOAD = 18
    TABLE_MAP = 19
    INCIDENT = 26
    HEARTBEAT = 27
    XA_PREPARE = 38
    GTID = 162
    QUERY_COMPRESSED = 165


class Event(NamedTuple):
    kind: int
    time: int
    """Unix time at which the statement began on the source."""
    server: int
    end: int
    """Position of the next event in the file; 0 for events made up for the stream."""
    flags: int
    raw: bytes


def parse(raw: bytes) -> Event:
    time, kind, server, _, end, flags = struct.unpack_from("<IBIIIH", raw)
    return Event(kind, time, server, end, flags, raw)


class Gtid(NamedTuple):
    domain: int
    server: int
    sequence: int
    standalone: bool
    """True for DDL: one query event, no end of transaction follows."""
    prepared_xa: bool

    def __str__(self) -> str:
        return f"{self.domain}-{self.server}-{self.sequence}"


def parse_gtid(event: Event) -> Gtid:
    sequence, domain, flags = struct.unpack_from("<QIB", event.raw, HEADER)
    return Gtid(domain, event.server, sequence, bool(flags & 1), bool(flags & 64))


class Query(NamedTuple):
    schema: str
    text: str


def parse_query(event: Event, checksum: int) -> Query:
    return Query(*query(event.raw, checksum))


def parse_rotate(event: Event) -> tuple[str, int]:
    """(file, position) of a ROTATE event.

    Nothing but the end of the file's name shows whether an artificial one carries a checksum.
    """
    name = event.raw[HEADER + 8 :]
    if not re.fullmatch(rb"[\x20-\x7e]+\.\d+", name):
        name = name[:-4]
    return name.decode(), struct.unpack_from("<Q", event.raw, HEADER)[0]


def checksum_size(format_event: Event) -> int:
    """Bytes of checksum at the end of each event that follows this format description event."""
    return 4 if format_event.raw[-5] == CHECKSUM_CRC32 else 0


@dataclass
class TableMap:
    """Name and column layout of the table that the next rows events belong to."""

    id: int
    schema: str
    table: str
    types: bytes
    meta: list[tuple[int, int]]
    raw: bytes = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.table

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """For each column (bytes of a fixed-size value, bytes of the length prefix); one of the two is 0."""
        return sizes(self.types, self.meta)

    def renamed(self, schema: str, table: str, checksum: int) -> bytes:
        """The same table map under another name."""
        at = HEADER + 8
        middle = at + self.raw[at] + 2
        rest = middle + self.raw[middle] + 2
        names = b"".join(bytes([len(n)]) + n + b"\0" for n in (schema.encode(), table.encode()))
        return seal(self.raw[:at] + names + self.raw[rest:], checksum)


def parse_table_map(event: Event) -> TableMap:
    return TableMap(*layout(event.raw), event.raw)


class Rows(NamedTuple):
    """Where things lie in one rows event."""

    table: int
    flags: int
    columns: int
    bitmaps: int
    """Offset of the first bitmap of present columns."""
    first: int
    """Offset of the first row image."""
    end: int


def locate(event: Event, checksum: int) -> Rows:
    raw = event.raw
    table, flags = int.from_bytes(raw[HEADER : HEADER + 6], "little"), raw[HEADER + 6] | raw[HEADER + 7] << 8
    at = HEADER + 8
    if event.kind in SECOND_LAYOUT:
        at += int.from_bytes(raw[at : at + 2], "little")
    columns, at = packed(raw, at)
    width = (columns + 7) // 8
    return Rows(
        table, flags, columns, at, at + width * (2 if event.kind in UPDATES else 1), len(raw) - checksum
    )


def table_of(event: Event) -> int:
    return table_id(event.raw)


def ends_statement(event: Event) -> bool:
    return bool(event.raw[HEADER + 6] & STMT_END)


def images(event: Event, where: Rows, table: TableMap) -> list[tuple[int, int]]:
    """(start, end) of every row image; an update has two per row, before and after. Full row images only."""
    raw, at, width = event.raw, where.first, (where.columns + 7) // 8
    out, sizes = [], table.sizes
    while at < where.end:
        start = at
        nulls = int.from_bytes(raw[at : at + width], "little")
        at += width
        for column, (fixed, prefix) in enumerate(sizes):
            if nulls >> column & 1:
                continue
            at += prefix + int.from_bytes(raw[at : at + prefix], "little") if prefix else fixed
        out.append((start, at))
    if at != where.end:
        raise ValueError(
            f"a rows event of {table.schema}.{table.table} does not parse: {at} instead of {where.end}"
        )
    return out


def count(event: Event, where: Rows, table: TableMap) -> int:
    n = len(images(event, where, table))
    return n // 2 if event.kind in UPDATES else n


def index(kind: int) -> int:
    """0 for inserts, 1 for updates, 2 for deletes."""
    return 0 if kind in INSERTS else 1 if kind in UPDATES else 2


def only_row(event: Event, where: Rows, table: TableMap, row: int, checksum: int) -> bytes:
    """The same rows event with one of its rows, as a statement of its own."""
    found = images(event, where, table)
    keep = found[2 * row : 2 * row + 2] if event.kind in UPDATES else found[row : row + 1]
    body = event.raw[: where.first] + event.raw[keep[0][0] : keep[-1][1]] + b"\0" * checksum
    return end_statement(seal(body, checksum), checksum)


def end_statement(raw: bytes, checksum: int) -> bytes:
    """The same rows event, marked as the last of its statement."""
    if raw[HEADER + 6] & STMT_END:
        return raw
    body = bytearray(raw)
    body[HEADER + 6] |= STMT_END
    return seal(bytes(body), checksum)


def seal(raw: bytes, checksum: int) -> bytes:
    """Length and checksum made right after a change."""
    size = len(raw)
    body = raw[:9] + size.to_bytes(4, "little") + raw[13:]
    if checksum:
        body = body[:-4] + struct.pack("<I", zlib.crc32(body[:-4]))
    return body


def as_inserts(event: Event, where: Rows, table: TableMap, *, after: bool, checksum: int) -> bytes:
    """A rows event that inserts this event's row images.

    Of an update: the images before the change, or those `after` it.
    """
    raw = event.raw
    width = (where.columns + 7) // 8
    found = images(event, where, table)
    if event.kind in UPDATES:
        found = found[1::2] if after else found[::2]
    kind = 30 if event.kind in SECOND_LAYOUT else 23
    head = raw[:4] + bytes([kind]) + raw[5 : where.bitmaps + width]
    body = head + b"".join(raw[a:b] for a, b in found) + b"\0" * checksum
    return end_statement(seal(body, checksum), checksum)
