"""Plays one rehearsal as `make rehearse` does, with somebody at the console, and keeps what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.addresses import root
from lab.rehearsal.airflow import default_port
from tests.ui.browser import find
from tests.ui.console_observer import Onlooker

LONGEST = 3000
"""Seconds until a rehearsal counts as hung; no statement about how long it should take."""


@dataclass(frozen=True)
class Told:
    code: int
    output: str
    report: dict[str, Any]
    state: Path
    page: str
    onlooker: Onlooker | None
    """None where there is no browser."""

    def somebody_who_looked(self) -> Onlooker:
        find()
        assert self.onlooker is not None
        assert self.onlooker.error == ""
        assert self.onlooker.seen
        return self.onlooker


def play(folder: Path, *words: str) -> Told:
    """`words`: arguments of a rehearsal. Skipped if something is not installed, failed then if CI is set."""
    missing = [p for p in ("mariadbd", "knotd", "unbound", "sshd", "terraform") if not _there(p)]
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"not installed, and CI must not skip this: {', '.join(missing)}")
        pytest.skip(f"not installed: {', '.join(missing)}; run `make setup`")
    state, reports = folder / "lab", folder / "reports"
    environment = {**os.environ, "LIVEMOVE_LAB_STATE": str(state)}
    onlooker = _onlooker(state)
    rehearsal = subprocess.Popen(
        [sys.executable, "-m", "lab.rehearsal", "run", *words, "--reports", str(reports)],
        cwd=root(),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = rehearsal.communicate(timeout=LONGEST)
    except BaseException:
        # killed, it would leave lab and Airflow; told to end, it ends them
        rehearsal.terminate()
        rehearsal.communicate(timeout=180)
        raise
    finally:
        if onlooker:
            onlooker.stop()
    print(output[-20000:])
    assert (reports / "last" / "report.json").exists(), output[-3000:]
    report = json.loads((reports / "last" / "report.json").read_text())
    page = (reports / "last" / "report.html").read_text()
    return Told(rehearsal.returncode, output, report, state, page, onlooker)


def _onlooker(state: Path) -> Onlooker | None:
    """Looking already; the story itself is told without a browser as well."""
    try:
        program = find()
    except pytest.skip.Exception:
        return None
    shots = os.environ.get("LIVEMOVE_SHOTS")
    made = Onlooker(state, default_port(), program, Path(shots) if shots else None)
    made.start()
    return made


def _there(program: str) -> bool:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(Path(sys.executable).parent)])
    return shutil.which(program, path=path) is not None
