"""Views and stored code that name a schema which stays behind.

A view over it cannot be created on the target (1146). Routines, triggers and events can, and fail when they
run; their bodies are searched as text, so a mention may be a variable's: a warning.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "foreign schemas"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    for kind, name, schema in db.mentions:
        judge, why = (
            (error, "the target could not create it")
            if kind == "view"
            else (warning, "it would fail there when it runs")
        )
        found.append(
            judge(
                CHECK,
                f"{kind} {name} names {schema}, which does not move: {why}",
                "schemas of source.schemas only",
                f"add {schema} to source.schemas in the spec, or drop or change this {kind}",
                subject=name,
            )
        )
    return found or [ok(CHECK, "no view or stored code names a schema that stays behind")]
