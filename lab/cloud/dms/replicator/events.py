"""Binlog events, parsed no further than needed: headers, table maps, and how many rows an event holds.

Values are never decoded. Layouts: https://mariadb.com/kb/en/replication-protocol/ and sql/log_event.h of MariaDB 10.11.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

HEADER = 19
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


INSERTS = {23, 30}
UPDATES = {24, 31}
DELETES = {25, 32}
ROWS = INSERTS | UPDATES | DELETES
SECOND_LAYOUT = {30, 31, 32}
"""MySQL's rows events, version 2, carry extra data before the column count."""
COMPRESSED = set(range(165, 172))


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
    _, _, schema_length, _, status_length = struct.unpack_from("<IIBHH", event.raw, HEADER)
    at = HEADER + 13 + status_length
    schema = event.raw[at : at + schema_length].decode("utf8", "replace")
    return Query(
        schema, event.raw[at + schema_length + 1 : len(event.raw) - checksum].decode("utf8", "replace")
    )


def parse_rotate(event: Event) -> tuple[str, int]:
    """(file, position). Whether an artificial one carries a checksum is told by nothing but the name's end."""
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
        """Per column (bytes of a fixed value, bytes of the length before a variable one); one of them is 0."""
        return [_size(t, m) for t, m in zip(self.types, self.meta, strict=True)]

    def renamed(self, schema: str, table: str, checksum: int) -> bytes:
        """The same table map under another name."""
        at = HEADER + 8
        middle = at + self.raw[at] + 2
        rest = middle + self.raw[middle] + 2
        names = b"".join(bytes([len(n)]) + n + b"\0" for n in (schema.encode(), table.encode()))
        return seal(self.raw[:at] + names + self.raw[rest:], checksum)


def parse_table_map(event: Event) -> TableMap:
    raw, at = event.raw, HEADER
    identity = int.from_bytes(raw[at : at + 6], "little")
    at += 8
    schema, at = _text(raw, at)
    table, at = _text(raw, at)
    count, at = _packed(raw, at)
    types = raw[at : at + count]
    _, at = _packed(raw, at + count)
    meta = []
    for kind in types:
        if kind in ONE_BYTE:
            meta.append((raw[at], 0))
            at += 1
        elif kind in TWO_BYTES:
            meta.append((raw[at], raw[at + 1]))
            at += 2
        else:
            meta.append((0, 0))
    return TableMap(identity, schema, table, types, meta, raw)


def _text(raw: bytes, at: int) -> tuple[str, int]:
    length = raw[at]
    return raw[at + 1 : at + 1 + length].decode("utf8"), at + length + 2


def _packed(raw: bytes, at: int) -> tuple[int, int]:
    first = raw[at]
    if first < 251:
        return first, at + 1
    width = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(raw[at + 1 : at + 1 + width], "little"), at + 1 + width


# column types by number: enum_field_types in include/mysql_com.h of MariaDB
FIXED = {1: 1, 13: 1, 2: 2, 9: 3, 10: 3, 14: 3, 3: 4, 4: 4, 7: 4, 8: 8, 5: 8, 11: 3, 12: 8, 6: 0}
FRACTIONAL = {17: 4, 18: 5, 19: 3}
BLOBS = {252, 255, 140}
ONE_BYTE = {4, 5, *FRACTIONAL, *BLOBS, 245}
TWO_BYTES = {15, 16, 246, 253, 254, 247, 248, 141}
DIGITS = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes of a group of 0 to 9 decimal digits."""


def _size(kind: int, meta: tuple[int, int]) -> tuple[int, int]:
    one, two = meta
    if kind in FIXED:
        return FIXED[kind], 0
    if kind in FRACTIONAL:
        return FRACTIONAL[kind] + (one + 1) // 2, 0
    if kind == 246:
        whole = one - two
        return whole // 9 * 4 + DIGITS[whole % 9] + two // 9 * 4 + DIGITS[two % 9], 0
    if kind == 16:
        return two + (1 if one else 0), 0
    if kind in (15, 253, 141):
        return 0, 2 if one | two << 8 > 255 else 1
    if kind in BLOBS:
        return 0, one
    if kind in (247, 248):
        return two, 0
    if kind == 254:
        if one in (247, 248):
            return two, 0
        long = two if one & 0x30 == 0x30 else two | ((one & 0x30) ^ 0x30) << 4
        return 0, 2 if long > 255 else 1
    raise NotImplementedError(f"column type {kind}")


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
    columns, at = _packed(raw, at)
    width = (columns + 7) // 8
    return Rows(
        table, flags, columns, at, at + width * (2 if event.kind in UPDATES else 1), len(raw) - checksum
    )


def table_of(event: Event) -> int:
    return int.from_bytes(event.raw[HEADER : HEADER + 6], "little")


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
    """A rows event that inserts this event's images (of an update: those before, or those after the change)."""
    raw = event.raw
    width = (where.columns + 7) // 8
    found = images(event, where, table)
    if event.kind in UPDATES:
        found = found[1::2] if after else found[::2]
    kind = 30 if event.kind in SECOND_LAYOUT else 23
    head = raw[:4] + bytes([kind]) + raw[5 : where.bitmaps + width]
    body = head + b"".join(raw[a:b] for a, b in found) + b"\0" * checksum
    return end_statement(seal(body, checksum), checksum)
