"""A huge table is compared by several tasks, each with a range of its key; together they are one verdict.

The ranges leave no gap and have open ends, so that every row, also one written later, belongs to exactly one
of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from livemove.comparison.row_comparison import Key, pack, unpack
from livemove.model.ports import Json

ROWS = 20_000_000
"""Rows for which a task of its own is worth while: minutes of reading."""
MOST = 16
"""Tasks of one table."""
LISTED = 100
"""Differences that the whole verdict lists; all are counted."""


@dataclass(frozen=True)
class Share:
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

    def as_json(self) -> Json:
        return {"low": pack(self.low), "high": pack(self.high), "number": self.number, "of": self.of}

    @classmethod
    def from_json(cls, document: Json | None) -> Share:
        if not document:
            return cls()
        return cls(unpack(document["low"]), unpack(document["high"]), document["number"], document["of"])


def wanted(rows: int, each: int = ROWS) -> int:
    """How many tasks a table of so many rows is given."""
    return max(1, min(MOST, rows // each))


def shares(bounds: Sequence[Key]) -> list[Share]:
    """The ranges between these keys, which ascend; without any the whole table."""
    edges = [None, *dict.fromkeys(bounds), None]
    return [Share(low, high, n, len(edges) - 1) for n, (low, high) in enumerate(pairwise(edges), 1)]


def merged(parts: Sequence[Json]) -> Json | None:
    """The verdict of the whole table from its parts' documents (`share` and a verdict's JSON in each).

    None while a part is not there yet, unless one differs: that is true of the whole whatever the others say.
    Parts of different cuts never make a whole.
    """
    parts = sorted(parts, key=lambda p: int(p["share"]["number"]))
    complete = _without_gap([p["share"] for p in parts])
    unequal = [p for p in parts if not p["equal"]]
    if not complete and not unequal:
        return None
    told = parts if complete else unequal
    first = min(told, key=lambda p: str(p["began_at"]))
    notes = [f"part {p['share']['number']}: {p['note']}" for p in told if p["note"]]
    same = all(p["definitions"] == told[0]["definitions"] for p in told)
    if not same:
        notes.append("the table's definition changed between its parts")
    if not complete:
        notes.append("not all parts were compared")
    differences = [d for p in told for d in p["differences"]]
    sums = ("rows_source", "rows_target", "missing", "extra", "changed", "unjudged")
    return {
        **{k: v for k, v in first.items() if k != "share"},
        **{k: sum(p[k] for p in told) for k in sums},
        "equal": complete and not unequal and same,
        "differences": differences[:LISTED],
        "seconds": round(sum(p["seconds"] for p in told), 3),
        "note": "; ".join([f"compared in {told[0]['share']['of']} parts", *notes]),
    }


def _without_gap(cuts: Sequence[Json]) -> bool:
    if not cuts or [c["number"] for c in cuts] != list(range(1, cuts[0]["of"] + 1)):
        return False
    if cuts[0]["low"] is not None or cuts[-1]["high"] is not None or any(c["of"] != len(cuts) for c in cuts):
        return False
    return all(a["high"] is not None and a["high"] == b["low"] for a, b in pairwise(cuts))
