"""The message to a server is lost, doubled, slow, or arrives when the writes have gone back long ago."""

from __future__ import annotations

import contextlib
import json
import os
import signal

from lab.faults.context import NOBODY, RETRY, ROLLBACK, TWO, Fault, FaultContext
from lab.processes import Registry
from lab.switchover_harness.hosts import DELIVERED, DELIVERY

EXPLICIT = r"repoint (?!.*--when-open)"
"""The order to move now."""


def _set(context: FaultContext, how: dict[str, object], only: int | None = None) -> None:
    for host in context.harness.hosts[:only]:
        (host.folder / DELIVERY).write_text(json.dumps(how))


def _met(context: FaultContext, what: str) -> bool:
    paths = [h.folder / DELIVERED for h in context.harness.hosts]
    return any(f'"what": "{what}"' in p.read_text() for p in paths if p.exists())


def _fault(name: str, how: dict[str, object], met: str, *, only: int | None = None) -> Fault:
    def inject(context: FaultContext) -> None:
        _set(context, how, only)
        mover = context.attempt()
        context.finish(mover)
        context.require(_met(context, met), f"a command was {met}", mover)
        _set(context, {})

    return Fault(f"repoint {name}", "10", inject, (NOBODY, RETRY, ROLLBACK, TWO))


def _late(context: FaultContext) -> None:
    """Kept on its way to one server, delivered after the recovery."""
    _set(context, {"keep": EXPLICIT}, 1)
    mover = context.attempt()
    context.finish(mover)
    context.require(_met(context, "kept"), "a repoint was kept on its way", mover)
    _set(context, {})

    def arrives() -> None:
        answers = [a.stdout.strip()[-200:] for h in context.harness.hosts for a in h.deliver_kept()]
        context.require(bool(answers), f"it arrived after the recovery and was answered: {answers}")

    context.after_recovery.append(arrives)


def _waiters_killed(context: FaultContext) -> None:
    """The servers were armed, and nobody waits there any more when the next owner opens."""
    mover = context.attempt_until("{f}.cede.before")
    killed = Registry(context.harness.settings.folder / "hosts").kill_strays()
    context.require(killed > 0, f"{killed} processes of waiters were killed")
    mover.go()
    context.finish(mover)


def _waiters_asleep(context: FaultContext) -> None:
    """The waiters are stopped (SIGSTOP) while the writes move, and continue after the recovery."""
    mover = context.attempt_until("{f}.arm.before")
    pids = Registry(context.harness.settings.folder / "hosts").strays()
    context.require(bool(pids), f"{len(pids)} processes of waiters stand still")
    for pid in pids:
        _signal(pid, signal.SIGSTOP)

    def wake() -> None:
        for pid in pids:
            _signal(pid, signal.SIGCONT)

    context.harness.add_cleanup(wake)
    mover.go()
    context.finish(mover)
    context.after_recovery.append(wake)


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
