"""The judgement under live writes, key ranges and canonical rows; no server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.comparison import row_comparison as core
from livemove.comparison.adapters.keyed_comparison import TableComparer
from livemove.comparison.canonical import Column, Shape, row_expression
from livemove.comparison.row_comparison import Change, Judgement, RowReads, judge


def column(name: str, data_type: str = "int", **more: Any) -> Column:
    return Column(name, data_type, more.pop("column_type", data_type), **more)


TWO = Shape(
    "s",
    "t",
    (column("a", nullable=False), column("b", "varchar", charset="latin1", nullable=False), column("v")),
    {"PRIMARY": ("a", "b")},
)


def rested(source: Any, target: Any) -> RowReads:
    return RowReads(source, target, source)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([rested("x", "x")], Judgement.EQUAL),
        ([RowReads("x", "y", "y")], Judgement.EQUAL),
        ([RowReads("x", "x", "y")], Judgement.EQUAL),
        ([rested("x", "y")], Judgement.MOVING),
        ([rested("x", "y")] * 2, Judgement.MOVING),
        ([rested("x", "y")] * 3, Judgement.DIFFERENT),
        ([rested("x", None)] * 3, Judgement.DIFFERENT),
        ([rested(None, "x")] * 3, Judgement.DIFFERENT),
        # the target moves while the source rests: it catches up
        ([rested("x", "u"), rested("x", "v"), rested("x", "w")], Judgement.MOVING),
        # a row that was deleted and came back may look as if it had rested
        ([RowReads("x", "w", None), *[rested("x", None)] * 3], Judgement.MOVING),
        ([rested("w", "x"), *[rested("y", "x")] * 4], Judgement.MOVING),
        ([rested("w", "x"), *[rested("y", "x")] * 5], Judgement.DIFFERENT),
        ([RowReads("x", "y", "z")] * 9, Judgement.MOVING),
    ],
)
def test_a_row_differs_only_when_both_sides_rested(looks: Sequence[RowReads], expected: Judgement) -> None:
    assert judge(looks) is expected


@given(
    st.lists(st.booleans(), min_size=4, max_size=60),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=8),
)
def test_a_target_that_follows_its_watermarks_is_never_called_different(
    changes: list[bool], steps: list[tuple[int, int, int]]
) -> None:
    """The source may change at each tick; with the watermark the target has the first look or later."""
    versions = list(itertools.accumulate(changes, initial=0))
    at, looks = 0, []
    for way, ahead, gap in steps:
        before, arrived = at, at + way
        after = arrived + gap
        if after >= len(versions):
            break
        looks.append(RowReads(versions[before], versions[min(before + ahead, arrived)], versions[after]))
        at = after
        assert judge(looks) is not Judgement.DIFFERENT


@given(st.lists(st.integers(0, 5), max_size=5))
def test_a_row_that_is_wrong_and_rests_is_always_found(before: list[int]) -> None:
    assert judge([rested(b, 99) for b in before] + [rested(7, 99)] * 5) is Judgement.DIFFERENT


def test_a_pinned_row_needs_one_look() -> None:
    assert core.judge_pinned(rested("x", "x")) is Judgement.EQUAL
    assert core.judge_pinned(rested("x", "y")) is Judgement.DIFFERENT
    assert core.judge_pinned(RowReads(None, None, "y")) is Judgement.EQUAL
    assert core.judge_pinned(RowReads(None, "x", "y")) is Judgement.MOVING


def test_a_chunk_is_sized_by_the_time_that_the_last_one_took() -> None:
    effort = core.Effort(seconds=0.5)
    assert core.next_rows(20_000, 0.01, effort) == 80_000
    assert core.next_rows(20_000, 0.4, effort) == 25_000
    assert core.next_rows(20_000, 100, effort) == core.LEAST
    assert core.next_rows(core.MOST, 0.0, effort) == core.MOST
    assert core.next_rows(777, 9, core.Effort(seconds=0)) == 777


@given(st.tuples(st.integers(), st.text(), st.binary(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_a_key_survives_the_ledger(key: core.Key) -> None:
    assert core.unpack(json.loads(json.dumps(core.pack(key)))) == key
    assert core.unpack(core.pack(None)) is None


@given(
    st.lists(st.tuples(st.integers(0, 5), st.text("abc", max_size=2)), unique=True, max_size=30), st.data()
)
def test_ranges_cut_a_table_without_gap_or_overlap(keys: list[tuple[int, str]], data: st.DataObject) -> None:
    keys.sort()
    cuts = sorted(data.draw(st.sets(st.sampled_from(keys), max_size=5))) if keys else []
    bounds = [None, *cuts, None]
    seen = [
        k
        for low, high in itertools.pairwise(bounds)
        for k in keys
        if _matches(*core.between(TWO, low, high), k)
    ]
    assert seen == keys


def _matches(where: str, args: list[Any], key: tuple[int, str]) -> bool:
    """Evaluate the WHERE text as Python does: the same operators mean the same."""
    text = where.replace("`a`", repr(key[0])).replace("`b`", repr(key[1]))
    text = text.replace(" AND ", " and ").replace(" OR ", " or ").replace(" = ", " == ")
    for value in args:
        text = text.replace("%s", repr(value), 1)
    return bool(eval(text))


def test_the_key_is_the_primary_one_unless_its_type_cannot_be_walked() -> None:
    columns = (column("e", "enum"), column("u", "bigint"), column("w", "bigint"))
    assert Shape("s", "t", columns, {"PRIMARY": ("u",), "a": ("w",)}).key == (columns[1],)
    assert Shape("s", "t", columns, {"PRIMARY": ("e",), "a": ("w",)}).key == (columns[2],)
    assert Shape("s", "t", columns, {"PRIMARY": ("e", "u")}).key == ()


def test_a_row_is_written_so_that_no_two_rows_read_the_same() -> None:
    assert row_expression(TWO.columns) == "CONCAT_WS('#', CAST((`v` IS NULL) * 1 AS BINARY), `a`, `v`, `b`)"
    texts = tuple(column(n, "varchar", charset="utf8mb4", nullable=False) for n in "xy")
    assert row_expression(texts) == "CONCAT_WS('#', CAST(0 AS BINARY), LENGTH(`x`), `x`, `y`)"
    many = tuple(column(f"c{i}") for i in range(61))
    assert row_expression(many).count(f"* {1 << 59}") == 1
    assert "(`c60` IS NULL) * 1," in row_expression(many)


def test_text_of_two_character_sets_is_compared_as_utf8mb4() -> None:
    here, there = (Shape("s", "t", (column("b", "varchar", charset=c),)) for c in ("euckr", "utf8mb4"))
    assert here.differs_from(there) == ""
    assert "CONVERT(`b` USING utf8mb4)" in row_expression(here.beside(there).columns)
    assert "CONVERT" not in row_expression(here.beside(here).columns)
    assert (
        here.lossy_columns(there),
        here.lossy_columns(here),
        there.lossy_columns(Shape("s", "t", (column("b", "varchar", charset="latin1"),))),
    ) == (["b"], [], [])


def test_what_a_server_computes_itself_is_left_out() -> None:
    computed = (
        column("v", extra="VIRTUAL GENERATED", expression="`a` + 1"),
        column("s", extra="STORED GENERATED", expression="`a`"),
        column("r", "timestamp", expression="ROW START"),
    )
    row = row_expression((*TWO.columns, *computed))
    assert "`s`" in row
    assert "`r`" not in row
    assert row.count("`v`") == 2


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Shape("s", "t", TWO.columns, TWO.keys), ""),
        (Shape("s", "t", TWO.columns[:2], TWO.keys), "only on one side v"),
        (Shape("s", "t", (*TWO.columns[:2], column("v", "bigint")), TWO.keys), "column v is int"),
        (Shape("s", "t", TWO.columns, {}), "the keys differ"),
    ],
)
def test_tables_of_different_shape_are_not_compared(other: Shape, why: str) -> None:
    found = TWO.differs_from(other)
    assert why in found
    assert bool(found) is bool(why)


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        (("x", None), Change.MISSING),
        ((None, "x"), Change.EXTRA),
        (("x", "y"), Change.CHANGED),
        ((2, 0), Change.MISSING),
        ((0, 1), Change.EXTRA),
    ],
)
def test_the_kind_of_a_difference(look: tuple[Any, Any], kind: Change) -> None:
    assert core.kind_of(*look) is kind


def test_a_report_masks_secrets_and_names_the_column() -> None:
    shape = Shape(
        "s", "t", tuple(column(n, "varchar", charset="utf8mb4") for n in ("name", "password_hash", "same"))
    )
    here = {"h0": "1", "v0": "Kim", "h1": "2", "v1": "abc", "h2": "3", "v2": "z"}
    there = {"h0": "9", "v0": None, "h1": "8", "v1": "def", "h2": "3", "v2": "z"}
    found = core.cells(shape, here, there)
    assert [str(c) for c in found] == [
        "name: 'Kim' on the source, NULL on the target",
        "password_hash: (masked) on the source, (masked) on the target",
    ]


def test_a_name_is_taken_apart_at_the_schema_that_it_begins_with() -> None:
    schemas = ["shop", "shop.old", "x"]
    assert core.split_table_name("shop.orders", schemas) == ("shop", "orders")
    assert core.split_table_name("shop.old.or.ders", schemas) == ("shop.old", "or.ders")
    assert core.split_table_name("other.t", schemas) == ("other", "t")


def test_rows_that_could_not_be_judged_make_no_equal_table() -> None:
    pair: Any = None
    options: Any = SimpleNamespace(listed=10)
    for unjudged in (0, 1):
        compared = TableComparer(pair, TWO, options, "", "")
        compared.unjudged = unjudged
        assert compared.verdict({}).equal is (unjudged == 0)
