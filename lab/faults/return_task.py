"""The reverse replication is started twice: at once, or after the answer of the first start was lost."""

from __future__ import annotations

import signal

from lab.faults.context import RETRY, ROLLBACK, Fault, FaultContext


def _twice_at_once(context: FaultContext) -> None:
    mover = context.attempt(at=["replicator.start.before=kill"])
    context.require(mover.wait() == -signal.SIGKILL, "the mover was killed before the start", mover)
    both = [context.attempt("return_path"), context.attempt("return_path")]
    for one in both:
        context.finish(one)
    good = [m for m in both if m.outcome and not m.outcome["error"]]
    context.require(len(good) >= 1, f"{len(good)} of two return_path at once ended well", both[0])


def _again(context: FaultContext) -> None:
    mover = context.attempt(at=["replicator.start.after=kill"])
    context.require(mover.wait() == -signal.SIGKILL, "the mover was killed after the start", mover)
    for _ in range(2):
        again = context.attempt("return_path")
        context.finish(again)
        context.require(bool(again.outcome) and not again.outcome["error"], "return_path again", again)  # type: ignore[index]


FAULTS = [
    Fault("return_path twice at once", "13", _twice_at_once, (RETRY, ROLLBACK)),
    Fault("return_path again after its answer was lost", "13", _again, (RETRY, ROLLBACK)),
]
