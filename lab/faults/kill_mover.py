"""kill -9 of the mover: before and after every step, and at every port call that changes something."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

from lab.faults.context import NOBODY, RECOVERIES, RETRY, ROLLBACK, Fault, FaultContext

CALLS = {
    "1": ("servers.arm", "{t}.ask_hold#2"),
    "2": ("{f}.arm",),
    "3": ("{f}.close",),
    "4": ("{f}.write_watermark#6", "{f}.write_watermark#7", "{f}.binlog_position"),
    "6": ("{f}.touched_since", "{f}.cede"),
    "7": ("{t}.claim", "{t}.claim#2"),
    "8": (
        "{t}.while_in",
        "{f}.sleeping_events",
        "{t}.put_events",
        "code.wake",
        "{t}.binlog_position",
        "{t}.set_position",
    ),
    "9": ("{t}.open",),
    "10": ("servers.repoint",),
    "12": ("replicator.stop", "{f}.while_in", "code.sleep", "{f}.follow"),
    "13": ("code.help", "replicator.start", "{t}.write_watermark"),
}
"""Step -> the calls of its acts; each has a point before and after it."""

ROWS = ("{f}.arm", "{f}.cede", "{t}.claim", "{t}.open", "{f}.follow")


def point(call: str, when: str) -> str:
    name, hash_, number = call.partition("#")
    return f"{name}.{when}{hash_}{number}"


def _at(where: str) -> Fault:
    step = where.split(".")[1] if where.startswith("step") else ""

    def inject(context: FaultContext) -> None:
        mover = context.attempt(at=[f"{where}=kill"])
        code = mover.wait()
        context.require(
            code == -signal.SIGKILL and bool(mover.reached), f"the mover was killed at {where}", mover
        )

    return Fault(f"kill {where}", step, inject, back=(NOBODY, RETRY))


def _in_abort(where: str) -> Fault:
    """The replicator stands still, so the drain does not end and the attempt undoes itself."""

    def inject(context: FaultContext) -> None:
        pid = context.harness.replicators.pid(context.link)
        context.require(pid is not None, "the replicator runs")
        assert pid is not None
        mover = context.attempt(at=["{f}.close.before=wait", f"{where}=kill"])
        fenced = mover.until(lambda: bool(mover.reached))
        os.kill(pid, signal.SIGSTOP)
        try:
            mover.go()
            code = mover.wait()
        finally:
            os.kill(pid, signal.SIGCONT)
        killed = fenced and code == -signal.SIGKILL and mover.reached == context.fill_in(where)
        context.require(killed, f"the mover was killed at {where} of its abort", mover)

    return Fault(f"kill in abort {where}", "A", inject)


def _rollback(where: str) -> Fault:
    """The task that brings the writes back, on its way through reverse replication and its preparation."""

    def inject(context: FaultContext) -> None:
        mover = context.attempt("rollback", at=[f"{where}=kill"])
        code = mover.wait()
        context.require(
            code == -signal.SIGKILL and bool(mover.reached), f"rollback was killed at {where}", mover
        )

    return Fault(f"kill rollback {where}", "R", inject, recoveries=(), back=(NOBODY, ROLLBACK))


FAULTS = [_at(f"step.{n}.{when}") for n in range(12) for when in ("before", "after")]
for _step, _calls in CALLS.items():
    for _call in _calls:
        for _when in ("before", "after"):
            fault = _at(point(_call, _when))
            # two retries at once meet whole steps; inside one only where a row changes
            recoveries = RECOVERIES if _call in ROWS else (NOBODY, RETRY, ROLLBACK)
            FAULTS.append(replace(fault, step=_step, recoveries=recoveries, back=(RETRY,)))
FAULTS += [
    _in_abort(p)
    for p in ("{f}.lift.before", "{f}.lift.after", "servers.release.before", "servers.release.after")
]
FAULTS += [
    _rollback(p)
    for p in (
        "replicator.start.before",
        "{f}.allow_test.before",
        "{f}.allow_test.after",
        "replicator.prepare.before",
        "replicator.prepare.after",
        "{f}.allow_test.before#2",
        "{f}.arm.after",
        "{f}.close.after",
        "{f}.cede.before",
        "{f}.cede.after",
        "{t}.claim.after",
        "{t}.set_position.after",
        "{t}.open.after",
        "servers.repoint.after",
        "{f}.follow.before",
    )
]
