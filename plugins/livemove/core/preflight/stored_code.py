"""livemove's own account may put triggers and functions back: on the way back they were asleep on the source.

With the binlog on, CREATE TRIGGER wants SUPER or log_bin_trust_function_creators (error 1419,
https://mariadb.com/docs/server/server-usage/stored-routines/binary-logging-of-stored-routines). The variable is the
smaller gift.
"""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok
from livemove.core.preflight.settings import wrong_settings
from livemove.core.source_settings import CODE
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = CODE


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    return wrong_settings(CHECK, db) or [ok(CHECK, "triggers and functions can be put back")]
