"""The runner of the mutants breaks a copy, restores it, reports what it found; pytest itself does not run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants import judging, results
from tests.mutants.catalog import Mutant
from tests.mutants.judging import Judgement, Result

MUTANT = Mutant("ten", "module.py", "LIMIT = 1\n", "LIMIT = 10\n", "the limit is one", ("test_it.py",))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "module.py").write_text("LIMIT = 1\n")
    (tmp_path / "test_it.py").write_text("")
    return tmp_path


def judge(
    tree: Path, monkeypatch: pytest.MonkeyPatch, code: int | None, output: str = "", mutant: Mutant = MUTANT
) -> Judgement:
    seen: list[str] = []

    def run(tree: Path, tests: object) -> tuple[int | None, str]:
        seen.append((tree / "module.py").read_text())
        return code, output

    monkeypatch.setattr(judging, "run_tests", run)
    judgement = judging.judge(tree, mutant)
    assert seen in ([], ["LIMIT = 10\n"])
    return judgement


@pytest.mark.parametrize(
    ("code", "output", "result", "by"),
    [
        (
            1,
            "F\nFAILED test_it.py::test_limit[1 of 2] - assert 10 == 1\n",
            Result.KILLED,
            "test_limit[1 of 2]",
        ),
        (None, "", Result.KILLED, "no end"),
        (0, "1 passed", Result.SURVIVED, ""),
        (1, "ERROR test_it.py::test_limit - no server", Result.ERROR, "no server"),
        (4, "file or directory not found", Result.ERROR, "not found"),
    ],
)
def test_what_a_run_of_the_tests_means(
    tree: Path, monkeypatch: pytest.MonkeyPatch, code: int | None, output: str, result: Result, by: str
) -> None:
    judgement = judge(tree, monkeypatch, code, output)
    assert judgement.result is result
    assert by in judgement.by
    assert (tree / "module.py").read_text() == "LIMIT = 1\n"


@pytest.mark.parametrize("text", ["", "LIMIT = 1\nLIMIT = 1\n"])
def test_a_text_that_is_not_there_once_is_an_error_that_names_the_entry(
    tree: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tree / "module.py").write_text(text)
    judgement = judge(tree, monkeypatch, 1)
    assert judgement.result is Result.ERROR
    assert "ten" in judgement.by
    assert (tree / "module.py").read_text() == text


def test_an_interrupted_run_goes_on_with_what_still_holds(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgement = judge(tree, monkeypatch, 0)
    results.write({"ten": judgement}, tree / "kept.json")
    kept = results.read(tree / "kept.json")
    assert kept == {"ten": judgement}
    assert results.still_true(kept, [MUTANT], tree) == kept
    assert results.still_true(kept, [replace(MUTANT, replace="LIMIT = 2\n")], tree) == {}
    (tree / "test_it.py").write_text("# another test\n")
    assert results.still_true(kept, [MUTANT], tree) == {}


def test_an_error_counts_as_not_killed() -> None:
    found = [Judgement(str(n), r, "", 0, "", "2026-01-01") for n, r in enumerate(Result)]
    assert results.rate(found) == 1 / 3
