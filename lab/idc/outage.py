"""The loss of the data centre's machine: kill -9 of everything on it. Nothing restarts by itself."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lab.addresses import here, state_dir
from lab.processes import LabError, Registry, start_time


def kill_host(registry: Registry) -> list[str]:
    """kill -9 of every process at the IDC's address, with its children; the names of the registered ones.

    Returns when all of those are gone; LabError when one is not after 10 s.
    """
    mine = [p for p in registry.all() if p.address == here().idc and p.alive()]
    others = _children({p.pid for p in mine}) | _at_home(registry)
    for pid in [*(p.pid for p in mine), *others]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while left := [p.name for p in mine if p.alive()]:
        if time.monotonic() > deadline:
            raise LabError(f"{', '.join(left)} of the data centre still runs after kill -9")
        time.sleep(0.01)
    return [p.name for p in mine]


def _children(parents: set[int]) -> set[int]:
    """All descendants: a session of sshd has a process group of its own."""
    found: set[int] = set()
    while new := {pid for pid, parent in _parents().items() if parent in parents | found} - found:
        found |= new
    return found


def _parents() -> dict[int, int]:
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    return found


def _at_home(registry: Registry) -> set[int]:
    """What a login left running: it carries the lab's mark and works in the host's directory."""
    home, found = state_dir() / "hosts" / "idc", set()
    for pid in registry.strays():
        with suppress(OSError):
            if Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(home) and start_time(pid):
                found.add(pid)
    return found
