"""Tables without a primary or unique key: DMS applies by whole rows, slowly, twice after a restart."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "primary keys"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    finding = error if spec.source.require_keys else warning
    found = [
        finding(
            CHECK,
            f"{table} has no primary or unique key (about {table.rows} rows)",
            "a primary key on every table" + (", as require_keys asks" if spec.source.require_keys else ""),
            f"ALTER TABLE {table} ADD COLUMN id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, or accept it at"
            " the gate",
            subject=str(table),
        )
        for table in db.tables
        if not table.has_key
    ]
    return found or [ok(CHECK, f"{len(db.tables)} tables have one")]
