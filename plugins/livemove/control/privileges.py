"""Which privileges livemove's accounts need, and why: granted, checked and printed from this one table.

The source's own account is made by a person (`livemove prepare-source` prints the SQL); the others are made
by it, so it must hold what they get, and pass it on. DMS:
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html (source) and
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.MySQL.html (target). Names of privileges:
https://mariadb.com/docs/server/reference/sql-statements/account-management-sql-statements/grant
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ADMIN_SPLIT = (10, 5)
"""MariaDB split SUPER into READ_ONLY ADMIN, CONNECTION ADMIN, SET USER and others in 10.5.2."""
PAST_THE_FENCE = {
    "SUPER",
    "READ_ONLY ADMIN",
    "CONNECTION ADMIN",
    "SYSTEM_VARIABLES_ADMIN",
    "CONNECTION_ADMIN",
}
"""Privileges by which an account writes where read_only shuts others out."""
OPENS_THE_FENCE = {"CREATE USER"}
"""Privileges by which a locked account could be unlocked."""


@dataclass(frozen=True)
class Right:
    """One privilege on everything, with the names that are as good on other versions."""

    name: str
    why: str
    or_else: frozenset[str] = frozenset()

    def held_in(self, held: set[str]) -> bool:
        return bool({self.name, "ALL PRIVILEGES", *self.or_else} & held)


def _many(why: str, *names: str) -> tuple[Right, ...]:
    return tuple(Right(n, why) for n in names)


READER = (
    Right("SELECT", "read the rows of the full load, and their definitions"),
    Right("REPLICATION SLAVE", "read the binlog", frozenset({"REPLICATION REPLICA"})),
    Right("REPLICATION CLIENT", "read the binlog position", frozenset({"BINLOG MONITOR"})),
)
"""The replicator's account on the side that it reads (livemove_read)."""

APPLIER = (
    *_many("write rows by reverse replication", "SELECT", "INSERT", "UPDATE", "DELETE"),
    *_many(
        "empty and make its own tables",
        "CREATE",
        "DROP",
        "ALTER",
        "INDEX",
        "REFERENCES",
        "CREATE TEMPORARY TABLES",
        "LOCK TABLES",
    ),
)
"""The replicator's account on the side that it writes (livemove_apply_e<N>), on the moved schemas only."""

SOURCE = (
    *READER,
    Right("PROCESS", "see sessions and open transactions"),
    Right("RELOAD", "let the final dump of the retire chapter begin at one position (FLUSH)"),
    Right("SHOW DATABASES", "see schemas that it does not move, whose keys lead here"),
    Right("SHOW VIEW", "read the definitions of views"),
    Right("CREATE USER", "lock and unlock the application's accounts, make the replicators' ones"),
    Right(
        "READ_ONLY ADMIN", "set read_only, and write past it", frozenset({"SUPER", "SYSTEM_VARIABLES_ADMIN"})
    ),
    Right("CONNECTION ADMIN", "end the application's sessions", frozenset({"SUPER", "CONNECTION_ADMIN"})),
    Right(
        "SET USER",
        "restore triggers and events under their own definers at a rollback",
        frozenset({"SUPER", "SET_USER_ID", "SET_ANY_DEFINER"}),
    ),
    *_many(
        "make the control schema and the guarded procedures", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"
    ),
    Right("EVENT", "run the dead-man's switch, disable the application's events"),
    Right("TRIGGER", "drop the follower's triggers, restore them at a rollback"),
    *(r for r in APPLIER if r.name != "SELECT"),
)
"""livemove's own account on the source; with GRANT OPTION, because it makes the others."""

TARGET = (
    *READER,
    *(r for r in APPLIER if r.name != "SELECT"),
    Right("PROCESS", "see sessions and open transactions"),
    Right("CREATE USER", "make and lock accounts"),
    Right("SHOW VIEW", "compare the definitions of views"),
    Right("CREATE VIEW", "carry views over"),
    *_many(
        "carry routines over, install the guarded procedures", "CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"
    ),
    Right("EVENT", "carry events over, run the dead-man's switch"),
    Right("TRIGGER", "carry triggers over"),
)
"""The RDS master user, which AWS makes (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html)."""


def names(rights: Iterable[Right]) -> str:
    return ", ".join(dict.fromkeys(r.name for r in rights))


def source_rights(release: Sequence[int]) -> tuple[Right, ...]:
    """SOURCE with the names that this MariaDB knows; before 10.5 SUPER is what was split later."""
    if tuple(release) >= ADMIN_SPLIT:
        return SOURCE
    split = tuple(r for r in SOURCE if "SUPER" not in r.or_else)
    return (*split, Right("SUPER", "set read_only and write past it, end sessions, name definers"))


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


def missing(rights: Iterable[Right], grants: Iterable[str]) -> list[Right]:
    """Rights that these grants ON *.* do not hold."""
    held, _ = global_privileges(grants)
    return [r for r in rights if not r.held_in(held)]
