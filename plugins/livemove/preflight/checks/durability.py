"""A power cut must not undo a commit that the fence or a user was told of.

What it costs was measured with the lab's MariaDB 10.11 on two cores and a virtual disk, one client,
single-row commits (COST; three rounds of 3 s while others used the machine, so a range). Clients that commit
at the same time share the flushes (group commit), so a busy server loses less.
"""

from __future__ import annotations

from dataclasses import replace

from livemove.model.ports import Finding
from livemove.model.source_settings import DURABILITY
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok
from livemove.preflight.setting_check import wrong_settings

CHECK = DURABILITY
COST = (
    "200 to 750 commits a second by one client, instead of 2,000 to 2,400 with 0 and 2 (measured in the lab,"
    " on its disk); clients that commit together share a flush"
)


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = wrong_settings(CHECK, db)
    if not found:
        return [ok(CHECK, "sync_binlog 1, innodb_flush_log_at_trx_commit 1", "both 1")]
    # what both cost together is said once
    return [replace(found[0], remedy=f"{found[0].remedy}. Cost of both: {COST}"), *found[1:]]
