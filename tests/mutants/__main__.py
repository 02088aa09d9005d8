"""`make mutants`: breaks one promise at a time in a copy of the tree and runs the tests that should notice.

python -m tests.mutants            all of mutants.yaml
python -m tests.mutants --only SQL those whose id or file has the word

Prints killed, survived, or stale (the text is not in its file exactly once), and the kill rate. Ends with 1
when a
mutant is stale or fewer than 90 % were killed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.catalog import ROOT, Mutant, load

WANTED = 0.9
LONGEST = 180
"""Seconds; a mutant whose tests hang counts as killed."""
COPIED = ("plugins", "dags", "lab", "tests", "include", "scripts", "bench", "docs", "pyproject.toml")
KILLED_BY_TESTS = 1
"""pytest's exit code for failed tests; others (no tests found, bad arguments) are mistakes of the list."""


def outcome(tree: Path, mutant: Mutant) -> str:
    file = tree / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.find) != 1:
        return "stale"
    file.write_text(text.replace(mutant.find, mutant.replace), encoding="utf-8")
    try:
        argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests]
        done = subprocess.run(
            argv,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": "plugins:.", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "killed"
    finally:
        file.write_text(text, encoding="utf-8")
    if done.returncode == KILLED_BY_TESTS:
        return "killed"
    if done.returncode == 0:
        return "survived"
    print((done.stdout + done.stderr)[-1500:], file=sys.stderr)
    return "stale"


def main() -> int:
    options = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    options.add_argument("--only", default="", help="a word of the id or of the file")
    only = options.parse_args().only
    chosen = [m for m in load() if only in m.id or only in m.file]
    with tempfile.TemporaryDirectory(prefix="mutants") as folder:
        tree = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif (ROOT / name).exists():
                shutil.copy(ROOT / name, tree / name)
        counts = {"killed": 0, "survived": 0, "stale": 0}
        for mutant in chosen:
            began = time.monotonic()
            result = outcome(tree, mutant)
            counts[result] += 1
            note = "" if result == "killed" else f": {mutant.breaks}"
            print(f"{result:<9} {time.monotonic() - began:5.1f} s  {mutant.id}{note}", flush=True)
    judged = counts["killed"] + counts["survived"]
    rate = counts["killed"] / judged if judged else 0.0
    print(f"{counts['killed']} of {judged} killed ({rate:.0%}, wanted {WANTED:.0%}); {counts['stale']} stale")
    return 0 if rate >= WANTED and not counts["stale"] else 1


if __name__ == "__main__":
    sys.exit(main())
