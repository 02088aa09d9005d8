"""The lease: it ends at the commit, its switch comes late, the scheduler is off."""

from __future__ import annotations

import signal
import time

from lab.faults.stage import NOBODY, RETRY, ROLLBACK, Fault, Stage


def _left(stage: Stage) -> float:
    rows = stage.arena.query(
        stage.f,
        "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deadline) / 1e6 FROM livemove.control WHERE"
        " id = 1",
    )
    return float(rows[0][0]) if rows[0][0] is not None else -1.0


def _at_the_commit(left: float) -> Fault:
    """The commit is sent when so many seconds of the lease are left; the margin is one second."""

    def strike(stage: Stage) -> None:
        mover = stage.attempt_until("{f}.cede.before")
        # one wait, without looking: the row must not be read at the moment that counts
        time.sleep(max(0.0, _left(stage) - left))
        mover.go()
        stage.finish(mover)
        out = mover.outcome or {}
        stage.notes.append(f"the commit was sent with {left} s of the lease left")
        stage.bitten(left > 1.05 or bool(out.get("error")), "the commit was refused", mover)

    return Fault(f"commit with {left} s of the lease left", "6", strike, (RETRY, ROLLBACK))


def _scheduler_off(stage: Stage) -> None:
    """The dead-man's switch does not tick when the lease ends; later it does."""
    mover = stage.attempt(at=["{f}.cede.before=kill"])
    stage.bitten(mover.wait() == -signal.SIGKILL, "the mover was killed in the fence", mover)
    stage.arena.query(stage.f, "SET GLOBAL event_scheduler = OFF")
    stage.until(lambda: _left(stage) < -0.5, "the lease has ended, nobody opened", 30)
    stage.bitten(str(stage.state(stage.f)) == "FENCED", "still FENCED: the switch is late")
    stage.arena.query(stage.f, "SET GLOBAL event_scheduler = ON")


def _scheduler_off_before(stage: Stage) -> None:
    """Without a switch nothing may be fenced at all."""
    stage.arena.query(stage.f, "SET GLOBAL event_scheduler = OFF")
    mover = stage.attempt()
    stage.finish(mover)
    out = mover.outcome or {}
    stage.bitten(
        out.get("error") == "RefusedError" and "event_scheduler" in out["text"], "the guards refused", mover
    )
    stage.arena.query(stage.f, "SET GLOBAL event_scheduler = ON")


FAULTS = [_at_the_commit(left) for left in (1.2, 1.0, 0.5, 0.0, -0.5)]
FAULTS += [
    Fault("the switch is late", "3", _scheduler_off, (NOBODY, RETRY, ROLLBACK)),
    Fault("scheduler off before the move", "0", _scheduler_off_before, (NOBODY, RETRY), sampled=False),
]
