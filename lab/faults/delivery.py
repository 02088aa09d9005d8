"""The message to a server is lost, doubled, slow, or arrives when the writes have gone back long ago."""

from __future__ import annotations

import contextlib
import json
import os
import signal

from lab.faults.stage import NOBODY, RETRY, ROLLBACK, TWO, Fault, Stage
from lab.processes import Registry
from lab.switchover_harness.hosts import DELIVERED, DELIVERY

EXPLICIT = r"repoint (?!.*--when-open)"
"""The order to move now."""


def _set(stage: Stage, how: dict[str, object], only: int | None = None) -> None:
    for host in stage.arena.hosts[:only]:
        (host.folder / DELIVERY).write_text(json.dumps(how))


def _met(stage: Stage, what: str) -> bool:
    paths = [h.folder / DELIVERED for h in stage.arena.hosts]
    return any(f'"what": "{what}"' in p.read_text() for p in paths if p.exists())


def _fault(name: str, how: dict[str, object], met: str, *, only: int | None = None) -> Fault:
    def strike(stage: Stage) -> None:
        _set(stage, how, only)
        mover = stage.attempt()
        stage.finish(mover)
        stage.bitten(_met(stage, met), f"a command was {met}", mover)
        _set(stage, {})

    return Fault(f"repoint {name}", "10", strike, (NOBODY, RETRY, ROLLBACK, TWO))


def _late(stage: Stage) -> None:
    """Kept on its way to one server, delivered after the recovery."""
    _set(stage, {"keep": EXPLICIT}, 1)
    mover = stage.attempt()
    stage.finish(mover)
    stage.bitten(_met(stage, "kept"), "a repoint was kept on its way", mover)
    _set(stage, {})

    def arrives() -> None:
        answers = [a.stdout.strip()[-200:] for h in stage.arena.hosts for a in h.deliver_kept()]
        stage.bitten(bool(answers), f"it arrived after the recovery and was answered: {answers}")

    stage.after_recovery.append(arrives)


def _waiters_killed(stage: Stage) -> None:
    """The servers were armed, and nobody waits there any more when the next owner opens."""
    mover = stage.attempt_until("{f}.cede.before")
    killed = Registry(stage.arena.settings.folder / "hosts").kill_strays()
    stage.bitten(killed > 0, f"{killed} processes of waiters were killed")
    mover.go()
    stage.finish(mover)


def _waiters_asleep(stage: Stage) -> None:
    """The waiters stand still (SIGSTOP) while the writes move, and wake up when somebody has dealt with
    it."""
    mover = stage.attempt_until("{f}.arm.before")
    pids = Registry(stage.arena.settings.folder / "hosts").strays()
    stage.bitten(bool(pids), f"{len(pids)} processes of waiters stand still")
    for pid in pids:
        _signal(pid, signal.SIGSTOP)

    def wake() -> None:
        for pid in pids:
            _signal(pid, signal.SIGCONT)

    stage.arena.finally_(wake)
    mover.go()
    stage.finish(mover)
    stage.after_recovery.append(wake)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


FAULTS = [
    _fault("lost on its way to all servers", {"lose": EXPLICIT}, "lost"),
    _fault("lost on its way to one server", {"lose": EXPLICIT}, "lost", only=1),
    _fault("never armed", {"lose": "--when-open"}, "lost"),
    _fault("never armed and lost on its way to one server", {"lose": "repoint"}, "lost", only=1),
    _fault("doubled", {"twice": EXPLICIT}, "doubled"),
    _fault("slow", {"delay": 1.0}, "delayed"),
    Fault("waiters killed before the commit", "10", _waiters_killed, (RETRY, ROLLBACK)),
    Fault("waiters asleep until after the recovery", "10", _waiters_asleep, (RETRY, ROLLBACK)),
    Fault("repoint late beyond the recovery", "10", _late, (RETRY, ROLLBACK)),
]
