"""The replicator dies and restarts: between watermarks, between drain and claim, after the target opened."""

from __future__ import annotations

import contextlib
import os
import signal

from lab.faults.context import RETRY, ROLLBACK, Fault, FaultContext
from livemove.model.ports import Link

POINTS = (
    ("4", "between the watermarks", "{f}.write_watermark.before#7"),
    ("5", "between drain and commit", "{f}.cede.before"),
    ("7", "between commit and claim", "{t}.claim.before"),
    ("8", "after the claim", "{t}.while_in.before"),
    ("10", "after the target opened", "servers.repoint.before"),
)


def restart(context: FaultContext, link: Link) -> None:
    pid = context.harness.replicators.pid(link)
    context.require(pid is not None, f"{link.name} ran")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    context.until(lambda: context.harness.replicators.pid(link) != pid, f"{link.name} was killed")
    # as DMS does, whatever state the databases are in by now
    with contextlib.suppress(Exception):
        context.harness.replicators.start(link)


def _fault(step: str, name: str, where: str) -> Fault:
    def inject(context: FaultContext) -> None:
        mover = context.attempt_until(where)
        restart(context, context.link)
        mover.go()
        context.finish(mover)

    return Fault(f"replicator restarted {name}", step, inject, (RETRY, ROLLBACK))


def _way_back(context: FaultContext) -> None:
    mover = context.attempt_until("replicator.start.after")
    restart(context, context.way_back)
    mover.go()
    context.finish(mover)


FAULTS = [_fault(*p) for p in POINTS]
FAULTS.append(Fault("replicator of reverse replication restarted", "13", _way_back, (RETRY, ROLLBACK)))
