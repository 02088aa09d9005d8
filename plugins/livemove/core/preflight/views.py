"""Views that nobody can read, because what they read is gone: the target could not create them (1146, 1054)."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "views"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [
        error(CHECK, f"{name} reads what is not there any more, or what its definer may not read", "views that can be read", f"DROP VIEW {name}, or mend it", subject=name)
        for name in db.broken_views
    ]  # fmt: skip
    return found or [ok(CHECK, "all can be read")]
