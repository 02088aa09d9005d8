"""Keys of the rows that binlog events changed. Only key columns are decoded.

Event checksums must be off for the stream (@master_binlog_checksum = 'NONE').
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from livemove.comparison.binlog_layout import (
    HEADER,
    SECOND_LAYOUT,
    UPDATES,
    Unreadable,
    layout,
    packed,
    sizes,
)
from livemove.comparison.canonical import Column, Shape


class Kind(IntEnum):
    QUERY = 2
    ROTATE = 4
    EXECUTE_LOAD = 18
    TABLE_MAP = 19
    INCIDENT = 26
    PAYLOAD = 40
    """Compressed transactions of MySQL 8."""


WIDTHS = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8, "year": 1}
CODECS = {
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "ascii": "ascii",
    "latin1": "cp1252",
    "euckr": "cp949",
}
READABLE = {"char", "varchar", "binary", "varbinary", *WIDTHS}
"""Key types that are decoded here."""


@dataclass(frozen=True)
class TableMap:
    schema: str
    table: str
    sizes: tuple[tuple[int, int], ...]
    """Per column (bytes of a fixed value, bytes of the length before a variable one); one of them is 0."""

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


def table_map(raw: bytes) -> TableMap:
    found = layout(raw)
    return TableMap(found.schema, found.table, tuple(sizes(found.types, found.meta)))


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
    columns, at = packed(raw, at)
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


def rotation(raw: bytes) -> str:
    """The file that follows."""
    return raw[HEADER + 8 :].decode("ascii", "replace")


def position_key(position: str) -> tuple[str, int]:
    """Positions in the order of the binlog; file names end in a number of fixed width."""
    file, _, offset = position.rpartition(":")
    return file, int(offset)


def newest(positions: Sequence[str]) -> str:
    return max(positions, key=position_key)
