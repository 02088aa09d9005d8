"""The ledger is down, or shows an old world: it tells, it never decides."""

from __future__ import annotations

import shutil

from lab.faults.context import RETRY, ROLLBACK, Fault, FaultContext
from lab.switchover_harness.world import DOWN


def _down(where: str, step: str) -> Fault:
    def inject(context: FaultContext) -> None:
        flag = context.harness.settings.folder / DOWN
        mover = context.attempt_until(where)
        flag.touch()
        mover.go()
        context.finish(mover)
        asked = flag.stat().st_size > 0
        flag.unlink()
        context.require(asked, f"the ledger was asked and did not answer after {where}", mover)

    return Fault(f"ledger down from {where}", step, inject, (RETRY, ROLLBACK))


def _stale(context: FaultContext) -> None:
    """Before step 12 the ledger is replaced by what it was before the move."""
    folder = context.harness.settings.folder
    shutil.copytree(folder / "ledger", folder / "ledger.old")
    context.harness.add_cleanup(lambda: shutil.rmtree(folder / "ledger.old", ignore_errors=True))
    mover = context.attempt_until("{f}.while_in.before")
    shutil.rmtree(folder / "ledger")
    shutil.copytree(folder / "ledger.old", folder / "ledger")
    context.notes.append("the ledger shows the world before the move")
    mover.go()
    context.finish(mover)


FAULTS = [
    _down(p, s)
    for s, p in (
        ("0", "step.0.before"),
        ("2", "{f}.arm.before"),
        ("8", "code.wake.before"),
        ("12", "replicator.stop.before"),
        ("12", "code.sleep.before"),
    )
]
FAULTS.append(Fault("ledger stale", "12", _stale, (RETRY, ROLLBACK)))
