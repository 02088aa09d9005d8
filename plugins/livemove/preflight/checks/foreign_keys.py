"""Foreign keys between a schema that moves and one that stays: each side would lack half of them."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "foreign keys"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    for table, name, refers_to in db.foreign_ties:
        tie = f"{table} {name} refers to {refers_to}"
        if table.split(".", 1)[0] in spec.source.schemas:
            found.append(
                error(
                    CHECK,
                    tie,
                    "both tables in source.schemas",
                    f"add {refers_to.split('.', 1)[0]} to source.schemas in the spec, or drop this key: the"
                    " target cannot have it",
                    subject=table,
                )
            )
        else:
            found.append(
                warning(
                    CHECK,
                    tie,
                    "both tables in source.schemas",
                    f"after the move nothing keeps {table} in step with {refers_to}: move its schema too, or"
                    " drop this key",
                    subject=table,
                )
            )
    return found or [ok(CHECK, "none leads out of the schemas that move, or into them")]
