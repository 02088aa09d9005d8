"""The list of mutants fits the sources: an entry that does not would count for nothing."""

from __future__ import annotations

import pytest

from tests.mutants.catalog import ROOT, Mutant, load

MUTANTS = load()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.id)
def test_each_text_is_there_exactly_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.find) == 1
    assert mutant.find != mutant.replace


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.file.endswith(".py")], ids=lambda m: m.id)
def test_each_broken_file_is_still_python(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    compile(text.replace(mutant.find, mutant.replace), mutant.file, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.id)
def test_each_named_test_is_there(mutant: Mutant) -> None:
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("[")[0].partition("::")
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") if name else (ROOT / file).exists()


def test_a_hundred_promises_are_broken_each_under_its_own_id() -> None:
    assert len({m.id for m in MUTANTS}) == len(MUTANTS) == 103
