"""System-versioned tables and sequences: what DMS does not carry.

History rows are made by the server that applies a change, with its own times
(https://mariadb.com/docs/server/reference/sql-structure/temporal-tables/system-versioned-tables), and such a table
cannot be emptied by TRUNCATE (4137), which DMS does before a load.
"""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok, some, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "schema features"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [
        error(CHECK, f"{t} is system-versioned", "plain tables", f"copy its history into a table of its own, then ALTER TABLE {t} DROP SYSTEM VERSIONING, and ADD it again after the move", subject=str(t))
        for t in db.tables if t.versioned
    ]  # fmt: skip
    if db.sequences:
        found.append(warning(CHECK, f"sequences: {some(db.sequences)}", "", "livemove makes them and sets them past the source's inside the fence; values that were cached and not used are skipped", subject="sequences"))  # fmt: skip
    return found or [ok(CHECK, "no system-versioned tables, no sequences")]
