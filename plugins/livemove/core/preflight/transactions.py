"""Long transactions: they delay the full load's snapshot, and the fence would have to kill them. A look at this moment only."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok, some, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "transactions"
LONGEST = 60


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    long = [f"{who} {seconds} s" for who, seconds in db.transactions if seconds > LONGEST]
    found = []
    if long:
        found.append(warning(CHECK, f"open since long: {some(long)}", f"{LONGEST} s", "let them end before the gate, and keep backups and reports out of the window"))  # fmt: skip
    if db.prepared_xa:
        found.append(warning(CHECK, f"{db.prepared_xa} prepared XA transactions", "none", "XA RECOVER, then XA COMMIT or XA ROLLBACK each", subject="XA"))  # fmt: skip
    return found or [ok(CHECK, f"none longer than {LONGEST} s")]
