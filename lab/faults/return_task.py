"""The task of the way back is started twice: at once, or again after the answer of the first start was
lost."""

from __future__ import annotations

import signal

from lab.faults.stage import RETRY, ROLLBACK, Fault, Stage


def _twice_at_once(stage: Stage) -> None:
    mover = stage.attempt(at=["replicator.start.before=kill"])
    stage.bitten(mover.wait() == -signal.SIGKILL, "the mover was killed before the start", mover)
    both = [stage.attempt("return_path"), stage.attempt("return_path")]
    for one in both:
        stage.finish(one)
    good = [m for m in both if m.outcome and not m.outcome["error"]]
    stage.bitten(len(good) >= 1, f"{len(good)} of two return_path at once ended well", both[0])


def _again(stage: Stage) -> None:
    mover = stage.attempt(at=["replicator.start.after=kill"])
    stage.bitten(mover.wait() == -signal.SIGKILL, "the mover was killed after the start", mover)
    for _ in range(2):
        again = stage.attempt("return_path")
        stage.finish(again)
        stage.bitten(bool(again.outcome) and not again.outcome["error"], "return_path again", again)  # type: ignore[index]


FAULTS = [
    Fault("return_path twice at once", "13", _twice_at_once, (RETRY, ROLLBACK)),
    Fault("return_path again after its answer was lost", "13", _again, (RETRY, ROLLBACK)),
]
