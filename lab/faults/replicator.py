"""The replicator dies and comes back: between the watermarks, between drain and claim, after the target
opened."""

from __future__ import annotations

import contextlib
import os
import signal

from lab.faults.stage import RETRY, ROLLBACK, Fault, Stage
from livemove.model.ports import Link

POINTS = (
    ("4", "between the watermarks", "{f}.write_watermark.before#7"),
    ("5", "between drain and commit", "{f}.cede.before"),
    ("7", "between commit and claim", "{t}.claim.before"),
    ("8", "after the claim", "{t}.while_in.before"),
    ("10", "after the target opened", "servers.repoint.before"),
)


def restart(stage: Stage, link: Link) -> None:
    pid = stage.arena.replicators.pid(link)
    stage.bitten(pid is not None, f"{link.name} ran")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    stage.until(lambda: stage.arena.replicators.pid(link) != pid, f"{link.name} was killed")
    # as DMS does, whatever state the databases are in by now
    with contextlib.suppress(Exception):
        stage.arena.replicators.start(link)


def _fault(step: str, name: str, where: str) -> Fault:
    def strike(stage: Stage) -> None:
        mover = stage.attempt_until(where)
        restart(stage, stage.link)
        mover.go()
        stage.finish(mover)

    return Fault(f"replicator restarted {name}", step, strike, (RETRY, ROLLBACK))


def _way_back(stage: Stage) -> None:
    mover = stage.attempt_until("replicator.start.after")
    restart(stage, stage.way_back)
    mover.go()
    stage.finish(mover)


FAULTS = [_fault(*p) for p in POINTS]
FAULTS.append(Fault("replicator of the way back restarted", "13", _way_back, (RETRY, ROLLBACK)))
