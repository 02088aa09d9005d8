"""Triggers, events, routines and views and who defined them: RDS lets a login define only for itself.

A definer that does not exist any more makes its object fail on the source; on the target the RDS master
becomes its definer and it works again, with that user's rights.
"""

from __future__ import annotations

from collections import Counter

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok, some, warning

CHECK = "definers"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if not db.definers:
        return [ok(CHECK, "no triggers, events, routines or views")]
    kinds = Counter(kind for kind, _, _ in db.definers)
    counted = ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(kinds.items()))
    who = some(sorted({definer for _, _, definer in db.definers}))
    ghosts = sorted(
        f"{kind} {name} by {definer}"
        for kind, name, definer in db.definers
        if db.known_accounts and definer not in db.known_accounts
    )
    found = [ok(CHECK, f"{counted}, defined by {who}; on the target the RDS master becomes their definer")]
    if ghosts:
        found.append(
            warning(
                CHECK,
                f"definers that do not exist: {some(ghosts)}",
                "definers with an account",
                "they fail on the source today (error 1449) and would work on the target, as its master user:"
                " drop what nobody misses, or define it again with an account that exists",
                subject="ghosts",
            )
        )
    return found
