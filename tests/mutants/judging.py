"""One mutant in a copy of the tree, and the tests that should notice it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from tests.mutants.catalog import ROOT, Mutant

COPIED = (
    "plugins",
    "dags",
    "lab",
    "tests",
    "include",
    "scripts",
    "bench",
    "docs",
    "pyproject.toml",
    "README.md",
)
LONGEST = 180.0
"""Seconds; a mutant whose tests hang counts as killed."""
FAILED = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
"""pytest's line of a failed test. An ERROR is a broken set-up: it says nothing about the promise."""


class Result(StrEnum):
    KILLED = "killed"
    SURVIVED = "survived"
    ERROR = "error"
    """The entry is wrong: its text does not fit, or pytest could not run its tests."""


@dataclass(frozen=True)
class Judgement:
    id: str
    result: Result
    by: str
    """The test that failed; of an error, why."""
    seconds: float
    fingerprint: str
    on: str
    """The day, ISO."""


@contextlib.contextmanager
def copied_tree() -> Iterator[Path]:
    """A copy of the sources, which mutants break; the work tree is never written to."""
    with tempfile.TemporaryDirectory(prefix="livemove-mutants-") as folder:
        for name in COPIED:
            source, copy = ROOT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy)
        yield Path(folder)


def judge(tree: Path, mutant: Mutant) -> Judgement:
    began = time.monotonic()
    fingerprint, today = mutant.fingerprint(tree), f"{datetime.now(UTC):%Y-%m-%d}"

    def judged(result: Result, by: str = "") -> Judgement:
        return Judgement(mutant.id, result, by, round(time.monotonic() - began, 1), fingerprint, today)

    try:
        text = mutant.apply(tree)
    except LookupError as e:
        return judged(Result.ERROR, str(e))
    try:
        code, output = run_tests(tree, mutant.tests)
    finally:
        (tree / mutant.file).write_text(text, encoding="utf-8")
    if code is None:
        return judged(Result.KILLED, f"no end within {LONGEST:.0f} s")
    if code == 1 and (failed := FAILED.search(output)):
        return judged(Result.KILLED, failed[1])
    if code == 0:
        return judged(Result.SURVIVED)
    return judged(Result.ERROR, f"{mutant.id}: pytest ended with {code}: {output.strip()[-600:]}")


def run_tests(tree: Path, tests: Sequence[str], limit: float | None = LONGEST) -> tuple[int | None, str]:
    """pytest's exit code, None when it was not done within `limit` seconds, and what it printed."""
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "-rf", "--tb=line", "-p", "no:cacheprovider"]
    argv += ["--hypothesis-seed=0", *tests]  # a kill by chance is none
    more = {
        "PYTHONPATH": "plugins:.",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIVEMOVE_SHRINK": "0",
        "COLUMNS": "400",
    }
    child = subprocess.Popen(
        argv,
        cwd=tree,
        env={**os.environ, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _end(child)
        return None, ""
    except BaseException:
        _end(child)
        raise
    return child.returncode, output


def _end(child: subprocess.Popen[str]) -> None:
    """SIGTERM lets pytest stop the servers that it started; what does not end by it is killed."""
    child.send_signal(signal.SIGTERM)
    try:
        child.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
