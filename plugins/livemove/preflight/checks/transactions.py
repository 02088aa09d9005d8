"""Long transactions now: they delay the full load's snapshot, and the fence would have to kill them.

A prepared XA transaction is in the binlog before the load begins and in the tables after it (MariaDB 10.5 and
later), so a snapshot that is taken in between never sees its rows.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "transactions"
LONGEST = 60


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    long = [f"{who} {seconds} s" for who, seconds in db.transactions if seconds > LONGEST]
    found = []
    if long:
        found.append(
            warning(
                CHECK,
                f"open since long: {some(long)}",
                f"{LONGEST} s",
                "let them end before the gate, and keep backups and reports out of the window",
            )
        )
    if db.prepared_xa:
        found.append(
            error(
                CHECK,
                f"{db.prepared_xa} prepared XA transactions",
                "none: their rows would be missing on the target",
                "XA RECOVER, then XA COMMIT or XA ROLLBACK each; an application that uses XA all the time"
                " cannot be moved this way",
                subject="XA",
            )
        )
    return found or [ok(CHECK, f"none longer than {LONGEST} s")]
