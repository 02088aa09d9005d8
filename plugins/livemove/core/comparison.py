"""Are the rows equal? Canonical rows, digests that do not cancel, key ranges, and the judgement under live writes.

Per range each side answers with a row count and two sums over the halves of SHA1(row). Sums do not cancel as XOR
does: the same change in two rows, or two swapped values, is seen. Rows are written in one canonical form that
tells NULL from '' and cannot be ambiguous (a map of NULLs in front, lengths before texts).

What it sees: missing, extra and changed rows, down to one byte of a BLOB, with their keys. What it does not see:
virtual generated columns (both sides compute them), the periods of system-versioned tables, and rows that change at
every single look (the verdict's note counts them). Tables without a usable key are compared as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from livemove.ports import Json

Key = tuple[Any, ...]
Look = tuple[Any, Any]
"""What source and target showed for one key at one moment; None: no such row. Here and below the source is the side
that is replicated from: the owner of the writes, which on the way back is RDS."""

TEXTS = {"char", "varchar"}
LOBS = {"tinytext", "text", "mediumtext", "longtext", "json", "tinyblob", "blob", "mediumblob", "longblob"}
BINARY = {"binary", "varbinary"}
GEOMETRY = {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"}  # fmt: skip
NUMBERED = {"enum", "set", "bit"}
INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "year"}
TEMPORAL = {"date", "datetime", "timestamp", "time", "uuid", "inet4", "inet6"}
KEYABLE = INTEGERS | TEXTS | BINARY | TEMPORAL | {"decimal"}
"""Types whose values come back as a literal that finds the same row in index order. Not FLOAT (inexact), nor ENUM and SET (ordered by number, compared as text)."""


class Change(StrEnum):
    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"


@dataclass(frozen=True)
class Difference:
    key: Key
    kind: Change

    def __str__(self) -> str:
        return f"{self.kind} {', '.join(map(repr, self.key))}"


@dataclass(frozen=True)
class Verdict:
    """The result for one table. `rows_*` were counted at slightly different moments when writes go on."""

    equal: bool
    rows_source: int
    rows_target: int
    differences: tuple[Difference, ...] = ()
    """Missing and extra on the follower."""
    seconds: float = 0.0
    note: str = ""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """Digest of the table's definition by side: a later DDL makes this verdict stale."""

    def turned(self) -> Verdict:
        """Of a comparison from target to source, with each row count under its own side."""
        return replace(self, rows_source=self.rows_target, rows_target=self.rows_source)

    def as_json(self) -> Json:
        rows = [{"key": [str(k) for k in d.key], "kind": str(d.kind)} for d in self.differences]
        return {**asdict(self), "differences": rows}


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
        """The key to walk: the primary key, else the first unique one, of types that can be walked; or empty."""
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
            # ENUM and SET are compared by number, keys in the order of their collation
            same = here.data_type == there.data_type
            same &= here.data_type not in NUMBERED or here.column_type == there.column_type
            same &= name not in ordered_by or here.collation == there.collation
            if not same:
                return f"column {name} is {here.column_type} {here.collation} on the {sides[0]} and {there.column_type} {there.collation} on the {sides[1]}"
        return "" if self.key == () or self.keys == other.keys else "the keys differ"


def taken_apart(name: str, schemas: Sequence[str]) -> tuple[str, str]:
    """(schema, table) of "schema.table"; the schema is one of these, and may have dots in its name."""
    schema = max((s for s in schemas if name.startswith(f"{s}.")), key=len, default=name.partition(".")[0])
    return schema, name[len(schema) + 1 :]


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


# One row as text ----------------------------------------------------------------------------------------------------
def canonical(column: Column) -> str:
    """SQL for the value in a form that is the same on both sides; NULL stays NULL."""
    name, kind = quote(column.name), column.data_type
    if kind in LOBS:
        # hashed, since the whole row must stay under max_allowed_packet
        return f"SHA1({name})" if not column.charset else f"SHA1(CONVERT({name} USING utf8mb4))"
    if kind in GEOMETRY:
        return f"CONCAT(ST_SRID({name}), ':', SHA1(ST_AsWKB({name})))"
    if kind in NUMBERED:
        return f"CAST({name} AS UNSIGNED)"
    if kind == "float":
        return f"CAST({name} AS DOUBLE)"  # as text it would keep six digits
    if kind in BINARY:
        return name
    if kind in TEXTS:
        return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"
    return f"CAST({name} AS CHAR)" if kind in TEMPORAL else name


def row_expression(columns: Sequence[Column]) -> str:
    """SQL for the whole row. CONCAT_WS leaves NULLs out, so the map in front says which are."""
    parts: list[str] = []
    nulls = [f"ISNULL({quote(c.name)})" for c in columns if c.compared and c.nullable]
    if nulls:
        parts.append(f"CONCAT({', '.join(nulls)})")
    for c in columns:
        if c.compared:
            text = canonical(c)
            parts += [f"LENGTH({text})", text] if c.data_type in TEXTS | BINARY else [text]
    return f"CONCAT_WS('#', {', '.join(parts)})"


