"""The story from nothing to nothing, as `make rehearse` tells it, judged by its report and by what is left.

One full rehearsal in real Airflow takes minutes; so it runs once for all tests here.
"""

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

from lab.addresses import octet, root
from lab.lock import holder

pytestmark = pytest.mark.story
LONGEST = 3000
"""Seconds until a rehearsal counts as hung; no statement about how long it should take."""


@dataclass(frozen=True)
class Told:
    code: int
    output: str
    report: dict[str, Any]
    state: Path
    page: str


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    missing = [p for p in ("mariadbd", "knotd", "unbound", "sshd", "terraform") if not _there(p)]
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"not installed, and CI must not skip this: {', '.join(missing)}")
        pytest.skip(f"not installed: {', '.join(missing)}; run `make setup`")
    folder = tmp_path_factory.mktemp("story")
    state, reports = folder / "lab", folder / "reports"
    environment = {**os.environ, "LIVEMOVE_LAB_STATE": str(state)}
    done = subprocess.run(
        [sys.executable, "-m", "lab.rehearsal", "run", "--reports", str(reports)],
        cwd=root(), env=environment, capture_output=True, text=True, timeout=LONGEST,
    )  # fmt: skip
    output = done.stdout + done.stderr
    print(output[-20000:])
    assert (reports / "last" / "report.json").exists(), output[-3000:]
    report = json.loads((reports / "last" / "report.json").read_text())
    return Told(done.returncode, output, report, state, (reports / "last" / "report.html").read_text())


def _there(program: str) -> bool:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(Path(sys.executable).parent)])
    return shutil.which(program, path=path) is not None


def test_the_service_is_moved(story: Told) -> None:
    assert (story.report["result"], story.report["errors"]) == ("moved", [])
    assert story.code == 0
    assert story.report["owner"] == "target"


def test_no_acknowledged_write_is_lost_or_there_twice(story: Told) -> None:
    r = story.report
    assert r["writes_acknowledged"] > 500
    assert (r["writes_lost"], r["writes_duplicated"]) == (0, 0)
    assert f"acknowledged writes {r['writes_acknowledged']}, lost 0, duplicated 0" in story.output


def test_every_row_and_table_arrived(story: Told) -> None:
    assert story.report["rows_copied"] >= 300_000
    assert story.report["tables_equal"] == story.report["tables_compared"] > 3


def test_the_writes_moved_once_and_their_pause_was_measured(story: Told) -> None:
    (move,) = story.report["moves"]
    assert (move["epoch"], move["direction"]) == (2, "source_to_target")
    assert story.report["write_pause_ms"] == move["write_pause_ms"] > 0


def test_every_chapter_of_the_story_ran_in_its_order(story: Told) -> None:
    names = [c["name"] for c in story.report["chapters"]]
    assert names == [
        "preflight",
        "provision",
        "replicate",
        "validate",
        "switch_dns",
        "repoint",
        "retire",
        "finish",
    ]


def test_users_were_served_throughout(story: Told) -> None:
    assert story.report["requests_ok"] > 2000
    assert story.report["requests_failed"] <= story.report["requests_ok"] // 200


def test_all_resolvers_were_seen_switching(story: Told) -> None:
    assert story.report["resolvers_switched"] == story.report["resolvers_watched"] >= 4


def test_terraform_finds_nothing_to_change_and_nothing_of_dms_is_left(story: Told) -> None:
    assert story.report["plan_clean"] is True
    assert story.report["replication_leftovers"] == []


def test_the_page_tells_the_audit(story: Told) -> None:
    assert f"{story.report['writes_acknowledged']:,}" in story.page


def test_nothing_is_left_behind(story: Told) -> None:
    assert not story.state.exists()
    mark = str(story.state).encode()
    left = [
        p
        for p in Path("/proc").glob("[0-9]*/environ")
        if mark in _read(p) and p.parent.name != str(os.getpid())
    ]
    assert left == []
    assert holder(octet()) is None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
