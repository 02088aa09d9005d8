"""Triggers, events, routines and views and who defined them: RDS lets a login define only for itself."""

from __future__ import annotations

from collections import Counter

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok, some
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "definers"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if not db.definers:
        return [ok(CHECK, "no triggers, events, routines or views")]
    kinds = Counter(kind for kind, _, _ in db.definers)
    counted = ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(kinds.items()))
    who = some(sorted({definer for _, _, definer in db.definers}))
    return [ok(CHECK, f"{counted}, defined by {who}; on the target the RDS master becomes their definer")]
