"""Sessions that still write statements into the binlog, although binlog_format is ROW.

A session keeps the format that was global when it connected
(https://mariadb.com/docs/server/server-management/server-monitoring-logs/binary-log/binary-log-formats), and
no table lists the format of each. So two things are looked at: what was written as a statement while the
preflight ran (a sample of some seconds, at most 500 events), and whether ROW came by SET GLOBAL after the
server's start, when older sessions may be left. A session that is silent meanwhile, or that sets its own
format later, is not seen.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "binlog sessions"
RECONNECT = (
    "let the application reconnect (restart it, or KILL its sessions); livemove never changes a session's"
    " format"
)


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if db.sample and db.sample.statements:
        return [
            error(
                CHECK,
                f"changes written as statements in {db.sample.seconds:.0f} s:"
                f" {some(db.sample.statements, 3)}",
                "row events only",
                RECONNECT,
            )
        ]
    if db.origins.get("binlog_format") == "SQL" and db.writers:
        return [
            warning(
                CHECK,
                f"binlog_format was set while the server ran; sessions of {some(u for u, _ in db.writers)}"
                " may be older than that",
                "sessions that began after it",
                RECONNECT,
            )
        ]
    seen = f"no statement in {db.sample.seconds:.0f} s" if db.sample else "not sampled"
    return [
        ok(
            CHECK,
            (f"{seen}; ROW is in the configuration" if db.origins.get("binlog_format") == "CONFIG" else seen),
            "row events only",
        )
    ]
