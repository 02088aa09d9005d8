"""One lab per network on a machine: a lock file that outlives the command that took it.

The file names the folder of the holder and is worth something for as long as any process of that folder
lives; after a crash it is stale and the next `up` takes it over. It lies in /tmp whatever TMPDIR says,
because it guards addresses that the whole machine shares.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.processes import LabError, Registry, start_time


@dataclass(frozen=True)
class Holder:
    pid: int
    started: int
    state: str
    """The state folder; its parent is usually the clone."""
    phase: str
    """`starting` while `up` works, `standing` afterwards (then pid is the AWS endpoint's)."""

    @property
    def starting(self) -> bool:
        """An `up` is at work; one that was killed leaves its phase and its children behind."""
        return self.phase == "starting" and start_time(self.pid) == self.started

    def alive(self) -> bool:
        if start_time(self.pid) == self.started:
            return True
        try:
            return any(p.alive() for p in Registry(Path(self.state)).all())
        except OSError:
            return False

    def __str__(self) -> str:
        return f"pid {self.pid}, folder {self.state}"


def lock_file(octet: int) -> Path:
    return Path(f"/tmp/livemove-lab-127.{octet}.lock")


def holder(octet: int) -> Holder | None:
    """Who has the network now; None when it is free or its holder is dead."""
    try:
        found = Holder(**json.loads(lock_file(octet).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.alive() else None


def take(octet: int, state: Path) -> None:
    """Take the network for `state`; LabError names the holder's pid and folder when another has it."""
    with _guarded(octet) as path:
        now = holder(octet)
        if now and (now.state != str(state) or (now.starting and now.pid != os.getpid())):
            doing = "is being started" if now.starting else "stands"
            raise LabError(
                f"The lab on 127.{octet}.*.* is taken: another one {doing} there ({now}). "
                f"Next: end that one (`make down` in its clone), or wait until it is done"
            )
        _write(path, Holder(os.getpid(), start_time(os.getpid()) or 0, str(state), "starting"))


def hand_over(octet: int, state: Path, pid: int) -> None:
    """Hand the lock from `up` to a process that stays, so that a refusal names a living pid."""
    with _guarded(octet) as path:
        _write(path, Holder(pid, start_time(pid) or 0, str(state), "standing"))


def release(octet: int, state: Path) -> None:
    """Give the network back; another folder's lock stays."""
    with _guarded(octet) as path:
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_text() or "{}").get("state", str(state)) == str(state):
                path.unlink()


@contextlib.contextmanager
def _guarded(octet: int, *, timeout: float = 5) -> Iterator[Path]:
    """Hold the lock file exclusively for one read and write, seconds at most."""
    path = lock_file(octet)
    deadline = time.monotonic() + timeout
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError:
            raise LabError(_foreign(octet)) from None
        with os.fdopen(fd, "r+") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # the file may have been removed between open and flock; then somebody else locks another one
                if path.exists() and os.fstat(fd).st_ino == path.stat().st_ino:
                    yield path
                    return
            except BlockingIOError:
                pass
        if time.monotonic() > deadline:
            raise LabError(f"{path} stayed busy for {timeout:.0f} s. Next: see who holds it: fuser {path}")
        time.sleep(0.05)


def _foreign(octet: int) -> str:
    path, now = lock_file(octet), holder(octet)
    if now:
        return (
            f"The lab on 127.{octet}.*.* is taken by another user ({now}). Next: ask them to run `make down`"
        )
    return f"{path} was left by another user's lab that is dead. Next: sudo rm {path}"


def _write(path: Path, content: Holder) -> None:
    path.write_text(json.dumps(asdict(content)))
