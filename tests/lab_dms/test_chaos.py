"""Faults of a DMS task under writes: a seeded sample; all of them by `make chaos-dms` or the mark `long`."""

from __future__ import annotations

import pytest

from lab.chaos_dms.cases import Case, Row, all_cases, equal, kills
from lab.chaos_dms.play import play
from lab.chaos_dms.testbed import Testbed
from lab.cloud.dms.replicator.status import Phase

pytestmark = pytest.mark.servers


def judge(case: Case, rows: int, seed: int) -> None:
    found = play(case, rows, seed)
    assert found
    assert [r for r in found if not r.good] == []


@pytest.mark.parametrize("load", [True, False])
def test_a_replicator_killed_at_random_moments_loses_and_repeats_nothing(load: bool) -> None:
    judge(Case("kills", lambda testbed: kills(testbed, load, 2)), rows=8000, seed=11)


@pytest.mark.parametrize("name", ["binlog purged", "table broken, suspend"])
def test_a_fault_is_mended_or_told(name: str) -> None:
    judge(next(c for c in all_cases() if c.name == name), rows=4000, seed=12)


def test_a_row_that_goes_missing_is_found() -> None:
    """The judge itself: a row that is deleted behind the task's back must make a case bad."""

    def run(testbed: Testbed) -> list[Row]:
        task = testbed.task()
        testbed.start(task)
        testbed.phase(task, Phase.FOLLOWING)
        testbed.sql(testbed.target, "DELETE FROM chaos.account WHERE id = 1")
        return [Row("a lost row", "", equal(testbed, task))]

    (row,) = play(Case("a lost row", run), 2000, 13)
    assert not row.good
    assert "account (2000 rows, 1999 on the target)" in row.outcome


@pytest.mark.long
@pytest.mark.parametrize("case", all_cases(), ids=lambda c: c.name)
def test_every_fault(case: Case) -> None:
    judge(case, rows=60_000, seed=1)
