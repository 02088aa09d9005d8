"""Helpers of a follower for LOBs: their texts."""

from __future__ import annotations

import pytest

from livemove.schema import lob_helpers as core

UPDATED = "`t` timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6)"


@pytest.mark.parametrize(
    ("kept", "bare"),
    [
        (UPDATED, "`t` timestamp(6) NOT NULL DEFAULT current_timestamp(6)"),
        (
            "`t` datetime DEFAULT NULL ON UPDATE current_timestamp() COMMENT 'so ON UPDATE now() is said'",
            "`t` datetime DEFAULT NULL COMMENT 'so ON UPDATE now() is said'",
        ),
        ("`ON UPDATE now()` int(11) DEFAULT 1", "`ON UPDATE now()` int(11) DEFAULT 1"),
    ],
)
def test_on_update_goes_and_comes_back(kept: str, bare: str) -> None:
    assert core.without_on_update(kept) == bare
    assert core.with_on_update(bare, kept) == kept
    assert core.with_on_update(kept, kept) == kept


def test_on_update_comes_back_into_what_ddl_made_of_the_column() -> None:
    assert (
        core.with_on_update("`t` timestamp(6) NULL DEFAULT NULL COMMENT 'new'", UPDATED)
        == "`t` timestamp(6) NULL DEFAULT NULL ON UPDATE current_timestamp(6) COMMENT 'new'"
    )


def test_names_of_helpers_are_short_enough_and_unique() -> None:
    columns = [
        core.Column("s", table, "v", "longtext", False, False, False)
        for table in ("t", "x" * 64, "x" * 63 + "y")
    ]
    names = [h.name for h in core.helpers(columns)]
    assert len(set(names)) == 6
    assert all(len(n) <= 64 and n.startswith("livemove_lob_") for n in names)
