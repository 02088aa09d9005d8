"""Are the rows equal? Digests that do not cancel, key ranges, their pace, and judging rows that change.

Per range each side answers with a row count and the sum of a 64-bit hash (the front of SHA1) over the
canonical rows of `comparison.canonical`. SHA1 is not linear and a sum does not cancel, as XOR of CRC32 does:
the same change in two rows, two rows that swap a value, and a row that is there twice are seen. Two different
ranges have the same digest by chance once in 2^64. Single rows are compared by all 160 bits.

What it sees: missing, extra and changed rows, down to one byte of a BLOB, with their keys. What it does not
see: what `comparison.canonical` leaves out. A row that never rests is pinned for one watermark's way; one
that could not be judged even so makes the table not equal, never equal. Tables without a usable key are
compared as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from livemove.comparison.canonical import (
    BINARY,
    LOBS,
    TEMPORAL,
    TEXTS,
    Column,
    Shape,
    canonical,
    quote,
    row_expression,
)
from livemove.model.ledger import RowDifference, TableComparison
from livemove.model.ports import Json, Link, Row
from livemove.model.spec import Side

Key = tuple[Any, ...]
Seen = Any
"""What one side shows for one key: a row's hash, a number of rows; None or 0: no such row."""


class Change(StrEnum):
    MISSING = "missing"
    EXTRA = "extra"
    CHANGED = "changed"


@dataclass(frozen=True)
class Cell:
    """One column in which two rows differ, as text a person may read."""

    column: str
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.column}: {self.source} on the source, {self.target} on the target"


@dataclass(frozen=True)
class Difference:
    key: Key
    kind: Change
    cells: tuple[Cell, ...] = ()

    @property
    def kept(self) -> RowDifference:
        """As the ledger keeps it."""
        columns = [asdict(c) for c in self.cells]
        return RowDifference(key=[str(k) for k in self.key], kind=str(self.kind), columns=columns)

    def __str__(self) -> str:
        text = f" ({'; '.join(map(str, self.cells))})" if self.cells else ""
        return f"{self.kind} {', '.join(map(repr, self.key))}{text}"


@dataclass(frozen=True)
class TableVerdict:
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
    missing: int = 0
    extra: int = 0
    changed: int = 0
    unjudged: int = 0
    """Rows that changed at every look and could not be pinned either."""
    position: str = ""
    """The owner's binlog position before the first row was read; the verdict covers nothing newer."""
    began_at: str = ""
    """ISO time at which the pass began; a pass that was resumed began with its first task."""

    def swapped(self) -> TableVerdict:
        """Of a comparison from target to source, with each row count and value under its own side."""
        turned = tuple(
            replace(d, cells=tuple(Cell(c.column, c.target, c.source) for c in d.cells))
            for d in self.differences
        )
        return replace(self, rows_source=self.rows_target, rows_target=self.rows_source, differences=turned)

    def kept(self, *, epoch: int, table: str, owner: Side, checked_at: str) -> TableComparison:
        """As the ledger keeps it."""
        return TableComparison(
            epoch=epoch,
            table=table,
            owner=str(owner),
            equal=self.equal,
            rows_source=self.rows_source,
            rows_target=self.rows_target,
            differences=[d.kept for d in self.differences],
            seconds=self.seconds,
            note=self.note,
            definitions=dict(self.definitions),
            missing=self.missing,
            extra=self.extra,
            changed=self.changed,
            unjudged=self.unjudged,
            position=self.position,
            began_at=self.began_at,
            checked_at=checked_at,
        )


def differs(table: str, verdict: TableVerdict, link: Link) -> str:
    """What a person is told of a table that is not equal."""
    rows = "; ".join(str(d) for d in verdict.differences[:20])
    counts = f"{verdict.missing} missing, {verdict.extra} extra, {verdict.changed} changed" if rows else ""
    text = "; ".join(filter(None, (rows, counts, verdict.note)))
    return f"{table} differs on the {link.writes} from the {link.reads}, the owner: {text}"


