"""The list of mutants fits the sources: a stale one would count for nothing."""

from __future__ import annotations

import pytest

from tests.mutants.catalog import ROOT, Mutant, load


@pytest.mark.parametrize("mutant", load(), ids=lambda m: m.id)
def test_each_text_is_there_exactly_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.find) == 1
    assert mutant.find != mutant.replace
    assert all((ROOT / t.split("::")[0]).exists() for t in mutant.tests)


def test_each_id_is_used_once() -> None:
    ids = [m.id for m in load()]
    assert len(ids) == len(set(ids))
