"""Triggers, events, routines and views run on the target with nobody's rights but their definer's.

RDS lets a login define only for itself. Views and routines get an account of their own there, with the rights
of their definer (`schema/adapters/stand_ins`). Triggers and events are created in the write pause, by the RDS
master, which becomes their definer: who could change what they call or write to could act as the master, and
one whose definer is gone, and fails today, would work again with the master's rights. Both are refused.
"""

from __future__ import annotations

from collections import Counter

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "definers"
MASTERS = ("trigger", "event")


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if not db.definers:
        return [ok(CHECK, "no triggers, events, routines or views")]
    kinds = Counter(kind for kind, _, _ in db.definers)
    counted = ", ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in sorted(kinds.items()))
    who = some(sorted({definer for _, _, definer in db.definers}))
    become = "views and routines get accounts with their definers' rights on the target"
    if any(kind in MASTERS for kind in kinds):
        become += ", triggers and events run as the RDS master"
    return [ok(CHECK, f"{counted}, defined by {who}; {become}"), *_ghosts(db), *_makers(db)]


def _ghosts(db: DatabaseFacts) -> list[Finding]:
    ghosts = sorted(
        (kind, f"{kind} {name} by {definer}")
        for kind, name, definer in db.definers
        if db.known_accounts and definer not in db.known_accounts
    )
    waking = [said for kind, said in ghosts if kind in MASTERS]
    failing = [said for kind, said in ghosts if kind not in MASTERS]
    found = []
    if waking:
        found.append(
            error(
                CHECK,
                f"triggers or events whose definer does not exist: {some(waking)}",
                "definers with an account",
                "they fail on the source today (error 1449) and would work on the target, with the rights of"
                " its master user: drop what nobody misses, or define it again with an account that exists",
                subject="awake",
            )
        )
    if failing:
        found.append(
            warning(
                CHECK,
                f"definers that do not exist: {some(failing)}",
                "definers with an account",
                "they fail on the source today (error 1449) and go on failing on the target: drop what nobody"
                " misses, or define it again with an account that exists",
                subject="ghosts",
            )
        )
    return found


def _makers(db: DatabaseFacts) -> list[Finding]:
    awake = sorted(f"{kind} {name}" for kind, name, _ in db.definers if kind in MASTERS)
    if not awake or not db.code_makers:
        return []
    who = sorted({f"{account} ({privilege})" for account, privilege in db.code_makers})
    held = {a: ", ".join(sorted(p for b, p in db.code_makers if b == a)) for a, _ in db.code_makers}
    revoked = "; ".join(f"REVOKE {rights} ON <schema>.* FROM {a}" for a, rights in sorted(held.items()))
    return [
        error(
            CHECK,
            f"{some(awake)} would run as the RDS master, and {some(who)} may put a routine or a view of its"
            " own in the place of what they use",
            "application accounts that create no code, where there are triggers or events",
            f"{revoked}; give them to the account that migrates the schema, which is not the application's",
            subject="makers",
        )
    ]
