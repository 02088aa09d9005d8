"""The application's accounts exist, and a lock and read_only would stop them and their roles."""

from __future__ import annotations

from livemove.control.privileges import OPENS_THE_FENCE, PAST_THE_FENCE
from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "application accounts"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if not db.accounts and not db.known_accounts:
        return [
            error(
                CHECK,
                "mysql.user cannot be read",
                "every account of source.accounts",
                "grant livemove's own account SELECT ON *.*",
                subject="unread",
            )
        ]
    found = []
    for name in spec.source.accounts:
        mine = [a for a in db.accounts if a.user == name]
        if not mine:
            found.append(
                error(
                    CHECK,
                    f"{name} does not exist on the source",
                    "every account of source.accounts",
                    "correct source.accounts in the spec: an account that is not named is not fenced",
                    subject=name,
                )
            )
        for a in mine:
            who = f"'{a.user}'@'{a.host}'"
            for rights, how in (
                (PAST_THE_FENCE, "writes past the fence"),
                (OPENS_THE_FENCE, "could unlock itself"),
            ):
                if held := sorted(rights & a.privileges):
                    found.append(
                        error(
                            CHECK,
                            f"{who} {how}: {', '.join(held)}",
                            "none of these",
                            f"REVOKE {', '.join(held)} ON *.* FROM {who}",
                            subject=who,
                        )
                    )
    return found + _others(db, spec) or [ok(CHECK, f"{some(spec.source.accounts)} can be fenced")]


def _others(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    strangers = [f"{user} ({n})" for user, n in db.writers if user not in spec.source.accounts]
    if not strangers:
        return []
    return [
        warning(
            CHECK,
            f"other accounts are connected: {some(strangers)}",
            "only those of source.accounts",
            "if they write, add them to source.accounts; else see that they are away in the window",
            subject="others",
        )
    ]
