"""docs/reference.md is what the code says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page

REFERENCE = ROOT / "docs" / "reference.md"


def run(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "HOME": str(home)}
    words = (sys.executable, str(ROOT / "scripts" / "reference.py"), *words)
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_the_committed_file_is_up_to_date(tmp_path: Path) -> None:
    done = run("--check", home=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "part",
    [
        "The spec",
        "Connections",
        "Trigger forms",
        "Tasks",
        "Operators",
        "Sensors",
        "Commands",
        "Exit codes",
        "Errors",
    ],
)
def test_every_part_has_something_to_say(part: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8").split(f"\n## {part}\n")[1].split("\n## ")[0]
    assert len(text) > 100


def test_every_class_and_field_says_what_it_is() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    classes = [
        t
        for level, t in Page(REFERENCE).headings
        if level == 3 and t.endswith(("Operator", "Sensor", "Gate"))
    ]
    assert len(classes) > 30
    assert [c for c in classes if re.match(r"\s*(#|Parameters:)", text.split(f"\n### {c}\n")[1])] == []
    fields = [line for line in text.split("## Connections")[0].splitlines() if line.startswith("| `")]
    assert [f for f in fields if f.endswith("|  |")] == []
