"""The answer of a guarded act is lost on the way back: it was done, and nobody was told."""

from __future__ import annotations

from lab.faults.proxy import CUT
from lab.faults.stage import NOBODY, RETRY, ROLLBACK, Fault, Stage

ACTS = (
    ("2", "f", "arm_fence"),
    ("3", "f", "close_fence"),
    ("6", "f", "cede"),
    ("7", "t", "claim"),
    ("8", "t", "set_position"),
    ("9", "t", "open_database"),
    ("12", "f", "follow"),
)


def _fault(step: str, which: str, act: str, then: str) -> Fault:
    def strike(stage: Stage) -> None:
        side = stage.f if which == "f" else stage.t
        proxy = stage.proxies[side]
        proxy.lose_answer_to(f"livemove.`{act}`", then=then)
        mover = stage.attempt()
        stage.finish(mover)
        stage.bitten(proxy.lost == 1, f"the answer of {act} was lost")
        if then:
            stage.bitten(proxy.mode == CUT, f"the {side} database was out of reach afterwards")
            proxy.heal()

    words = f"answer of {act} lost" + (", then out of reach" if then else "")
    return Fault(words, step, strike, (NOBODY, RETRY, ROLLBACK), doors=True)


FAULTS = [_fault(*a, then) for a in ACTS for then in ("", CUT)]
