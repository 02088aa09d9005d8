"""The mover cannot reach a database: refused at once, or silence; healed before the recovery, or not."""

from __future__ import annotations

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext

POINTS = (
    ("2", "{f}.arm.before"),
    ("3", "{f}.close.after"),
    ("6", "{f}.cede.before"),
    ("7", "{t}.claim.before"),
    ("8", "{t}.while_in.before"),
    ("9", "{t}.open.before"),
    ("10", "servers.repoint.before"),
    ("12", "{f}.follow.before"),
    ("13", "replicator.start.before"),
)


def _fault(step: str, where: str, which: str, how: str) -> Fault:
    def inject(context: FaultContext) -> None:
        sides = {"from": [context.f], "to": [context.t], "both": [context.f, context.t]}[which]
        mover = context.attempt_until(where)
        for side in sides:
            getattr(context.proxies[side], how)()
        mover.go()
        context.finish(mover)
        for side in sides:
            context.proxies[side].heal()
        met = any(context.proxies[side].refused for side in sides)
        context.require(met, f"{which} out of reach at {where}", mover)

    recoveries = (NOBODY, RETRY, ROLLBACK) if how == "cut" and which != "both" else (RETRY,)
    return Fault(
        f"partition {how}: {which} at {where}",
        step,
        inject,
        recoveries,
        through_proxies=True,
        sampled=how == "cut",
    )


FAULTS = [_fault(step, p, which, "cut") for step, p in POINTS for which in ("from", "to", "both")]
FAULTS += [_fault("6", "{f}.cede.before", "from", "silence"), _fault("9", "{t}.open.before", "to", "silence")]
