"""Ends the lab and removes all it made: works after a crash, twice, and on a machine that never had one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from lab import lock
from lab.addresses import here, settings_file, state_dir
from lab.processes import LabError, Registry

FIRST = ("aws", "airflow-scheduler")
"""What would start other processes while they are being ended."""


def down(*, say: bool = True) -> None:
    """End every process of this state folder, then remove the folder and the lock."""
    state, octet = state_dir(), here().octet
    _not_while_starting(octet, state)
    ended = end_processes(state)
    had = settings_file().exists()
    if had:
        _remove(state)
    lock.release(octet, state)
    if say:
        print(
            f"The lab is down ({ended} processes ended, {state} removed)"
            if had or ended
            else "No lab stands here"
        )


def end_processes(state: Path) -> int:
    """TERM, then KILL, then whoever still carries the lab's mark; how many there were."""
    registry = Registry(state)
    ended = sum(p.alive() for p in registry.all())
    for name in FIRST:
        registry.stop(name, grace=3)
    for _ in range(5):
        if not registry.all():
            break
        registry.stop_all(grace=3)
    return ended + registry.kill_strays()


def _not_while_starting(octet: int, state: Path) -> None:
    now = lock.holder(octet)
    if now and now.state == str(state) and now.starting and now.pid != os.getpid():
        raise LabError(f"The lab is just being started ({now}). Next: wait for it, or end that command first")


def _remove(state: Path) -> None:
    for socket in _sockets(state):
        socket.unlink(missing_ok=True)
    shutil.rmtree(state, ignore_errors=True)
    if state.exists():
        # a process that died a moment ago may have left one more file
        shutil.rmtree(state, ignore_errors=True)
    if state.exists():
        raise LabError(f"{state} could not be removed whole. Next: see what is left: find {state}")


def _sockets(state: Path) -> list[Path]:
    """Unix sockets of servers whose data lies in the state folder; named after that, see lab/mariadb.py."""
    folders = [*state.glob("mariadb/*"), *state.glob("dns/knot-*")]
    temporary = Path(tempfile.gettempdir())
    found = []
    for folder in folders:
        key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        with contextlib.suppress(OSError):
            found += list(temporary.glob(f"livemove-{key}*"))
    return found
