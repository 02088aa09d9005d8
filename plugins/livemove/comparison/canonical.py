"""One row as bytes: equal on both sides where the data are equal, different where they differ.

The row is CONCAT_WS('#', ...) of, in this order: a number whose bits say which columns are NULL (CONCAT_WS
leaves NULLs out), every value of a type that cannot hold a '#' or has a fixed length, then texts, each behind
its length; the last text needs none. The first part is cast to BINARY, so the server joins bytes and converts
no character set.

integers, DECIMAL, YEAR: as text, ZEROFILL without its zeros.
    Not told apart: 1.5 and 1.50 of another scale, but such shapes are refused.
FLOAT, DOUBLE: POINT(value, 0), the eight bytes of IEEE 754, because as text FLOAT keeps six digits and
    versions print differently. -0 and 0 differ.
BIT, ENUM, SET: the stored number; the labels are part of the shape.
CHAR, VARCHAR, TINYTEXT: the stored bytes if both sides have one character set, else as utf8mb4.
    Not told apart: trailing spaces of CHAR (never stored); two characters that utf8mb4 lacks.
BINARY, VARBINARY, TINYBLOB: the bytes.
TEXT, BLOB, JSON and larger: SHA1 of the bytes (or of utf8mb4), so that a row stays small.
    JSON is text: {"a":1} and {"a": 1} differ.
DATE, DATETIME, TIME, TIMESTAMP: as text in time_zone +00:00, with zero dates, fractions and hours above 24.
    Not told apart: other precisions, but such shapes are refused.
UUID, INET4, INET6: as text, which is canonical.
geometry: SHA1 of SRID and WKB as stored; the same figure in another order differs.
anything newer: SHA1 of the value; what that does not tell apart is unknown.

Left out: VIRTUAL generated columns (both sides compute them) and the periods of system-versioned tables.
STORED generated and invisible columns are compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livemove.model import sql_names

TEXTS = {"char", "varchar", "tinytext"}
BINARY = {"binary", "varbinary", "tinyblob"}
LOBS = {"text", "mediumtext", "longtext", "json", "blob", "mediumblob", "longblob"}
NUMBERED = {"enum", "set", "bit"}
REALS = {"float", "double"}
INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "year"}
NUMBERS = INTEGERS | {"decimal"}
TIMES = {"date", "datetime", "timestamp", "time"}
ADDRESSES = {"uuid", "inet4", "inet6"}
TEMPORAL = TIMES | ADDRESSES
KEYABLE = NUMBERS | TEXTS | BINARY | TEMPORAL
"""Types whose values, as literals, find the same row in index order.

