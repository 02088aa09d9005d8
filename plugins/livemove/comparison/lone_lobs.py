"""Rows that differ in LOB columns alone: what DMS leaves behind. No I/O.

When only the LOB column of a row is updated, DMS does not update it on a MySQL target; it does when another
column of the row is updated in the same transaction
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.MySQL.html, Limitations). WordPress's options
are written exactly so. Such rows are no sign of a broken replication: they are copied again from the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from livemove.comparison.canonical import Column, Shape
from livemove.comparison.row_comparison import Change, Key, TableVerdict
from livemove.schema.lob_helpers import LOB_TYPES


def lob_columns(shape: Shape) -> list[Column]:
    """The columns that DMS takes for LOBs and that are written, not computed."""
    return [c for c in shape.columns if c.data_type in LOB_TYPES and not c.expression]


def without_lobs(shape: Shape) -> Shape:
    """The same table as if it had no LOB column."""
    return replace(shape, columns=tuple(c for c in shape.columns if c.data_type not in LOB_TYPES))


def only_lobs(verdict: TableVerdict, shape: Shape) -> list[Key]:
    """Keys of the verdict's rows when each of its differences lies in LOBs alone; else none."""
    lobs = {c.name for c in lob_columns(shape)}
    found = verdict.differences
    told = verdict.changed == len(found) and not (verdict.missing or verdict.extra or verdict.unjudged)
    alone = all(d.kind is Change.CHANGED and d.cells and {c.column for c in d.cells} <= lobs for d in found)
    return [d.key for d in found] if shape.key and told and alone else []


def lone_in(whole: Mapping[Key, tuple[Any, Any]], bare: Mapping[Key, tuple[Any, Any]]) -> list[Key]:
    """Keys of rows that differ, when all of them are equal without their LOBs; else none.

    whole, bare: what both sides show of each row, with its LOBs and without.
    """
    differ = [key for key, (a, b) in whole.items() if a != b]
    alone = all(None not in whole[key] and bare[key][0] == bare[key][1] for key in differ if key in bare)
    return differ if alone and all(key in bare for key in differ) else []
