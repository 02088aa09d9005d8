"""Parts of a huge table: no row between them, and no verdict that says more than they do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from livemove.comparison.key_ranges import MOST, KeyRange, merged, shares, wanted
from livemove.model.ledger import PartComparison, RowDifference
from tests.doubles.contents import NOON


@pytest.mark.parametrize(("rows", "parts"), [(0, 1), (199, 1), (200, 2), (350, 3), (10**9, MOST)])
def test_a_task_for_each_so_many_rows(rows: int, parts: int) -> None:
    assert wanted(rows, 100) == parts


def test_ranges_meet_and_have_open_ends() -> None:
    cut = shares([(10, "a"), (20, "b"), (20, "b")])
    assert [(s.number, s.of) for s in cut] == [(1, 3), (2, 3), (3, 3)]
    assert cut[0].low is None
    assert cut[-1].high is None
    assert all(a.high == b.low for a, b in pairwise(cut))
    assert [KeyRange.unpacked(s.packed) for s in cut] == cut
    assert shares([]) == [KeyRange()]
    assert KeyRange.unpacked(None).whole


def part(number: int, low: Any, high: Any, of: int = 2, **changes: Any) -> PartComparison:
    share = KeyRange(low and (low,), high and (high,), number, of).packed
    verdict = {
        "equal": True,
        "rows_source": 5,
        "rows_target": 5,
        "differences": [],
        "seconds": 1.5,
        "note": "",
        "missing": 0,
        "extra": 0,
        "changed": 0,
        "unjudged": 0,
        "definitions": {"source": "x", "target": "x"},
        "position": f"bin.1:{number}",
        "began_at": f"2026-01-0{number}",
    }
    where = {"epoch": 1, "table": "shop.a", "number": number, "share": share}
    return PartComparison.model_validate({**verdict, **where, "checked_at": NOON, **changes})


ROW = RowDifference(key=["7"], kind="missing")
DIFFERS: dict[str, Any] = {"equal": False, "missing": 1, "rows_target": 4, "differences": [ROW]}


def test_all_parts_make_one_verdict_that_began_with_the_first() -> None:
    whole = merged([part(2, 9, None, began_at="2026-01-01", position="bin.1:0"), part(1, None, 9)])
    assert whole is not None
    assert (whole.equal, whole.rows_source, whole.seconds) == (True, 10, 3.0)
    whole = merged([part(1, None, 9, began_at="2026-01-05"), part(2, 9, None)])
    assert whole is not None
    assert (whole.began_at, whole.position) == ("2026-01-02", "bin.1:2")


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part(1, None, 9)],
        [part(2, 9, None)],
        [part(1, None, 9), part(2, 10, None)],
        [part(1, None, 9), part(2, 9, 12)],
        [part(1, 3, 9), part(2, 9, None)],
        [part(1, None, 9, of=3), part(2, 9, None, of=3)],
        [part(1, None, 9), part(2, 9, None, of=3)],
        [part(1, None, None), part(2, None, None)],
    ],
)
def test_parts_that_leave_a_gap_say_nothing(parts: list[PartComparison]) -> None:
    assert merged(parts) is None


def test_one_part_that_differs_is_true_of_the_whole() -> None:
    whole = merged([part(2, 9, None, **DIFFERS)])
    assert whole is not None
    assert (whole.equal, whole.missing, whole.differences) == (False, 1, [ROW])
    assert "not all parts were compared" in whole.note
    whole = merged([part(1, None, 9), part(2, 9, None, **DIFFERS)])
    assert whole is not None
    assert (whole.equal, whole.rows_source, whole.rows_target) == (False, 10, 9)


def test_ddl_between_the_parts_makes_no_equal_table() -> None:
    whole = merged([part(1, None, 9), part(2, 9, None, definitions={"source": "y", "target": "y"})])
    assert whole is not None
    assert not whole.equal
    assert "definition changed between its parts" in whole.note
