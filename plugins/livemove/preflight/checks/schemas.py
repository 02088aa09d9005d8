"""The schemas of the spec are there and hold tables."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "schemas"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    wanted = set(spec.source.schemas)
    found = []
    if lost := sorted(wanted - db.schemas):
        found.append(
            error(
                CHECK,
                f"not on the source: {some(lost)}",
                "every schema of source.schemas",
                "correct source.schemas in the spec, or grant SELECT on them",
            )
        )
    if empty := sorted((wanted & db.schemas) - {t.schema for t in db.tables}):
        found.append(
            warning(
                CHECK,
                f"without a table: {some(empty)}",
                "tables to move",
                "see that the spec names the right schemas",
            )
        )
    return found or [ok(CHECK, some(sorted(wanted)))]
