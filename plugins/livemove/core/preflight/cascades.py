"""Foreign keys that change rows by themselves: InnoDB does not write those changes into the binlog.

The target must then cascade by itself. It does where its foreign keys are there and checked; an applier that
switches the checks off loses them, and the comparison finds what was lost.
"""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok, some, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "cascades"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if not db.cascades:
        return [ok(CHECK, "no foreign key changes rows by itself")]
    listed = some([f"{table} {name} ({rule})" for table, name, rule in db.cascades])
    return [
        warning(CHECK, f"{len(db.cascades)} foreign keys cascade: {listed}", "changes that are in the binlog",
                "their child rows' changes are not in the binlog: see that the DMS target endpoint keeps foreign key checks on, and compare again before the gate")
    ]  # fmt: skip
