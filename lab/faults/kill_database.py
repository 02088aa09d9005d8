"""kill -9 and restart of a database, in each state that it can be in during a move."""

from __future__ import annotations

from lab.faults.stage import NOBODY, RETRY, ROLLBACK, Fault, Stage

STATES = (
    ("3", "f", "FENCED, closed", "{f}.write_watermark.before#6"),
    ("6", "f", "FENCED, before the commit", "{f}.cede.before"),
    ("7", "f", "CEDED", "{t}.claim.before"),
    ("9", "f", "CEDED, target about to open", "{t}.open.before"),
    ("12", "f", "CEDED, before follow", "{f}.follow.before"),
    ("13", "f", "FOLLOW", "replicator.start.before"),
    ("6", "t", "FOLLOW, before the commit", "{f}.cede.before"),
    ("7", "t", "FOLLOW, before the claim", "{t}.claim.before"),
    ("8", "t", "CLAIMED", "{t}.while_in.before"),
    ("8", "t", "CLAIMED, in the middle of prepare", "{t}.set_position.before"),
    ("9", "t", "CLAIMED, position set", "{t}.open.before"),
    ("10", "t", "OPEN", "servers.repoint.before"),
    ("13", "t", "OPEN, before the way back starts", "replicator.start.before"),
)


def _fault(step: str, which: str, state: str, where: str, *, mover_too: bool) -> Fault:
    def strike(stage: Stage) -> None:
        side = stage.f if which == "f" else stage.t
        mover = stage.attempt_until(where)
        stage.arena.kill_database(side)
        stage.bitten(not stage.arena.servers[side].answers(), f"the {side} database was killed while {state}")
        if mover_too:
            mover.end()
        stage.arena.start_database(side)
        if not mover_too:
            mover.go()
            stage.finish(mover)

    who = "from" if which == "f" else "to"
    more = " and the mover" if mover_too else ""
    recoveries = (NOBODY, RETRY, ROLLBACK) if mover_too else (RETRY, ROLLBACK)
    return Fault(f"database killed{more}: the {who} side, {state}", step, strike, recoveries)


FAULTS = [_fault(*s, mover_too=m) for s in STATES for m in (False, True)]