Not FLOAT (inexact), nor ENUM and SET (ordered by number, compared as text).
"""
WHOLLY_IN_UTF8MB4 = {"", "ascii", "latin1", "utf8", "utf8mb3", "utf8mb4", "ucs2", "utf16", "utf16le", "utf32"}
"""Character sets of which every valid character has one of its own in utf8mb4."""
MASK_BITS = 60
"""Columns whose NULLs one number holds."""


@dataclass(frozen=True)
class Column:
    name: str
    data_type: str
    column_type: str
    charset: str = ""
    collation: str = ""
    nullable: bool = True
    extra: str = ""
    expression: str = ""

    @property
    def compared(self) -> bool:
        """Virtual columns are computed by both sides; row periods are set by the server that writes."""
        virtual = "VIRTUAL" in self.extra.upper()
        return not virtual and self.expression.upper() not in ("ROW START", "ROW END")

    @property
    def stretches(self) -> bool:
        """Its bytes may be of any length and hold anything."""
        return self.data_type in TEXTS or self.data_type in BINARY


@dataclass(frozen=True)
class Shape:
    """What the comparison needs to know of a table."""

    schema: str
    table: str
    columns: tuple[Column, ...]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Unique keys over NOT NULL columns, by name."""
    leading: frozenset[str] = frozenset()
    """Columns that an index begins with."""
    engine: str = "InnoDB"
    estimate: int = 0

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def key(self) -> tuple[Column, ...]:
        """The key to walk: the primary or else the first unique key of types that can be walked; or empty."""
        by_name = {c.name: c for c in self.columns}
        ordered = sorted(self.keys.items(), key=lambda k: (k[0] != "PRIMARY", k[0]))
        for _, names in ordered:
            if all(by_name[n].data_type in KEYABLE for n in names):
                return tuple(by_name[n] for n in names)
        return ()

    @property
    def touched(self) -> Column | None:
        """An indexed column that the server sets at every change of a row."""
        return next(
            (c for c in self.columns if c.name in self.leading and "on update" in c.extra.lower()), None
        )

    @property
    def digest(self) -> str:
        """Changes with every DDL that changes columns or keys."""
        what = (self.columns, sorted(self.keys.items()), sorted(self.leading), self.engine)
        return hashlib.sha256(repr(what).encode()).hexdigest()[:16]

    def differs_from(self, other: Shape, sides: tuple[str, str] = ("source", "target")) -> str:
        """Why rows of the two cannot be compared; empty when they can. `sides` names them."""
        a, b = ({c.name: c for c in s.columns if c.compared} for s in (self, other))
        if a.keys() != b.keys():
            return f"the columns differ: only on one side {', '.join(sorted(a.keys() ^ b.keys()))}"
        ordered_by = {c.name for c in self.key}
        for name, here in a.items():
            there = b[name]
            same = here.data_type == there.data_type
            # ENUM and SET are compared by number, times and decimals as text of one precision
            exact = here.data_type in NUMBERED | TIMES | {"decimal"}
            same &= not exact or _bare(here.column_type) == _bare(there.column_type)
            # keys are walked in the order of their collation
            same &= name not in ordered_by or here.collation == there.collation
            # bytes of no character set and characters never meet
            same &= bool(here.charset) == bool(there.charset)
            if not same:
                return (
                    f"column {name} is {here.column_type} {here.collation} on the {sides[0]} and"
                    f" {there.column_type} {there.collation} on the {sides[1]}"
                )
        return "" if self.key == () or self.keys == other.keys else "the keys differ"

    def beside(self, other: Shape) -> Shape:
        """This shape, with text as utf8mb4 where the character set differs from that of `other`."""
        there = {c.name: c.charset for c in other.columns}
        columns = tuple(
            (
                Column(
                    c.name,
                    c.data_type,
                    c.column_type,
                    AS_UTF8MB4,
                    c.collation,
                    c.nullable,
                    c.extra,
                    c.expression,
                )
                if c.name in there and c.charset != there[c.name]
                else c
            )
            for c in self.columns
        )
        return Shape(self.schema, self.table, columns, self.keys, self.leading, self.engine, self.estimate)

    def lossy_columns(self, other: Shape) -> list[str]:
        """Columns of two character sets, one of which has characters that utf8mb4 may lack."""
        there = {c.name: c.charset for c in other.columns}
        return [
            c.name
            for c in self.columns
            if c.compared
            and c.charset != there.get(c.name, c.charset)
            and {c.charset, there[c.name]} - WHOLLY_IN_UTF8MB4
        ]


AS_UTF8MB4 = "any, as utf8mb4"
"""Stands for a column's character set when the two sides have different ones."""


def _bare(column_type: str) -> str:
    """A column type without what does not change its values."""
    return column_type.lower().replace(" zerofill", "").replace(" unsigned", "").replace(" signed", "")


def quote(name: str) -> str:
    """A name in SQL text that is sent with bound parameters, if only with none: a percent sign is doubled."""
    return sql_names.quote(name).replace("%", "%%")


def canonical(column: Column) -> str:
    """SQL for the value in a form that is the same on both sides; NULL stays NULL."""
    name, kind = quote(column.name), column.data_type
    text = f"CONVERT({name} USING utf8mb4)" if column.charset == AS_UTF8MB4 else name
    if kind in TEXTS:
        return text
    if kind in BINARY or kind in TEMPORAL:
        return name
    if kind in NUMBERED:
        return f"CAST({name} AS UNSIGNED)"
    if kind in REALS:
        return f"POINT({name}, 0)"
    if kind in NUMBERS:
        return f"({name} + 0)" if "zerofill" in column.column_type.lower() else name
    return f"SHA1({text})"


def row_expression(columns: Sequence[Column]) -> str:
    """SQL for the whole row, as bytes; never NULL while a row is below max_allowed_packet."""
    there = [c for c in columns if c.compared]
    nullable = [c for c in there if c.nullable]
    words = [nullable[i : i + MASK_BITS] for i in range(0, len(nullable), MASK_BITS)] or [[]]
    parts = [_mask(word) for word in words]
    parts[0] = f"CAST({parts[0]} AS BINARY)"
    parts += [canonical(c) for c in there if not c.stretches]
    texts = [canonical(c) for c in there if c.stretches]
    for text in texts[:-1]:
        parts += [f"LENGTH({text})", text]
    return f"CONCAT_WS('#', {', '.join(parts + texts[-1:])})"


def _mask(columns: Sequence[Column]) -> str:
    return " + ".join(f"({quote(c.name)} IS NULL) * {1 << i}" for i, c in enumerate(columns)) or "0"
