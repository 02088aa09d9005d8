"""kill -9 and restart of a database, in each state that it can be in during a move."""

from __future__ import annotations

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext

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
    ("13", "t", "OPEN, before reverse replication starts", "replicator.start.before"),
)


def _fault(step: str, which: str, state: str, where: str, *, mover_too: bool) -> Fault:
    def inject(context: FaultContext) -> None:
        side = context.f if which == "f" else context.t
        mover = context.attempt_until(where)
        context.harness.kill_database(side)
        context.require(
            not context.harness.servers[side].answers(), f"the {side} database was killed while {state}"
        )
        if mover_too:
            mover.end()
        context.harness.start_database(side)
        if not mover_too:
            mover.go()
            context.finish(mover)

    who = "from" if which == "f" else "to"
    more = " and the mover" if mover_too else ""
    recoveries = (NOBODY, RETRY, ROLLBACK) if mover_too else (RETRY, ROLLBACK)
    return Fault(f"database killed{more}: the {who} side, {state}", step, inject, recoveries)


FAULTS = [_fault(*s, mover_too=m) for s in STATES for m in (False, True)]