def split_table_name(name: str, schemas: Sequence[str]) -> tuple[str, str]:
    """(schema, table) of "schema.table"; the schema is one of these, and may have dots in its name."""
    schema = max((s for s in schemas if name.startswith(f"{s}.")), key=len, default=name.partition(".")[0])
    return schema, name[len(schema) + 1 :]


# Questions
# ----------------------------------------------------------------------------------------------------------
HASH = "CAST(CONV(LEFT(SHA1({}), 16), 16, 10) AS UNSIGNED)"


def digest_query(shape: Shape, where: str = "1") -> str:
    """One row: n, a."""
    row = row_expression(shape.columns)
    return (
        f"SELECT COUNT(*) AS n, COALESCE(SUM({HASH.format(row)}), 0) AS a FROM {from_(shape)} WHERE {where}"
    )


def rows_query(shape: Shape, where: str, tail: str = "") -> str:
    """Key columns k0, k1, ... and h, the row's hash."""
    return (
        f"SELECT {_key_list(shape)}, SHA1({row_expression(shape.columns)}) AS h FROM {from_(shape)} WHERE"
        f" {where} ORDER BY {_order(shape)} {tail}".rstrip()
    )


def multiset_query(shape: Shape, digits: int) -> str:
    """For tables without a key: by a hash's first hex digits h, the rows' count n and hash sum a."""
    row = row_expression(shape.columns)
    return (
        f"SELECT LEFT(SHA1({row}), {digits}) AS h, COUNT(*) AS n, SUM({HASH.format(row)}) AS a FROM"
        f" {from_(shape)} GROUP BY h ORDER BY NULL"
    )


def step_query(shape: Shape, where: str, rows: int) -> str:
    """The key that stands `rows` rows further on."""
    return (
        f"SELECT {_key_list(shape)} FROM {from_(shape)} WHERE {where} ORDER BY {_order(shape)} LIMIT 1 OFFSET"
        f" {rows - 1}"
    )


def tail_query(shape: Shape, rows: int) -> str:
    """The key after which the last `rows` rows stand."""
    down = ", ".join(f"{quote(c.name)} DESC" for c in shape.key)
    return f"SELECT {_key_list(shape)} FROM {from_(shape)} ORDER BY {down} LIMIT 1 OFFSET {rows}"


SHOWN = 60
"""Characters of a value that a report shows."""


def cells_query(shape: Shape, where: str) -> str:
    """Per compared column i: hi, the value's hash, and vi, what a person may see of it."""
    shown = ", ".join(
        f"SHA1({canonical(c)}) AS h{i}, {_shown(c)} AS v{i}" for i, c in enumerate(compared(shape))
    )
    return f"SELECT {shown} FROM {from_(shape)} WHERE {where}"


def compared(shape: Shape) -> list[Column]:
    return [c for c in shape.columns if c.compared]


def _shown(column: Column) -> str:
    name = quote(column.name)
    text = column.data_type in TEXTS or (column.data_type in LOBS and column.charset)
    if text:
        return f"LEFT(CONVERT({name} USING utf8mb4), {SHOWN})"
    raw = column.data_type in BINARY | LOBS | {"bit"} or (
        "+" not in canonical(column) and canonical(column).startswith("SHA1")
    )
    return f"LEFT(HEX({name}), {SHOWN})" if raw else f"CAST({name} AS CHAR)"


SECRET = re.compile(
    r"pass(wd|word|phrase)?|pwd|secret|token|salt|hash|api_?key|private|session|card|cvc|cvv|ssn|jumin"
    r"|resident|account_?n",
    re.IGNORECASE,
)
"""Columns whose values are never shown, by their names."""


def cells(shape: Shape, source: Row, target: Row) -> tuple[Cell, ...]:
    """The columns in which one row differs; both rows as `cells_query` gave them."""
    return tuple(
        Cell(c.name, *_told(c, i, source, target))
        for i, c in enumerate(compared(shape))
        if source[f"h{i}"] != target[f"h{i}"]
    )


def _told(column: Column, i: int, *rows: Row) -> list[str]:
    """A value of each side as shown to people; a hash is added when both would look the same."""
    secret = SECRET.search(column.name)
    lines = ["NULL" if r[f"v{i}"] is None else "(masked)" if secret else repr(str(r[f"v{i}"])) for r in rows]
    if lines[0] == lines[1] and not secret:
        return [f"{text}... (SHA1 {r[f'h{i}'][:8]})" for text, r in zip(lines, rows, strict=True)]
    return lines


