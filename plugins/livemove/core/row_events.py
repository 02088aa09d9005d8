"""Keys of the rows that binlog events changed. Values are decoded for key columns only, everything else is skipped.

Layouts: https://mariadb.com/kb/en/replication-protocol/ (Table_map, Rows events) and sql/log_event.h of MariaDB 10.11.
Event checksums must be off for the stream (@master_binlog_checksum = 'NONE').
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from livemove.core.canonical import Column, Shape

HEADER = 19


class Kind(IntEnum):
    QUERY = 2
    ROTATE = 4
    EXECUTE_LOAD = 18
    TABLE_MAP = 19
    INCIDENT = 26
    PAYLOAD = 40
    """Compressed transactions of MySQL 8."""


ROWS = {23, 24, 25, 30, 31, 32}
UPDATES = {24, 31}
SECOND_LAYOUT = {30, 31, 32}
COMPRESSED = set(range(165, 172))
WIDTHS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8, "year": 1}
CODECS = {"utf8": "utf-8", "utf8mb3": "utf-8", "utf8mb4": "utf-8", "ascii": "ascii", "latin1": "cp1252", "euckr": "cp949"}  # fmt: skip
READABLE = {"char", "varchar", "binary", "varbinary", *WIDTHS}
"""Key types that are decoded here."""


class Unreadable(ValueError):
    """Why the keys of a table cannot be told from the binlog."""


@dataclass(frozen=True)
class TableMap:
    schema: str
    table: str
    sizes: tuple[tuple[int, int], ...]
    """Per column (bytes of a fixed value, bytes of the length before a variable one); one of them is 0."""

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


def table_id(raw: bytes) -> int:
    return int.from_bytes(raw[HEADER : HEADER + 6], "little")


def table_map(raw: bytes) -> TableMap:
    schema, at = _text(raw, HEADER + 8)
    table, at = _text(raw, at)
    count, at = _packed(raw, at)
    types = raw[at : at + count]
    _, at = _packed(raw, at + count)
    sizes = []
    for kind in types:
        meta = (0, 0)
        if kind in ONE_BYTE:
            meta, at = (raw[at], 0), at + 1
        elif kind in TWO_BYTES:
            meta, at = (raw[at], raw[at + 1]), at + 2
        sizes.append(_size(kind, meta))
    return TableMap(schema, table, tuple(sizes))


def unreadable(shape: Shape) -> str:
    """Why keys of this table cannot be decoded; empty when they can."""
    if not shape.key:
        return "it has no usable key"
    if odd := [c.name for c in shape.columns if not c.compared]:
        return f"its virtual or versioned columns ({', '.join(odd)}) are not decoded"
    if odd := [c.name for c in shape.key if c.data_type not in READABLE or c.charset not in {"", *CODECS}]:
        return f"its key {', '.join(odd)} is of a type that is not decoded"
    return ""


def keys(raw: bytes, mapped: TableMap, shape: Shape) -> set[tuple[Any, ...]]:
    """Keys of all row images of one rows event: of an update those before and after."""
    kind, at = raw[4], HEADER + 8
    if kind in SECOND_LAYOUT:
        at += int.from_bytes(raw[at : at + 2], "little")
    columns, at = _packed(raw, at)
    if columns != len(shape.columns) or columns != len(mapped.sizes):
        raise Unreadable(f"the binlog has {columns} columns, the table {len(shape.columns)}")
    width = (columns + 7) // 8
    for _ in range(2 if kind in UPDATES else 1):
        if int.from_bytes(raw[at : at + width], "little") & (1 << columns) - 1 != (1 << columns) - 1:
            raise Unreadable("the row images are not whole (binlog_row_image)")
        at += width
    wanted = {shape.columns.index(c): place for place, c in enumerate(shape.key)}
    found = set()
    while at < len(raw):
        nulls = int.from_bytes(raw[at : at + width], "little")
        at += width
        key: list[Any] = [None] * len(wanted)
        for number, (fixed, prefix) in enumerate(mapped.sizes):
            if nulls >> number & 1:
                continue
            start = at + prefix
            at = start + (int.from_bytes(raw[at:start], "little") if prefix else fixed)
            if number in wanted:
                key[wanted[number]] = value(shape.columns[number], raw[start:at])
        found.add(tuple(key))
    if at != len(raw):
        raise Unreadable("a rows event does not parse")
    return found


def value(column: Column, data: bytes) -> Any:
    """A key column's value as the driver would give it."""
    kind = column.data_type
    if kind == "year":
        return data[0] + 1900 if data[0] else 0
    if kind in WIDTHS:
        if len(data) != WIDTHS[kind]:
            raise Unreadable(f"{column.name} has {len(data)} bytes in the binlog")
        return int.from_bytes(data, "little", signed="unsigned" not in column.column_type.lower())
    if kind == "binary":
        return data.ljust(int(column.column_type.partition("(")[2].rstrip(")") or 1), b"\0")
    if kind == "varbinary":
        return data
    try:
        return data.decode(CODECS[column.charset])
    except UnicodeDecodeError as e:
        raise Unreadable(f"a key in {column.name} is no valid {column.charset}") from e


def query_text(raw: bytes) -> tuple[str, str]:
    """(default schema, statement) of a query event."""
    _, _, schema_length, _, status_length = struct.unpack_from("<IIBHH", raw, HEADER)
    at = HEADER + 13 + status_length
    schema = raw[at : at + schema_length].decode("utf8", "replace")
    return schema, raw[at + schema_length + 1 :].decode("utf8", "replace")


def rotation(raw: bytes) -> str:
    """The file that follows."""
    return raw[HEADER + 8 :].decode("ascii", "replace")


def position_key(position: str) -> tuple[str, int]:
    """Positions in the order of the binlog; file names end in a number of fixed width."""
    file, _, offset = position.rpartition(":")
    return file, int(offset)


def newest(positions: Sequence[str]) -> str:
    return max(positions, key=position_key)


def _text(raw: bytes, at: int) -> tuple[str, int]:
    length = raw[at]
    return raw[at + 1 : at + 1 + length].decode("utf8"), at + length + 2


def _packed(raw: bytes, at: int) -> tuple[int, int]:
    first = raw[at]
    if first < 251:
        return first, at + 1
    width = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(raw[at + 1 : at + 1 + width], "little"), at + 1 + width


# enum_field_types of include/mysql_com.h
FIXED = {1: 1, 13: 1, 2: 2, 9: 3, 10: 3, 14: 3, 3: 4, 4: 4, 7: 4, 8: 8, 5: 8, 11: 3, 12: 8, 6: 0}
FRACTIONAL = {17: 4, 18: 5, 19: 3}
BLOBS = {252, 255, 140}
ONE_BYTE = {4, 5, 245, *FRACTIONAL, *BLOBS}
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
    if kind in BLOBS or kind == 245:
        return 0, one
    if kind in (247, 248):
        return two, 0
    if kind == 254:
        if one in (247, 248):
            return two, 0
        long = two if one & 0x30 == 0x30 else two | ((one & 0x30) ^ 0x30) << 4
        return 0, 2 if long > 255 else 1
    raise Unreadable(f"column type {kind}")
