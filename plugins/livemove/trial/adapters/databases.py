"""What the switchover asks of both databases, tried on scratch objects: lock, kill, event, procedure."""

from __future__ import annotations

import logging
import statistics
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from livemove.control.adapters.setup import keep_binlogs
from livemove.model.errors import LivemoveError, RefusedError, UnreachableError
from livemove.model.ports import Finding
from livemove.model.spec import Side
from livemove.preflight.result import ok
from livemove.runtime.deadlines import Deadline, poll_until
from livemove.runtime.mariadb import MariaDb
from livemove.trial.adapters.scratch import EVENT, LOCKED, PROCEDURE, SCHEMA, Scratch, end_session, scratch_of

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
SECONDS = 15.0
"""An event ticks every second; a session that was ended is gone at once."""
ACCOUNT_IS_LOCKED = 4151
"""https://mariadb.com/kb/en/account-locking/"""
PINGS = 10


def try_databases(world: ServiceContext) -> tuple[list[Finding], dict[str, int]]:
    """Findings and numbers; RefusedError says which act failed on which side."""
    findings, measured = [], {}
    with scratch_of(world) as scratch:
        scratch.make()
        for side in Side:
            db = scratch.of(side)
            measured[f"round_trip_{side}"] = _round_trip(db)
            measured[f"event_{side}"] = _event(scratch, side)
            _procedure(db)
            measured[f"end_session_{side}"] = _lock_and_end(scratch, side)
            findings.append(
                ok(
                    "trial.database",
                    "a locked account is refused, its session can be ended, an event ticks, a procedure runs",
                    subject=str(side),
                )
            )
        # before the way back needs them: RDS purges binlogs as soon as it can
        keep_binlogs(scratch.of(Side.TARGET))
        scratch.drop()
    return findings, measured


def _round_trip(db: MariaDb) -> int:
    """Milliseconds, the median of ten."""
    times = []
    for _ in range(PINGS):
        began = time.monotonic()
        db.rows("SELECT 1")
        times.append(time.monotonic() - began)
    return max(1, round(statistics.median(times) * 1000))


def _event(scratch: Scratch, side: Side) -> int:
    """Milliseconds until an event has ticked."""
    db, deadline = scratch.of(side), Deadline(scratch.clock, SECONDS)
    db.run(
        f"CREATE EVENT {SCHEMA}.{EVENT} ON SCHEDULE EVERY 1 SECOND DO INSERT IGNORE INTO {SCHEMA}.mark"
        " VALUES (0, NOW(6))"
    )
    ticked = poll_until(lambda: db.rows("SELECT 1 FROM mark WHERE number = 0"), deadline, every=0.1)
    db.run(f"DROP EVENT {SCHEMA}.{EVENT}")
    if not ticked:
        raise RefusedError(
            f"An event on the {side} did not run within {SECONDS:.0f} s",
            wanted="event_scheduler=ON: the dead-man's switch is an event",
            next_step="set it on the source, or in the parameter group of the target; then clear the trial",
        )
    return round(deadline.waited * 1000)


def _procedure(db: MariaDb) -> None:
    db.run(
        f"CREATE PROCEDURE {SCHEMA}.{PROCEDURE}(OUT answer INT) SQL SECURITY DEFINER"
        f" SELECT COUNT(*) INTO answer FROM {SCHEMA}.mark"
    )
    db.run(f"CALL {SCHEMA}.{PROCEDURE}(@answer)")
    db.run(f"DROP PROCEDURE {SCHEMA}.{PROCEDURE}")


def _lock_and_end(scratch: Scratch, side: Side) -> int:
    """Milliseconds from the word to end a session until it is gone; its account is locked before."""
    db = scratch.of(side)
    password = scratch.account(side, LOCKED, [f"SELECT ON {SCHEMA}.*"])
    theirs = replace(db.login, user=LOCKED, password=password)
    with db.fresh(login=theirs, session={}, schema=None) as guest:
        number = int(guest.one("SELECT CONNECTION_ID() AS id")["id"])
        db.run(f"ALTER USER '{LOCKED}'@'%' ACCOUNT LOCK")
        if not _listed(db, number):
            raise RefusedError(
                f"livemove's account does not see the sessions of others on the {side}",
                wanted="PROCESS: the fence waits until the application's sessions are gone",
                next_step=f"GRANT PROCESS ON *.* to livemove's account on the {side}; then clear the trial",
            )
        try:
            with db.fresh(login=theirs, session={}, schema=None) as other:
                other.rows("SELECT 1")
        except UnreachableError as e:
            cause = e.__cause__.args[0] if e.__cause__ and e.__cause__.args else None
            if cause != ACCOUNT_IS_LOCKED:
                raise  # a full server, a broken line: it says nothing about the lock
            log.info("the %s refuses a locked account: %s", side, e.found)
        else:
            raise RefusedError(
                f"The {side} let a locked account log in",
                wanted="ACCOUNT LOCK that is obeyed: it is the fence",
                next_step="find out what answers at that address (a proxy?); then clear the trial",
            )
        deadline = Deadline(scratch.clock, SECONDS)
        end_session(db, number)
        gone = poll_until(lambda: not _listed(db, number), deadline, every=0.02)
    if not gone:
        raise LivemoveError(
            f"A session on the {side} was still there {SECONDS:.0f} s after it was ended",
            wanted="sessions that end when they are killed: the fence waits for that",
            next_step="look at the process list there, then clear the trial",
        )
    return max(1, round(deadline.waited * 1000))


def _listed(db: MariaDb, number: int) -> bool:
    return bool(db.rows("SELECT 1 FROM information_schema.processlist WHERE id = %s", (number,)))
