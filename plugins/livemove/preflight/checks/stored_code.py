"""livemove's own account may restore triggers and functions, which are off on the source until a rollback.

With the binlog on, CREATE TRIGGER wants SUPER or log_bin_trust_function_creators (error 1419,
https://mariadb.com/docs/server/server-usage/stored-routines/binary-logging-of-stored-routines). The variable
is the smaller gift.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.source_settings import CODE
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok
from livemove.preflight.setting_check import wrong_settings

CHECK = CODE


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    return wrong_settings(CHECK, db) or [ok(CHECK, "triggers and functions can be put back")]
