"""Two labs on one network of the machine collide; the second is told who has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import lock
from lab.addresses import here
from lab.processes import LabError, Registry, start_time


def write_holder(octet: int, pid: int, state: Path, phase: str = "starting") -> None:
    started = start_time(pid) or 0
    lock.lock_file(octet).write_text(
        json.dumps({"pid": pid, "started": started, "state": str(state), "phase": phase})
    )


def dead_pid() -> int:
    return int(
        subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
        ).stdout
    )


def test_refusal_names_the_holders_pid_and_folder(state: Path, tmp_path: Path) -> None:
    octet, other = here().octet, tmp_path / "other"
    lock.take(octet, other)
    with pytest.raises(LabError) as refused:
        lock.take(octet, state)
    assert f"pid {os.getpid()}" in str(refused.value)
    assert str(other) in str(refused.value)


def test_lock_stays_valid_while_a_process_of_the_holder_lives(state: Path, tmp_path: Path) -> None:
    """`up` has long ended; what it started still needs the addresses."""
    octet, other = here().octet, tmp_path / "other"
    write_holder(octet, dead_pid(), other, "standing")
    registry = Registry(other)
    registry.start("server", ["sleep", "60"])
    try:
        with pytest.raises(LabError, match="stands there"):
            lock.take(octet, state)
    finally:
        registry.stop_all(grace=1)
    lock.take(octet, state)


def test_lock_of_a_dead_lab_is_taken_over(state: Path, tmp_path: Path) -> None:
    octet = here().octet
    write_holder(octet, dead_pid(), tmp_path / "other")
    lock.take(octet, state)
    now = lock.holder(octet)
    assert now is not None
    assert now.state == str(state)


def test_second_up_in_the_same_folder_is_refused_while_the_first_works(state: Path) -> None:
    octet = here().octet
    first = subprocess.Popen(["sleep", "60"])
    try:
        write_holder(octet, first.pid, state, "starting")
        with pytest.raises(LabError, match="being started"):
            lock.take(octet, state)
    finally:
        first.kill()
        first.wait()
    lock.take(octet, state)


def test_release_leaves_another_folders_lock_alone(state: Path, tmp_path: Path) -> None:
    octet = here().octet
    lock.take(octet, tmp_path / "other")
    lock.release(octet, state)
    assert lock.holder(octet) is not None
    lock.release(octet, tmp_path / "other")
    assert not lock.lock_file(octet).exists()
