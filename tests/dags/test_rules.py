"""The rollback that begins by itself, judged by Airflow's own trigger rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What failed -> the states of all tasks."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    (home / "dags" / "rules.py").write_text(
        "# airflow looks for this word\nfrom tests.dags.rules import story\n\ndag = story()\n"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW_", "AWS_"))} | {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
    }
    kept = Path(sys.prefix) / "livemove" / f"airflow-{version('apache-airflow')}.db"
    if kept.exists():
        shutil.copy(kept, home / "airflow.db")
    else:
        subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=env,
            cwd=ROOT,
            check=True,
            timeout=300,
            capture_output=True,
        )
    done = subprocess.run(
        [sys.executable, "-m", "tests.dags.rules"],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
    )
    lines = [json.loads(x.removeprefix("STATES")) for x in done.stdout.splitlines() if x.startswith("STATES")]
    assert len(lines) == 3, (done.stdout + done.stderr)[-4000:]
    return dict(lines)


@pytest.mark.parametrize(
    ("fails", "begin", "automatic", "writes", "report"),
    [
        ("nothing", "skipped", "skipped", "skipped", "success"),
        ("move", "upstream_failed", "success", "success", "success"),
        # a refusal: nothing was changed, nothing is undone
        ("change", "upstream_failed", "skipped", "upstream_failed", "upstream_failed"),
    ],
)
def test_only_a_failure_that_left_something_behind_rolls_back(
    fails: str, begin: str, automatic: str, writes: str, report: str, runs: dict[str, dict[str, str]]
) -> None:
    states = runs[fails]
    assert (
        states["rollback.begin"],
        states["rollback.automatic"],
        states["rollback.writes"],
        states["report"],
    ) == (
        begin,
        automatic,
        writes,
        report,
    )
    assert states["rollback.smoke"] == ("success" if writes == "success" else writes)
