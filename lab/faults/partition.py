"""The mover loses sight of a database: refused at once, or silence; healed before somebody tries again, or
not."""

from __future__ import annotations

from lab.faults.stage import NOBODY, RETRY, ROLLBACK, Fault, Stage

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
    def strike(stage: Stage) -> None:
        sides = {"from": [stage.f], "to": [stage.t], "both": [stage.f, stage.t]}[which]
        mover = stage.attempt_until(where)
        for side in sides:
            getattr(stage.proxies[side], how)()
        mover.go()
        stage.finish(mover)
        for side in sides:
            stage.proxies[side].heal()
        met = any(stage.proxies[side].refused for side in sides)
        stage.bitten(met, f"{which} out of reach at {where}", mover)

    recoveries = (NOBODY, RETRY, ROLLBACK) if how == "cut" and which != "both" else (RETRY,)
    return Fault(
        f"partition {how}: {which} at {where}", step, strike, recoveries, doors=True, sampled=how == "cut"
    )


FAULTS = [_fault(step, p, which, "cut") for step, p in POINTS for which in ("from", "to", "both")]
FAULTS += [_fault("6", "{f}.cede.before", "from", "silence"), _fault("9", "{t}.open.before", "to", "silence")]
