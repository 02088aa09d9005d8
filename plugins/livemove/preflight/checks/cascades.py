"""Foreign keys that change rows by themselves: InnoDB does not write those changes into the binlog.

They are moved, not refused: the follower has the same foreign keys when CDC begins (carry_foreign_keys), and
its own InnoDB does the same to the child rows when the parent's change is applied, in both directions. That
holds for DMS as long as its sessions check foreign keys, which is its default: livemove's endpoints set no
AfterConnectScript or initstmt, and one with FOREIGN_KEY_CHECKS=0 would lose the changes of child rows.
Batched apply breaks it: it sorts the changes of a batch by table and switches the checks off
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ChangeProcessingTuning.html),
so both together are refused. One gap remains: DMS loads tables at different moments, and foreign keys come
after the changes that it cached meanwhile, so a parent that is deleted during the full load may leave child
rows on the target. The comparison finds them; ReloadTables of the child brings it right.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, some, warning

CHECK = "cascades"


def check(facts: Facts) -> list[Finding]:
    if facts.database is None:
        return []
    if not facts.database.cascades:
        return [ok(CHECK, "no foreign key changes rows by itself")]
    listed = some([f"{table} {name} ({rule})" for table, name, rule in facts.database.cascades])
    measured, limit = (
        f"{len(facts.database.cascades)} foreign keys cascade: {listed}",
        "changes that are in the binlog",
    )
    if facts.batch_apply:
        return [
            error(
                CHECK,
                f"{measured}; and the task settings apply in batches",
                limit,
                "set BatchApplyEnabled to false in the task settings, or replace the cascades by statements"
                " of the application: a batch would lose their changes",
            )
        ]
    return [
        warning(
            CHECK,
            measured,
            limit,
            "child rows' changes are not in the binlog; the target's own foreign keys make them again: set no"
            " FOREIGN_KEY_CHECKS=0 on a DMS endpoint. Rows that such a key changed during the full load may"
            " differ: the comparison finds them, ReloadTables of the child table fixes them",
        )
    ]
