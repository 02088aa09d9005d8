"""The lease: it ends at the commit, its switch comes late, the scheduler is off."""

from __future__ import annotations

import signal
import time

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext


def _left(context: FaultContext) -> float:
    rows = context.harness.query(
        context.f,
        "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deadline) / 1e6 FROM livemove.control WHERE"
        " id = 1",
    )
    return float(rows[0][0]) if rows[0][0] is not None else -1.0


def _at_the_commit(left: float) -> Fault:
    """The commit is sent when so many seconds of the lease are left; the margin is one second."""

    def inject(context: FaultContext) -> None:
        mover = context.attempt_until("{f}.cede.before")
        # one wait, without looking: the row must not be read at the moment that counts
        time.sleep(max(0.0, _left(context) - left))
        mover.go()
        context.finish(mover)
        out = mover.outcome or {}
        context.notes.append(f"the commit was sent with {left} s of the lease left")
        context.require(left > 1.05 or bool(out.get("error")), "the commit was refused", mover)

    return Fault(f"commit with {left} s of the lease left", "6", inject, (RETRY, ROLLBACK))


def _scheduler_off(context: FaultContext) -> None:
    """The dead-man's switch does not tick when the lease ends; later it does."""
    mover = context.attempt(at=["{f}.cede.before=kill"])
    context.require(mover.wait() == -signal.SIGKILL, "the mover was killed in the fence", mover)
    context.harness.query(context.f, "SET GLOBAL event_scheduler = OFF")
    context.until(lambda: _left(context) < -0.5, "the lease has ended, nobody opened", 30)
    context.require(str(context.state(context.f)) == "FENCED", "still FENCED: the switch is late")
    context.harness.query(context.f, "SET GLOBAL event_scheduler = ON")


def _scheduler_off_before(context: FaultContext) -> None:
    """Without a switch nothing may be fenced at all."""
    context.harness.query(context.f, "SET GLOBAL event_scheduler = OFF")
    mover = context.attempt()
    context.finish(mover)
    out = mover.outcome or {}
    context.require(
        out.get("error") == "RefusedError" and "event_scheduler" in out["text"], "the guards refused", mover
    )
    context.harness.query(context.f, "SET GLOBAL event_scheduler = ON")


FAULTS = [_at_the_commit(left) for left in (1.2, 1.0, 0.5, 0.0, -0.5)]
FAULTS += [
    Fault("the switch is late", "3", _scheduler_off, (NOBODY, RETRY, ROLLBACK)),
    Fault("scheduler off before the move", "0", _scheduler_off_before, (NOBODY, RETRY), sampled=False),
]
