"""How much there is to move, and whether the target's disk holds it. Rows and bytes are the server's estimates."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "size"
ROOM = 2.0
"""Indexes are built by copying, and binlogs stay on the same disk."""


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    rows, gb = sum(t.rows for t in db.tables), sum(t.bytes for t in db.tables) / 2**30
    measured = f"about {rows} rows in {len(db.tables)} tables, {gb:.2f} GB"
    limit = f"{spec.target.storage_gb} GB (target.storage_gb)"
    if gb > spec.target.storage_gb:
        return [error(CHECK, measured, limit, "raise target.storage_gb in the spec")]
    if gb * ROOM > spec.target.storage_gb:
        return [warning(CHECK, measured, limit, f"raise target.storage_gb to {gb * ROOM:.0f}: indexes and binlogs need room")]  # fmt: skip
    return [ok(CHECK, measured, limit)]
