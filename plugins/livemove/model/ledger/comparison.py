"""Documents and events of the comparison."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Part, Time


class RowDifference(Part):
    """One row that differs."""

    key: list[str]
    kind: str
    """missing or extra on the follower, or changed."""
    columns: list[dict[str, str]] = []
    """column, source, target."""


class StoredKeyRange(Part):
    """A range of a table's key."""

    low: Any = None
    high: Any = None
    number: int = 1
    of: int = 1


class _Verdict(Document):
    epoch: int
    table: str
    owner: str = ""
    """Which side was the owner."""
    equal: bool
    rows_source: int = 0
    rows_target: int = 0
    differences: list[RowDifference] = []
    seconds: float = 0.0
    note: str = ""
    definitions: dict[str, str] = {}
    """Digest of the table's definition by side: a later DDL makes this verdict stale."""
    missing: int = 0
    extra: int = 0
    changed: int = 0
    unjudged: int = 0
    """Rows that changed at every look."""
    position: str = ""
    """The owner's binlog position before the first row was read."""
    began_at: str = ""
    checked_at: Time
    """Before the first row was read: what came later is not proved."""


class TableComparison(_Verdict):
    """What the last comparison of a table found in this epoch."""

    NAME: ClassVar[str] = "comparison/{epoch}/{table}"


class PartComparison(_Verdict):
    """The same of one share of a large table."""

    NAME: ClassVar[str] = "comparison_part/{epoch}/{table}/{number}"
    number: int
    share: StoredKeyRange


class PassState(Part):
    """How far the comparison of one table, or of one share of it, is."""

    done: bool
    shape: str = ""
    """Digest of the table's definition."""
    share: StoredKeyRange | None = None
    low: Any = None
    """The key from which a retry continues."""
    rows: tuple[int, int] = (0, 0)
    """Compared so far: source, target."""
    of: int | None = None
    """About how many rows there are."""
    rate: float | None = None
    """Rows per second."""
    differing: list[tuple[Any, Any, int, int]] = []
    """Key ranges that differ: from, to, rows on the source, rows on the target."""
    began_at: str = ""
    position: str = ""
    kept_at: float = 0.0
    """Seconds since 1970."""


class _Pass(PassState, Document):
    epoch: int
    table: str


class ComparisonPass(_Pass):
    """How far the comparison of a whole table is; a retry continues from here."""

    NAME: ClassVar[str] = "comparing/{epoch}/{table}"


class PartPass(_Pass):
    """How far the comparison of one share is."""

    NAME: ClassVar[str] = "comparing/{epoch}/{table}/{number}"
    number: int


class TableRepaired(Event):
    """Rows of a table were copied again from the owner."""

    event: Literal["repaired"] = "repaired"
    table: str
    epoch: int
    rows: int
    keys: list[str] = []
    """At most 100."""