def from_(shape: Shape) -> str:
    return f"{quote(shape.schema)}.{quote(shape.table)}"


def _order(shape: Shape) -> str:
    return ", ".join(quote(c.name) for c in shape.key)


def _key_list(shape: Shape) -> str:
    return ", ".join(f"{_key_value(c)} AS k{i}" for i, c in enumerate(shape.key))


def _key_value(column: Column) -> str:
    return f"CAST({quote(column.name)} AS CHAR)" if column.data_type in TEMPORAL else quote(column.name)


# Ranges of keys
# -----------------------------------------------------------------------------------------------------
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
    if len(names) == 1:
        return f"{names[0]} {sign} %s", [bound[0]]
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


def pack(key: Key | None) -> list[Json] | None:
    """A key as JSON, to go on from after a restart."""
    if key is None:
        return None
    return [
        (
            {"bytes": v.hex()}
            if isinstance(v, bytes)
            else {"decimal": str(v)}
            if isinstance(v, Decimal)
            else {"value": v}
        )
        for v in key
    ]


def unpack(packed: Sequence[Json] | None) -> Key | None:
    if packed is None:
        return None
    return tuple(
        bytes.fromhex(v["bytes"]) if "bytes" in v else Decimal(v["decimal"]) if "decimal" in v else v["value"]
        for v in packed
    )


# Pace
# ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Effort:
    """How hard the comparison may work the databases."""

    seconds: float = 0.5
    """Wanted time of one chunk on the slower side; long statements keep old row versions alive."""
    nice: float = 0.0
    """Rest after each chunk, as a share of the time it took: 1 halves the load."""
    running: int = 25
    """Pause while more than so many threads run statements on the source (Threads_running)."""
    rows: int = 20_000
    """Of the first chunk."""


LEAST, MOST = 500, 2_000_000
"""Rows of one chunk, at any pace."""


def next_rows(rows: int, seconds: float, effort: Effort) -> int:
    """Rows of the next chunk after `rows` took `seconds`: grows at most fourfold, shrinks without a limit."""
    if effort.seconds <= 0:
        return rows
    fit = rows * effort.seconds / max(seconds, 1e-6)
    return int(max(LEAST, min(fit, rows * 4, MOST)))


# Judgement
# ----------------------------------------------------------------------------------------------------------
class Judgement(StrEnum):
    EQUAL = "equal"
    DIFFERENT = "different"
    MOVING = "moving"


@dataclass(frozen=True)
class RowReads:
    """One look at a key: on the source, a watermark from source to target, then on both."""

    before: Seen
    target: Seen
    after: Seen

    @property
    def rested(self) -> bool:
        return bool(self.before == self.after)


RESTED, RESTED_AGAIN = 3, 5
"""Looks that must agree; more if the source changed, because a value can come back between two looks."""


def judge(looks: Sequence[RowReads]) -> Judgement:
    """What the looks at one key say, oldest first.

    The watermark was written after the first look of each: whatever that look saw has arrived at the target,
    so a target that shows neither that nor what the source has now is behind by more than the way, or
    different. It is called different only when both rested over several looks.
    """
    last = looks[-1]
    if last.target in (last.before, last.after):
        return Judgement.EQUAL
    changed = any(not look.rested for look in looks) or len({look.before for look in looks}) > 1
    wanted = RESTED_AGAIN if changed else RESTED
    same = looks[-wanted:]
    if len(same) == wanted and len(set(same)) == 1 and last.rested:
        return Judgement.DIFFERENT
    return Judgement.MOVING


def judge_pinned(look: RowReads) -> Judgement:
    """The row was locked on the source from before the first look until after the last: one look is exact."""
    if look.before == look.target:
        return Judgement.EQUAL
    return Judgement.DIFFERENT if look.rested else Judgement.MOVING


def kind_of(source: Seen, target: Seen) -> Change:
    if not target:
        return Change.MISSING
    return Change.EXTRA if not source else Change.CHANGED
