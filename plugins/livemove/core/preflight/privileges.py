"""livemove's own account may do what the move needs on the source."""

from __future__ import annotations

import re
from collections.abc import Iterable

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok, some
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "privileges"
NEEDED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"SELECT"}), "read schema and rows"),
    (frozenset({"PROCESS"}), "see the application's sessions and transactions"),
    (frozenset({"RELOAD"}), "flush"),
    (frozenset({"REPLICATION SLAVE"}), "grant the replicator its right"),
    (frozenset({"REPLICATION CLIENT", "BINLOG MONITOR"}), "read binlog positions"),
    (frozenset({"CREATE USER"}), "lock and unlock accounts"),
    (frozenset({"READ_ONLY ADMIN", "SUPER", "SYSTEM_VARIABLES_ADMIN"}), "set read_only, and write past it"),
    (frozenset({"CONNECTION ADMIN", "SUPER", "CONNECTION_ADMIN"}), "end the application's sessions"),
    (frozenset({"CREATE"}), "make the control schema"),
    (frozenset({"INSERT"}), "write watermarks"),
    (frozenset({"EVENT"}), "run the dead-man's switch, disable the application's events"),
    (frozenset({"TRIGGER"}), "save and drop triggers on the way back"),
    (frozenset({"CREATE ROUTINE"}), "install the guarded procedures"),
)


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    held, may_grant = global_privileges(db.grants)
    if "ALL PRIVILEGES" in held:
        missing = []
    else:
        missing = [f"{min(any_of)} (to {why})" for any_of, why in NEEDED if not any_of & held]
    if not may_grant:
        missing.append("GRANT OPTION (to create the replicators' accounts)")
    if missing:
        return [error(CHECK, f"missing: {some(missing, 20)}", "global privileges of livemove's account", "GRANT them ON *.* as an administrator of the source")]  # fmt: skip
    return [ok(CHECK, "all that the move needs")]


def global_privileges(grants: Iterable[str]) -> tuple[set[str], bool]:
    """(privileges ON *.*, may grant them on) from SHOW GRANTS."""
    held: set[str] = set()
    may_grant = False
    for line in grants:
        found = re.match(r"GRANT (.+?) ON \*\.\* TO (.*)", line, re.DOTALL)
        if found:
            held |= {p.strip().upper() for p in found.group(1).split(",")}
            may_grant |= "WITH GRANT OPTION" in found.group(2).upper()
    return held, may_grant
