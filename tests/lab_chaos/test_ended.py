"""Who ends a command of the lab ends what it has started, too, however often he says so."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.addresses import root
from lab.processes import MARK

pytestmark = pytest.mark.servers
COMMANDS = {
    "chaos": ["lab.chaos", "--jobs", "1", "--only", "kill step.5.before nobody"],
    "chaos_dms": ["lab.chaos_dms", "--rows", "5000"],
}


def until[T](look: Callable[[], T], what: str, seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


def marked() -> Iterator[tuple[int, str]]:
    """Every process of any lab, with its mark."""
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            for part in environ.read_bytes().decode(errors="replace").split("\0"):
                if part.startswith(f"{MARK}="):
                    yield int(environ.parent.name), part


def parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", COMMANDS)
def test_two_signals_leave_nothing_behind(command: str, number: signal.Signals) -> None:
    """`timeout` sends its signal to the command, and then to the command's whole group."""
    process = subprocess.Popen(
        [sys.executable, "-m", *COMMANDS[command]],
        cwd=root(),
        env={**os.environ, "PYTHONPATH": f"{root() / 'plugins'}:{root()}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def marks() -> set[str]:
        mine = [mark for pid, mark in marked() if parent(pid) == process.pid]
        return set(mine) if len(mine) >= 2 else set()

    (mark,) = until(marks, "both databases")
    process.send_signal(number)
    time.sleep(0.5)
    process.send_signal(number)
    assert process.wait(90) != 0
    left = [pid for pid, found in marked() if found.startswith(mark)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []
    assert not Path(mark.partition("=")[2]).exists()
