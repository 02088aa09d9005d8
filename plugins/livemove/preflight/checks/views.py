"""Views that fail because what they read is gone: the target could not create them (1146, 1054)."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok

CHECK = "views"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [
        error(
            CHECK,
            f"{name} reads what is not there any more, or what its definer may not read",
            "views that can be read",
            f"DROP VIEW {name}, or fix it",
            subject=name,
        )
        for name in db.broken_views
    ]
    return found or [ok(CHECK, "all can be read")]
