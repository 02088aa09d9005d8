"""Foreign keys that change rows by themselves: InnoDB does not write those changes into the binlog.

They are moved, not refused: the follower has the same foreign keys before CDC begins (carry_keys), and its own
InnoDB does the same to the child rows when the parent's change is applied, in both directions. That holds for DMS as
long as its sessions check foreign keys, which is its default: livemove's endpoints set no AfterConnectScript or
initstmt, and one with FOREIGN_KEY_CHECKS=0 would lose the changes of child rows. One gap remains: DMS loads tables at
different moments and their keys come afterwards, so a parent that is deleted during the full load may leave child rows
on the target. The comparison finds them; ReloadTables of the child brings it right.
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
                "child rows' changes are not in the binlog; the target's own foreign keys make them again: set no FOREIGN_KEY_CHECKS=0 on a DMS endpoint. Rows that such a key changed during the full load may differ: the comparison finds them, ReloadTables of the child table mends them")
    ]  # fmt: skip
