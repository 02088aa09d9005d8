"""A mover that stands still (SIGSTOP) while somebody else goes on, and then wakes up where it was."""

from __future__ import annotations

import signal

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext

POINTS = {
    "2": ("{f}.arm.before", "{f}.arm.after"),
    "3": ("{f}.close.before", "{f}.close.after"),
    "4": ("{f}.write_watermark.before#7",),
    "6": ("{f}.touched_since.after", "{f}.cede.before", "{f}.cede.after"),
    "7": ("{t}.claim.before", "{t}.claim.after"),
    "8": ("{t}.while_in.before", "{t}.while_in.after"),
    "9": ("{t}.open.before", "{t}.open.after"),
    "10": ("servers.repoint.before", "servers.repoint.after"),
    "12": ("replicator.stop.before", "{f}.while_in.before", "{f}.follow.before", "{f}.follow.after"),
    "13": ("replicator.start.before", "replicator.start.after"),
}
WITH_THE_LOCK = (
    "{f}.sleeping_events.before",
    "code.wake.before",
    "{t}.set_position.before",
    "code.sleep.before",
)
"""Here it holds the lock of the row: who comes after waits until the server ends the idle session (30 s)."""


def _at(where: str, step: str, *, slow: bool = False) -> Fault:
    def inject(context: FaultContext) -> None:
        mover = context.attempt_until(where, "stop")

        def wake() -> None:
            mover.signal(signal.SIGCONT)
            context.finish(mover)

        context.after_recovery.append(wake)

    recoveries = (RETRY, ROLLBACK) if slow else (NOBODY, RETRY, ROLLBACK)
    return Fault(f"zombie {where}", step, inject, recoveries, sampled=not slow)


FAULTS = [_at(p, step) for step, points in POINTS.items() for p in points]
FAULTS += [_at(p, "12" if "sleep.before" in p else "8", slow=True) for p in WITH_THE_LOCK]
