"""A power cut must not undo a commit that the fence or a user was told of."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "durability"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [
        error(CHECK, f"{name} is {db.variable(name) or 'not set'}", f"{name} = 1", f"SET GLOBAL {name} = 1, and write it into the server's configuration", subject=name)
        for name in ("sync_binlog", "innodb_flush_log_at_trx_commit")
        if db.variable(name) != "1"
    ]  # fmt: skip
    return found or [ok(CHECK, "sync_binlog 1, innodb_flush_log_at_trx_commit 1", "both 1")]
