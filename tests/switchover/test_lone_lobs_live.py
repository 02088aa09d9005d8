"""Changes of nothing but a LOB, which DMS leaves behind: copied by the comparison, and inside the fence."""

from __future__ import annotations

import time

import pytest

from livemove.comparison.adapters.both_sides import read_shapes
from livemove.comparison.adapters.final_check import FinalComparison
from livemove.comparison.adapters.lob_copy import MOST, LobCopier
from livemove.control.adapters.control_row import Control
from livemove.model.spec import Side
from tests.switchover.conftest import Two

pytestmark = pytest.mark.servers
S, T = Side.SOURCE, Side.TARGET
TABLE = (
    "CREATE TABLE shop.options (id INT PRIMARY KEY, name VARCHAR(20), value LONGTEXT NOT NULL, b LONGBLOB,"
    " j JSON, p POINT) CHARACTER SET utf8mb4"
)
ROWS = "INSERT INTO shop.options (id, name, value) SELECT seq, seq, 'old' FROM shop.seq_1_to_600"
ODD = "'\\\\ 100% \\' 한😀'"


@pytest.fixture
def options(two: Two) -> Two:
    for side in Side:
        two.root(side, TABLE)
        two.root(side, ROWS)
    return two


def final(two: Two, epoch: int = 1) -> FinalComparison:
    copier = LobCopier(two.db[S], Control(two.db[T]), epoch)
    return FinalComparison(two.db[S], two.db[T], ["shop.options"], copier=copier)


def rows(two: Two, side: Side) -> list[tuple[object, ...]]:
    return two.root(side, "SELECT id, name, value, HEX(b), j, ST_AsText(p) FROM shop.options ORDER BY id")


def test_the_final_check_copies_what_differs_in_lobs_alone(options: Two) -> None:
    two = options
    two.root(S, f"UPDATE shop.options SET value = {ODD} WHERE id IN (3, 4)")
    two.root(S, "UPDATE shop.options SET b = X'00FF25', j = '{\"a\": \"%s\"}', p = POINT(1, 2) WHERE id = 5")
    two.root(T, "UPDATE shop.options SET b = 'not there' WHERE id = 6")
    with final(two) as check:
        assert check.run(20) == []
        assert "4 rows whose LOBs alone differed" in check.message()
    assert rows(two, S) == rows(two, T)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE shop.options SET name = 'other' WHERE id = 9",
        "DELETE FROM shop.options WHERE id = 9",
        f"UPDATE shop.options SET value = 'many' WHERE id <= {MOST + 1}",
    ],
)
def test_nothing_is_copied_beside_any_other_difference_nor_beyond_the_bound(
    options: Two, change: str
) -> None:
    two = options
    two.root(S, "UPDATE shop.options SET value = 'new' WHERE id = 3")
    two.root(S, change)
    before = rows(two, T)
    with final(two) as check:
        assert check.run(20)
    assert rows(two, T) == before


def test_an_attempt_that_was_overtaken_copies_nothing(options: Two) -> None:
    """It read the owner's old value; the attempt that came after has compared already."""
    two = options
    two.root(S, "UPDATE shop.options SET value = 'late' WHERE id = 3")
    shape = read_shapes(two.db[S], ["shop.options"])["shop.options"]
    first, second = (LobCopier(two.db[S], Control(two.db[T]), 1) for _ in range(2))
    assert first.begin()
    assert second.begin()
    assert not first.copy(shape, [(3,)], time.monotonic() + 20)
    assert ("3", "old") in {(str(r[0]), r[2]) for r in rows(two, T)}
    assert second.copy(shape, [(3,)], time.monotonic() + 20)
    assert rows(two, S) == rows(two, T)


def test_nothing_is_copied_into_a_database_that_does_not_follow(options: Two) -> None:
    two = options
    copier = LobCopier(two.db[T], Control(two.db[S]), 1)
    assert not copier.begin()
