"""A stop inside a guarded procedure, where the mover, its session or the server dies.

The lab installs a guarded procedure once more, with a wait between two of its statements: a text substitution
in the reviewed file. The wait is a named lock that the case holds; the process list shows who has arrived at
it.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext
from livemove.runtime.mariadb import sql, statements

LOCK = "lab.pause"
PAUSE = f"DO GET_LOCK('{LOCK}', 120); DO RELEASE_LOCK('{LOCK}');"


@dataclass(frozen=True)
class StopPoint:
    """A place in a procedure: after the one line that holds `after`."""

    step: str
    side: str
    """f or t."""
    procedure: str
    after: str
    name: str


STOP_POINTS = (
    StopPoint(
        "2",
        "f",
        "arm_fence",
        "WHERE id = 1 AND state = 'OPEN' AND epoch = at_epoch;",
        "row written, not told",
    ),
    StopPoint(
        "3",
        "f",
        "close_fence",
        "CALL livemove.set_application_lock('LOCK');",
        "accounts locked, events awake",
    ),
    StopPoint("3", "f", "close_fence", "CALL livemove.disable_events();", "events disabled, sessions alive"),
    StopPoint(
        "3",
        "f",
        "close_fence",
        "CALL livemove.end_application_sessions(remaining);",
        "sessions ended, not read_only",
    ),
    StopPoint(
        "3", "f", "close_fence", "CALL livemove.set_read_only(1);", "read_only, sessions not looked at again"
    ),
    StopPoint(
        "6",
        "f",
        "cede",
        "AND deadline > UTC_TIMESTAMP(6) + INTERVAL margin_seconds * 1000000 MICROSECOND;",
        "row written, not told",
    ),
    StopPoint(
        "7",
        "t",
        "claim",
        "WHERE id = 1 AND state = 'FOLLOW' AND epoch + 1 = to_epoch;",
        "row written, replicator's account open",
    ),
    StopPoint("7", "t", "claim", "CALL livemove.match_row();", "account locked, sessions alive"),
    StopPoint(
        "8",
        "t",
        "set_position",
        "WHERE id = 1 AND state = 'CLAIMED' AND epoch = at_epoch AND position = '';",
        "position written, not told",
    ),
    StopPoint(
        "9",
        "t",
        "open_database",
        "WHERE id = 1 AND state = 'CLAIMED' AND epoch = at_epoch AND position <> '';",
        "row written, accounts locked",
    ),
    StopPoint("9", "t", "open_database", "CALL livemove.match_row();", "accounts open, not told"),
    StopPoint(
        "12",
        "f",
        "follow",
        "WHERE EXISTS (SELECT 1 FROM livemove.control WHERE id = 1 AND state = 'CEDED' AND epoch ="
        " at_epoch);",
        "list of events dropped, row not written",
    ),
    StopPoint(
        "12",
        "f",
        "follow",
        "WHERE id = 1 AND state = 'CEDED' AND epoch = at_epoch;",
        "row written, replicator's account locked",
    ),
)


def with_pause(place: StopPoint) -> str:
    """CREATE OR REPLACE of that procedure with the wait in it; LookupError unless the place is there once."""
    texts = [
        s
        for s in statements(sql("control/control_procedures"))
        if f"PROCEDURE livemove.{place.procedure}(" in s
    ]
    text = "\n".join(texts)
    lines = text.splitlines()
    here = [n for n, line in enumerate(lines) if line.strip().endswith(place.after)]
    if len(texts) != 1 or len(here) != 1:
        raise LookupError(
            f"{place.procedure} has {len(here)} lines that end with {place.after!r}, wanted one"
        )
    at = here[0] + 1
    # the wait would change what ROW_COUNT() says of the statement before it
    lines[at] = lines[at].replace("ROW_COUNT()", "@lab_touched")
    lines[at:at] = ["SET @lab_touched = ROW_COUNT();", PAUSE]
    return "\n".join(lines)


class PausedProcedure:
    """The procedure waits while this lives. `session`: the connection id of who waits there."""

    def __init__(self, context: FaultContext, place: StopPoint) -> None:
        self.context, self.side = context, context.f if place.side == "f" else context.t
        with context.harness.world().database(self.side) as db:
            db.run(with_pause(place))
        self._holder: Any = context.harness.root(self.side)
        self._run(f"SELECT GET_LOCK('{LOCK}', 5)")
        context.harness.add_cleanup(self.release)

    def _run(self, text: str) -> Any:
        with self._holder.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    def waiting(self) -> int | None:
        rows = self.context.harness.query(
            self.side,
            "SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE %s AND COMMAND <> 'Daemon' AND ID"
            " <> CONNECTION_ID()",
            (f"%GET_LOCK('{LOCK}'%",),
        )
        return int(rows[0][0]) if rows else None

    def release(self) -> None:
        try:
            self._holder.close()
        except Exception:
            self._holder = None


def _fault(place: StopPoint, dies: str) -> Fault:
    def inject(context: FaultContext) -> None:
        pause = PausedProcedure(context, place)
        mover = context.attempt()
        arrived = mover.until(lambda: pause.waiting() is not None)
        context.require(arrived, f"{place.procedure} waits: {place.name}", mover)
        session = pause.waiting()
        match dies:
            case "mover":
                mover.signal(signal.SIGKILL)
                context.require(mover.wait() == -signal.SIGKILL, "the mover was killed", mover)
                pause.release()
            case "mover, late end":
                # the server goes on with the dead mover's call only after somebody else has come
                mover.signal(signal.SIGKILL)
                context.require(mover.wait() == -signal.SIGKILL, "the mover was killed", mover)
                context.schedule(2.0, pause.release)
            case "session":
                context.harness.query(pause.side, f"KILL CONNECTION {session}")
                context.until(lambda: pause.waiting() != session, "the mover's session was killed")
                pause.release()
                context.finish(mover)
            case "server":
                context.harness.kill_database(pause.side)
                context.notes.append(f"the {pause.side} database was killed")
                context.harness.start_database(pause.side)
                pause.release()
                context.finish(mover)

    recoveries = (NOBODY, RETRY, ROLLBACK) if dies in ("mover", "server") else (RETRY, ROLLBACK)
    return Fault(f"inside {place.procedure}, {place.name}: {dies} dies", place.step, inject, recoveries)


FAULTS = [
    _fault(place, dies) for place in STOP_POINTS for dies in ("mover", "mover, late end", "session", "server")
]
