"""The source writes a binlog that DMS can follow, of every schema that moves.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html; the values are in
model/source_settings.py. Sessions that go on in an older format are looked for by `sessions`.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.source_settings import BINLOG
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some
from livemove.preflight.setting_check import wrong_settings

CHECK = BINLOG


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = wrong_settings(CHECK, db)
    if db.unlogged:
        found.append(
            error(
                CHECK,
                f"binlog_do_db or binlog_ignore_db keeps {some(sorted(db.unlogged))} out of the binlog",
                "every schema of source.schemas in it",
                "take these lines out of the server's configuration and restart it",
                subject="filters",
                restart=True,
            )
        )
    return found or [ok(CHECK, "ROW, FULL", "ROW, FULL")]
