"""A huge table is compared by several tasks, each with a range of its key; together they are one verdict.

The ranges leave no gap and have open ends, so that every row, also one written later, belongs to exactly one
of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from livemove.comparison.row_comparison import Key, pack, unpack
from livemove.model.ledger import PartComparison, StoredKeyRange, TableComparison

ROWS = 20_000_000
"""Rows for which a task of its own is worth while: minutes of reading."""
MOST = 16
"""Tasks of one table."""
LISTED = 100
"""Differences that the whole verdict lists; all are counted."""


@dataclass(frozen=True)
class KeyRange:
    """low < key <= high; None is open. `number` of `of`, from 1."""

    low: Key | None = None
    high: Key | None = None
    number: int = 1
    of: int = 1

    @property
    def whole(self) -> bool:
        return self.of == 1

    def __str__(self) -> str:
        return "" if self.whole else f"{self.number} of {self.of}"

    @property
    def packed(self) -> StoredKeyRange:
        """For XCom and the ledger."""
        return StoredKeyRange(low=pack(self.low), high=pack(self.high), number=self.number, of=self.of)

    @classmethod
    def unpacked(cls, packed: StoredKeyRange | None) -> KeyRange:
        return cls(unpack(packed.low), unpack(packed.high), packed.number, packed.of) if packed else cls()


def wanted(rows: int, each: int = ROWS) -> int:
    """How many tasks a table of so many rows is given."""
    return max(1, min(MOST, rows // each))


def shares(bounds: Sequence[Key]) -> list[KeyRange]:
    """The ranges between these keys, which ascend; without any the whole table."""
    edges = [None, *dict.fromkeys(bounds), None]
    return [KeyRange(low, high, n, len(edges) - 1) for n, (low, high) in enumerate(pairwise(edges), 1)]


def merged(parts: Sequence[PartComparison]) -> TableComparison | None:
    """The verdict of the whole table from those of its parts.

    None while a part is not there yet, unless one differs: that is true of the whole whatever the others say.
    Parts of different cuts never make a whole.
    """
    parts = sorted(parts, key=lambda p: p.share.number)
    complete = _without_gap([p.share for p in parts])
    unequal = [p for p in parts if not p.equal]
    if not complete and not unequal:
        return None
    used = parts if complete else unequal
    first = min(used, key=lambda p: p.began_at)
    notes = [f"part {p.share.number}: {p.note}" for p in used if p.note]
    same = all(p.definitions == used[0].definitions for p in used)
    if not same:
        notes.append("the table's definition changed between its parts")
    if not complete:
        notes.append("not all parts were compared")
    return TableComparison(
        epoch=first.epoch,
        table=first.table,
        owner=first.owner,
        equal=complete and not unequal and same,
        rows_source=sum(p.rows_source for p in used),
        rows_target=sum(p.rows_target for p in used),
        differences=[d for p in used for d in p.differences][:LISTED],
        seconds=round(sum(p.seconds for p in used), 3),
        note="; ".join([f"compared in {used[0].share.of} parts", *notes]),
        definitions=first.definitions,
        missing=sum(p.missing for p in used),
        extra=sum(p.extra for p in used),
        changed=sum(p.changed for p in used),
        unjudged=sum(p.unjudged for p in used),
        position=first.position,
        began_at=first.began_at,
        checked_at=first.checked_at,
    )


def _without_gap(cuts: Sequence[StoredKeyRange]) -> bool:
    if not cuts or [c.number for c in cuts] != list(range(1, cuts[0].of + 1)):
        return False
    if cuts[0].low is not None or cuts[-1].high is not None or any(c.of != len(cuts) for c in cuts):
        return False
    return all(a.high is not None and a.high == b.low for a, b in pairwise(cuts))
