"""Each account has the privileges it needs: livemove's own on the source, those it created, the RDS master.

The replicators' accounts are made by livemove when they are needed; here its own account is asked whether it
could. The table of rights is control/privileges.py, the same from which accounts are granted and `livemove
prepare-source` prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from livemove.control import privileges as rights
from livemove.control.privileges import Right
from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok

CHECK = "privileges"
OPTION = " WITH GRANT OPTION"


def check(facts: Facts) -> list[Finding]:
    db = facts.database
    if db is None:
        return []
    wanted = rights.source_rights(db.release)
    _, may_grant = rights.global_privileges(db.grants)
    found = _missing("livemove's own account on the source", "<its name>", wanted, db.grants, OPTION)
    if not may_grant:
        found.append(
            error(
                CHECK,
                "livemove's own account on the source lacks GRANT OPTION (it makes the replicators'"
                " accounts)",
                f"{len(wanted)} privileges, with GRANT OPTION",
                "as an administrator of the source: GRANT USAGE ON *.* TO <its name> WITH GRANT OPTION;"
                " livemove prepare-source prints it",
                subject="grant option",
            )
        )
    for account, grants in db.own_grants.items():
        found += _missing(f"{account} on the source", f"'{account}'@'%'", rights.READER, grants, "")
    if facts.target:
        found += _missing(
            "the master user on the target", "<its name>", rights.TARGET, facts.target.grants, OPTION
        )
    who = "the source" if facts.target is None else "both sides"
    return found or [
        ok(CHECK, f"all that the move needs on {who}", f"{len(wanted)} privileges, with GRANT OPTION")
    ]


def _missing(
    who: str, name: str, wanted: Sequence[Right], grants: Iterable[str], suffix: str
) -> list[Finding]:
    lacking = rights.missing(wanted, grants)
    if not lacking:
        return []
    listed = ", ".join(f"{r.name} (to {r.why})" for r in lacking)
    limit = rights.names(wanted) if len(wanted) < 5 else f"{len(wanted)} privileges"
    remedy = f"as an administrator: GRANT {rights.names(lacking)} ON *.* TO {name}{suffix}"
    return [error(CHECK, f"{who} lacks {listed}", limit, remedy, subject=who)]
