"""The answer of a guarded procedure is lost on its way back: it was executed, and the mover does not know."""

from __future__ import annotations

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext
from lab.faults.proxy import CUT

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
    def inject(context: FaultContext) -> None:
        side = context.f if which == "f" else context.t
        proxy = context.proxies[side]
        proxy.lose_answer_to(f"livemove.`{act}`", then=then)
        mover = context.attempt()
        context.finish(mover)
        context.require(proxy.lost == 1, f"the answer of {act} was lost")
        if then:
            context.require(proxy.mode == CUT, f"the {side} database was out of reach afterwards")
            proxy.heal()

    words = f"answer of {act} lost" + (", then out of reach" if then else "")
    return Fault(words, step, inject, (NOBODY, RETRY, ROLLBACK), through_proxies=True)


FAULTS = [_fault(*a, then) for a in ACTS for then in ("", CUT)]
