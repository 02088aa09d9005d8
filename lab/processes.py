"""Starting, finding and ending the lab's processes: each one is on file before anybody relies on it.

A record holds pid and start time, so that `down` ends exactly what was started, also after a crash, and
never a stranger who got the same pid later.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

MARK = "LIVEMOVE_LAB_MEMBER"
"""Environment variable that every process of a lab inherits: the state folder it belongs to."""


class LabError(RuntimeError):
    """Something in the lab did not come up; the message says what, why and where its log is."""


@dataclass(frozen=True)
class Process:
    name: str
    pid: int
    started: int
    """Start time in clock ticks since boot (/proc/<pid>/stat, field 22)."""
    log: str
    address: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    data: str = ""
    login: str = ""

    def alive(self) -> bool:
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """Start time of a living process, None for a dead one or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[1].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Registry:
    """All processes of one lab, one JSON file each in <state>/processes/."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.folder = state / "processes"
        self.logs = state / "logs"
        self.closed = False
        """Set when the lab is being given up: a thread that is still at work starts nothing more."""

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        ready: Callable[[], bool] | None = None,
        timeout: float = 30,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        address: str = "",
        ports: Mapping[str, int] | None = None,
        data: str = "",
        login: str = "",
    ) -> Process:
        """Start in a process group of its own and wait until ready; else LabError with the log's end."""
        old = self.find(name)
        if old and old.alive():
            return old
        if self.closed:
            raise LabError(f"{name} was not started: the lab is being ended")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("ab") as out:
            p = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env={**(os.environ if env is None else env), MARK: str(self.state)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = Process(
            name, p.pid, start_time(p.pid) or 0, str(log), address, dict(ports or {}), data, login
        )
        self._write(record)
        deadline = time.monotonic() + timeout
        while ready is not None and not ready():
            if p.poll() is not None or time.monotonic() > deadline:
                self.stop(name)
                why = (
                    f"ended with {p.returncode}"
                    if p.returncode is not None
                    else f"was not ready after {timeout:.0f} s"
                )
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise LabError(f"{name} {why}. Its log {log} ends:\n{tail}")
            time.sleep(0.05)
        # it outlives this command on purpose; Popen would warn about that
        p.returncode = 0
        return record

    def find(self, name: str) -> Process | None:
        try:
            return Process(**json.loads((self.folder / f"{name}.json").read_text()))
        except (FileNotFoundError, ValueError):
            return None

    def all(self) -> list[Process]:
        return [p for f in sorted(self.folder.glob("*.json")) if (p := self.find(f.stem))]

    def stop(self, name: str, *, grace: float = 10, sig: int = signal.SIGTERM) -> None:
        """End it and its process group; nothing to do when it is gone."""
        p = self.find(name)
        if p and p.alive():
            _signal(p.pid, sig)
            deadline = time.monotonic() + grace
            while p.alive() and time.monotonic() < deadline:
                _reap(p.pid)
                time.sleep(0.02)
        # a pid is not given out again while its group lives: a stranger under it means that the group is gone
        if p and start_time(p.pid) in (None, p.started):
            _signal_group(p.pid, signal.SIGKILL)
            _reap(p.pid)
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def stop_all(self, *, grace: float = 10) -> None:
        """End everything: TERM to all at once, then wait for each."""
        for p in self.all():
            if p.alive():
                _signal(p.pid, signal.SIGTERM)
        for p in self.all():
            self.stop(p.name, grace=grace)

    def strays(self) -> list[int]:
        """Pids that carry this lab's mark, however they were started; not this process and its ancestors."""
        mark = f"{MARK}={self.state}".encode()
        mine = _ancestors()
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            pid = int(environ.parent.name)
            with contextlib.suppress(OSError):
                if pid not in mine and mark in environ.read_bytes().split(b"\0"):
                    found.append(pid)
        return found

    def kill_strays(self, *, rounds: int = 5) -> int:
        """End what left its process group (a session of sshd, a daemon of a web host); returns how many."""
        ended = 0
        for _ in range(rounds):
            pids = self.strays()
            if not pids:
                break
            ended += len(pids)
            for pid in pids:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.05)
        return ended

    def _write(self, record: Process) -> None:
        path = self.folder / f"{record.name}.json"
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(record)))
        os.replace(temporary, path)


def _ancestors() -> set[int]:
    pids, pid = set(), os.getpid()
    while pid > 1:
        pids.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pids


def _signal(pid: int, sig: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, sig)


def _signal_group(leader: int, sig: int) -> None:
    # the leader may be gone while its children live on in the group
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, sig)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(pid, os.WNOHANG)
