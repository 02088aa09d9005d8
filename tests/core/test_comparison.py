"""The judgement under live writes, key ranges and canonical rows; no server."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.core import comparison as core
from livemove.core.comparison import Change, Column, Judgement, Shape, judge


def column(name: str, data_type: str = "int", **more: Any) -> Column:
    return Column(name, data_type, more.pop("column_type", data_type), **more)


TWO = Shape("s", "t", (column("a", nullable=False), column("b", "varchar", charset="latin1", nullable=False), column("v")), {"PRIMARY": ("a", "b")})  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([("x", "x")], Judgement.EQUAL),
        ([("x", "y")], Judgement.MOVING),
        ([("x", "y"), ("x", "y")], Judgement.MOVING),
        ([("x", "y")] * 3, Judgement.DIFFERENT),
        ([("x", None)] * 3, Judgement.DIFFERENT),
        ([(None, "x")] * 3, Judgement.DIFFERENT),
        ([("x", "w"), ("y", "x")], Judgement.MOVING),
        ([("x", "w"), ("x", "x")], Judgement.EQUAL),
        # the target moves while the source rests: it catches up
        ([("x", "u"), ("x", "v"), ("x", "w")], Judgement.MOVING),
        # a row that was deleted and came back may look as if it had rested
        ([("x", "x"), (None, "x"), ("x", None), ("x", None), ("x", None)], Judgement.MOVING),
        ([("w", "x"), ("y", "x"), ("y", "x"), ("y", "x"), ("y", "x")], Judgement.DIFFERENT),
    ],
)
def test_a_row_differs_only_when_both_sides_rested(looks: Sequence[core.Look], expected: Judgement) -> None:
    assert judge(looks) is expected


@given(
    st.lists(st.booleans(), min_size=4, max_size=40),
    st.integers(0, 6),
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
)
def test_a_target_that_lags_by_less_than_a_wait_is_never_called_different(changes: list[bool], lag: int, waits: list[int]) -> None:  # fmt: skip
    """At each tick the source may change; the target shows what the source had `lag` ticks ago."""
    versions = list(itertools.accumulate(changes, initial=0))
    times = list(itertools.accumulate((lag + w for w in waits), initial=0))
    looks = [(versions[t], versions[max(0, t - lag)]) for t in times if t < len(versions)]
    assert all(judge(looks[: n + 1]) is not Judgement.DIFFERENT for n in range(len(looks)))


@given(st.lists(st.integers(0, 5), max_size=5))
def test_a_row_that_is_wrong_and_rests_is_always_found(before: list[int]) -> None:
    looks: list[core.Look] = [(b, 99) for b in before] + [(7, 99)] * 4
    assert judge(looks) is Judgement.DIFFERENT


def test_a_row_that_never_rests_counts_as_followed_when_the_target_shows_an_older_version() -> None:
    assert core.followed([("1", "0"), ("2", "1")])
    assert not core.followed([("1", "0"), ("2", "9")])


@given(
    st.lists(st.tuples(st.integers(0, 5), st.text("abc", max_size=2)), unique=True, max_size=30), st.data()
)
def test_ranges_cut_a_table_without_gap_or_overlap(keys: list[tuple[int, str]], data: st.DataObject) -> None:
    keys.sort()
    cuts = sorted(data.draw(st.sets(st.sampled_from(keys), max_size=5))) if keys else []
    bounds = [None, *cuts, None]
    seen = [k for low, high in itertools.pairwise(bounds) for k in keys if _matches(*core.between(TWO, low, high), k)]  # fmt: skip
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
    row = core.row_expression(TWO.columns)
    assert (
        row
        == "CONCAT_WS('#', CONCAT(ISNULL(`v`)), `a`, LENGTH(CAST(CONVERT(`b` USING utf8mb4) AS BINARY)), CAST(CONVERT(`b` USING utf8mb4) AS BINARY), `v`)"
    )


def test_what_a_server_computes_itself_is_left_out() -> None:
    computed = (column("v", extra="VIRTUAL GENERATED", expression="`a` + 1"), column("s", extra="STORED GENERATED", expression="`a`"), column("r", "timestamp", expression="ROW START"))  # fmt: skip
    row = core.row_expression((*TWO.columns, *computed))
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


@pytest.mark.parametrize(("look", "kind"), [(("x", None), Change.MISSING), ((None, "x"), Change.EXTRA), (("x", "y"), Change.CHANGED), ((2, 0), Change.MISSING), ((0, 1), Change.EXTRA)])  # fmt: skip
def test_the_kind_of_a_difference(look: core.Look, kind: Change) -> None:
    assert core.kind_of(look) is kind


def test_a_name_is_taken_apart_at_the_schema_that_it_begins_with() -> None:
    schemas = ["shop", "shop.old", "x"]
    assert core.taken_apart("shop.orders", schemas) == ("shop", "orders")
    assert core.taken_apart("shop.old.or.ders", schemas) == ("shop.old", "or.ders")
    assert core.taken_apart("other.t", schemas) == ("other", "t")