def digest_query(shape: Shape, where: str = "1") -> str:
    """One row: n, a, b, lost. `lost` counts rows whose digest is NULL; it must be 0."""
    # without LIMIT the derived table is merged and every row hashed twice
    hashed = f"SELECT SHA1({row_expression(shape.columns)}) AS h FROM {_from(shape)} WHERE {where} LIMIT 18446744073709551615"
    half = "COALESCE(SUM(CAST(CONV({}, 16, 10) AS UNSIGNED)), 0)"
    return (
        f"SELECT COUNT(*) AS n, {half.format('LEFT(h, 16)')} AS a, {half.format('SUBSTR(h, 17, 16)')} AS b, "
        f"COALESCE(SUM(h IS NULL), 0) AS lost FROM ({hashed}) AS hashed"
    )


def rows_query(shape: Shape, where: str) -> str:
    """Key columns k0, k1, ... and h, the row's hash."""
    return f"SELECT {_key_list(shape)}, SHA1({row_expression(shape.columns)}) AS h FROM {_from(shape)} WHERE {where} ORDER BY {_order(shape)}"


def multiset_query(shape: Shape) -> str:
    """For tables without a key: every distinct row's hash h and how often it is there, n."""
    return f"SELECT SHA1({row_expression(shape.columns)}) AS h, COUNT(*) AS n FROM {_from(shape)} GROUP BY h ORDER BY NULL"


def step_query(shape: Shape, where: str, rows: int) -> str:
    """The key that stands `rows` rows further on."""
    return f"SELECT {_key_list(shape)} FROM {_from(shape)} WHERE {where} ORDER BY {_order(shape)} LIMIT 1 OFFSET {rows - 1}"


def tail_query(shape: Shape, rows: int) -> str:
    """The key after which the last `rows` rows stand."""
    down = ", ".join(f"{quote(c.name)} DESC" for c in shape.key)
    return f"SELECT {_key_list(shape)} FROM {_from(shape)} ORDER BY {down} LIMIT 1 OFFSET {rows}"


def _from(shape: Shape) -> str:
    return f"{quote(shape.schema)}.{quote(shape.table)}"


def _order(shape: Shape) -> str:
    return ", ".join(quote(c.name) for c in shape.key)


def _key_list(shape: Shape) -> str:
    return ", ".join(f"{_key_value(c)} AS k{i}" for i, c in enumerate(shape.key))


def _key_value(column: Column) -> str:
    return f"CAST({quote(column.name)} AS CHAR)" if column.data_type in TEMPORAL else quote(column.name)


# Ranges of keys -----------------------------------------------------------------------------------------------------
def between(shape: Shape, low: Key | None, high: Key | None) -> tuple[str, list[Any]]:
    """WHERE for low < key <= high, with arguments; None is open."""
    parts: list[str] = []
    args: list[Any] = []
    for bound, sign in ((low, ">"), (high, "<=")):
        if bound is not None:
            text, values = _beyond(shape, bound, sign)
            parts.append(text)
            args += values
    return " AND ".join(parts) or "1", args


def _beyond(shape: Shape, bound: Key, sign: str) -> tuple[str, list[Any]]:
    """Row-value comparison, spelled out: (a, b) > (x, y) itself would not use the index."""
    names = [quote(c.name) for c in shape.key]
    choices: list[str] = []
    args: list[Any] = []
    for i, name in enumerate(names):
        last = i == len(names) - 1
        equals = [f"{n} = %s" for n in names[:i]]
        choices.append(" AND ".join([*equals, f"{name} {sign if last else sign[0]} %s"]))
        args += [*bound[:i], bound[i]]
    # the first column alone lets the optimizer start at the right place
    return f"({names[0]} {sign[0]}= %s AND ({' OR '.join(f'({c})' for c in choices)}))", [bound[0], *args]


def among(shape: Shape, keys: Sequence[Key]) -> tuple[str, list[Any]]:
    """WHERE for exactly these keys."""
    one = "(" + " AND ".join(f"{quote(c.name)} = %s" for c in shape.key) + ")"
    return " OR ".join([one] * len(keys)), [v for k in keys for v in k]


# Judgement ----------------------------------------------------------------------------------------------------------
class Judgement(StrEnum):
    EQUAL = "equal"
    DIFFERENT = "different"
    MOVING = "moving"


def judge(looks: Sequence[Look]) -> Judgement:
    """What the looks at one key say, oldest first; waits between them are longer than the replicator may lag.

    Different only when source and target both rested over the last three looks and still disagree; four, when the
    source was seen changing, since a value can come back (deleted and inserted again) between two looks.
    """
    source, target = looks[-1]
    if source == target:
        return Judgement.EQUAL
    changed = len({s for s, _ in looks}) > 1
    rested = looks[-4:] if changed else looks[-3:]
    if len(rested) >= (4 if changed else 3) and len(set(rested)) == 1:
        return Judgement.DIFFERENT
    return Judgement.MOVING


def followed(looks: Sequence[Look]) -> bool:
    """True when the target's last version is one that the source showed earlier."""
    return looks[-1][1] in [source for source, _ in looks[:-1]]


def kind_of(look: Look) -> Change:
    source, target = look
    if not target:
        return Change.MISSING
    return Change.EXTRA if not source else Change.CHANGED
