"""Binlogs stay long enough: DMS reads them after the full load, and after every interruption."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "binlog retention"
SHORTEST = 86400.0


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    kept = seconds_kept(db)
    wanted = max(SHORTEST, spec.replication.full_load_timeout)
    limit = f"{wanted / 3600:.0f} h (full_load_timeout, at least a day)"
    if kept is None:
        return [ok(CHECK, "never removed; watch the disk", limit)]
    if kept < wanted:
        return [warning(CHECK, f"{kept / 3600:.1f} h", limit, f"SET GLOBAL expire_logs_days = {-(-wanted // 86400):.0f}, and see that the disk holds them")]  # fmt: skip
    return [ok(CHECK, f"{kept / 3600:.0f} h", limit)]


def seconds_kept(db: DatabaseFacts) -> float | None:
    """None: kept for ever."""
    seconds = float(db.variable("binlog_expire_logs_seconds") or 0)
    days = float(db.variable("expire_logs_days") or 0)
    return seconds or days * 86400 or None
