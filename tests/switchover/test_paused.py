"""SIGTERM to a real task process during a real move: undone before the commit, finished after it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from livemove.model.ports import ControlState
from livemove.model.spec import Side
from tests.switchover.conftest import Two
from tests.switchover.test_move import World

ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(two: Two, tmp_path: Path) -> Iterator[World]:
    made = World(two, tmp_path)
    made.users.clear()
    made.begin()
    yield made
    made.replicators.close()


def start(two: Two) -> subprocess.Popen[str]:
    logins = {
        str(side): [db.login.host, db.login.port, db.login.user, db.login.password]
        for side, db in two.db.items()
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.switchover.paused_process", json.dumps(logins)],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PATH": "/usr/bin:/bin"},
    )


def finish(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=60)[0]
    finally:
        process.kill()


def test_before_the_commit_a_stopped_task_undoes_itself_at_once(world: World) -> None:
    two = world.two
    replicator = next(iter(world.replicators.processes.values()))
    replicator.send_signal(signal.SIGSTOP)  # the drain waits
    process = start(two)
    two.until(lambda: two.locked(Side.SOURCE) or process.poll() is not None, "the fence", 90)
    assert process.poll() is None, finish(process)
    process.send_signal(signal.SIGTERM)
    # neither the budget (25 s) nor the lease (60 s) is what opens it
    two.until(lambda: two.s.read().state is ControlState.OPEN, "the source open again", 15)
    text = finish(process)
    assert "FAILED AirflowFailException" in text
    assert "asked to stop" in text
    assert "the source is the owner; nothing was changed" in text
    assert not two.locked(Side.SOURCE)


def test_after_the_commit_a_stopped_task_finishes_the_move(world: World) -> None:
    two = world.two
    with closing(two.servers[Side.TARGET].connect()) as c:
        with c.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK('livemove.control', 10)")  # the claim waits
        process = start(two)
        two.until(
            lambda: two.s.read().state is ControlState.CEDED or process.poll() is not None, "the commit", 90
        )
        assert process.poll() is None, finish(process)
        process.send_signal(signal.SIGTERM)
        with c.cursor() as cursor:
            cursor.execute("SELECT RELEASE_LOCK('livemove.control')")
        assert "MOVED 2" in finish(process)
    assert str(two.t.read()) == "target OPEN@2"
    assert not two.locked(Side.TARGET)
