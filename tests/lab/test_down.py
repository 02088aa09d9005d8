"""`down` leaves nothing behind: after a crash, twice, and where no lab ever was."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from lab import lock
from lab.__main__ import main
from lab.addresses import here, settle
from lab.down import down
from lab.processes import LabError, Registry, start_time
from tests.raising import raises


def standing(lab: Registry) -> list[int]:
    """A lab of two processes; one has a child in a session of its own, as sshd's logins are."""
    settle(here(), complete=True)
    lock.take(here().octet, lab.state)
    child = lab.state / "child"
    lab.start("plain", ["sleep", "60"])
    lab.start("parent", ["sh", "-c", f"setsid sleep 61 & echo $! > {child}; wait"], ready=child.exists)
    deadline = time.monotonic() + 5
    while not child.read_text().strip() and time.monotonic() < deadline:
        time.sleep(0.01)
    return [*(p.pid for p in lab.all()), int(child.read_text())]


def gone(pids: list[int]) -> bool:
    return all(start_time(pid) is None for pid in pids)


def test_after_a_crash_nothing_is_left(lab: Registry) -> None:
    pids = standing(lab)
    stubborn = lab.start("stubborn", ["sh", "-c", "trap '' TERM; while :; do sleep 0.2; done"])
    pids.append(stubborn.pid)
    for name in ("plain", "parent"):
        process = lab.find(name)
        assert process
        os.kill(process.pid, signal.SIGKILL)
    down()
    assert gone(pids)
    assert not lab.state.exists()
    assert not lock.lock_file(here().octet).exists()


def test_a_stranger_with_a_recycled_pid_is_not_ended(lab: Registry) -> None:
    standing(lab)
    record = lab.folder / "plain.json"
    process = lab.find("plain")
    assert process
    # the same pid with another start time is another process
    record.write_text(record.read_text().replace(f'"started": {process.started}', '"started": 1'))
    lab.stop("plain", grace=1)
    time.sleep(0.2)
    assert start_time(process.pid) == process.started


def test_twice_and_on_an_empty_machine(lab: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    standing(lab)
    assert [main(["down"]), main(["down"])] == [0, 0]
    assert "No lab stands here" in capsys.readouterr().out
    assert not lab.state.exists()


def test_a_folder_that_is_not_the_labs_is_kept(state: Path) -> None:
    state.mkdir()
    (state / "thesis.txt").write_text("mine")
    down()
    assert (state / "thesis.txt").exists()
    from lab.up import _own_folder

    with raises(LabError, "LIVEMOVE_LAB_STATE"):
        _own_folder()


def test_status_of_no_lab_makes_nothing(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 3
    assert "python -m lab up" in capsys.readouterr().out
    assert not state.exists()


def test_status_names_the_dead(lab: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    standing(lab)
    assert main(["status"]) == 0
    process = lab.find("plain")
    assert process
    os.kill(process.pid, signal.SIGKILL)
    while process.alive():
        time.sleep(0.01)
    capsys.readouterr()
    assert main(["status"]) == 3
    assert "Dead: plain" in capsys.readouterr().out
