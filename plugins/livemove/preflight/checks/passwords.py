"""How the application's accounts authenticate: only hashes can be copied, livemove sees no password.

RDS for MariaDB has no Unix socket or GSSAPI plugin
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.FeatureNonSupport.html), MariaDB none
of MySQL 8's.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "passwords"
CARRIED = {"", "mysql_native_password", "mysql_old_password"}
IF_THERE = {"ed25519"}


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    for account, plugin in db.login_plugins:
        if plugin in CARRIED:
            continue
        judge = warning if plugin in IF_THERE else error
        found.append(
            judge(
                CHECK,
                f"{account} logs in by {plugin}",
                "mysql_native_password, whose hash is carried",
                f"ALTER USER {account} IDENTIFIED BY ..., or make the account on the target by hand before"
                " chapter 3",
                subject=account,
            )
        )
    return found or [ok(CHECK, f"hashes are carried: {some(account for account, _ in db.login_plugins)}")]
