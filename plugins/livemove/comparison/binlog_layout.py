"""How table maps and rows events of a binlog lie in their bytes; nothing is decoded here.

Layouts: https://mariadb.com/kb/en/replication-protocol/ (Table_map, Rows events) and sql/log_event.h of
MariaDB 10.11.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

HEADER = 19
INSERTS = {23, 30}
UPDATES = {24, 31}
DELETES = {25, 32}
ROWS = INSERTS | UPDATES | DELETES
SECOND_LAYOUT = {30, 31, 32}
"""MySQL's rows events, version 2, carry extra data before the column count."""
COMPRESSED = set(range(165, 172))


class Unreadable(ValueError):
    """Why something cannot be told from the binlog."""


class Layout(NamedTuple):
    """What a table map says: the table, and of each column its type and metadata."""

    id: int
    schema: str
    table: str
    types: bytes
    meta: list[tuple[int, int]]


def table_id(raw: bytes) -> int:
    """Of a table map and of the rows events that belong to it."""
    return int.from_bytes(raw[HEADER : HEADER + 6], "little")


def layout(raw: bytes) -> Layout:
    """Of a table map event, header included."""
    schema, at = text(raw, HEADER + 8)
    table, at = text(raw, at)
    count, at = packed(raw, at)
    types = raw[at : at + count]
    _, at = packed(raw, at + count)
    meta = []
    for kind in types:
        width = 1 if kind in ONE_BYTE else 2 if kind in TWO_BYTES else 0
        meta.append((raw[at] if width else 0, raw[at + 1] if width == 2 else 0))
        at += width
    return Layout(table_id(raw), schema, table, types, meta)


def query(raw: bytes, checksum: int = 0) -> tuple[str, str]:
    """(default schema, statement) of a query event with so many bytes of checksum at its end."""
    _, _, schema_length, _, status_length = struct.unpack_from("<IIBHH", raw, HEADER)
    at = HEADER + 13 + status_length
    schema = raw[at : at + schema_length].decode("utf8", "replace")
    return schema, raw[at + schema_length + 1 : len(raw) - checksum].decode("utf8", "replace")


def text(raw: bytes, at: int) -> tuple[str, int]:
    length = raw[at]
    return raw[at + 1 : at + 1 + length].decode("utf8"), at + length + 2


def packed(raw: bytes, at: int) -> tuple[int, int]:
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


def sizes(types: bytes, meta: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Per column (bytes of a fixed value, bytes of a variable one's length); one is 0.

    Unreadable for an unknown type.
    """
    return [size(t, m) for t, m in zip(types, meta, strict=True)]


def size(kind: int, meta: tuple[int, int]) -> tuple[int, int]:
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
