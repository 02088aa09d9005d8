"""Binlogs stay long enough: DMS reads them after the full load, and after every interruption."""

from __future__ import annotations

from livemove.model.formatting import duration, hours
from livemove.model.ports import Finding
from livemove.model.source_settings import DAY, retention_line
from livemove.model.spec import MigrationSpec
from livemove.preflight.estimate import load_seconds
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "binlog retention"
TIMES = 2.0
"""A load that breaks off begins again."""


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    kept, load, wanted = seconds_kept(db), load_seconds(db), wanted_seconds(db, spec)
    limit = f"{hours(wanted)} (twice the expected load of {duration(load)}, at least a day)"
    if kept is None:
        return [ok(CHECK, "never removed; watch the disk", limit)]
    if kept >= wanted:
        return [ok(CHECK, f"{hours(kept)}", limit)]
    line = retention_line(wanted)[0]
    remedy = f"SET GLOBAL {line}, write it into the configuration, and see that the disk holds them"
    judge = error if kept < load else warning
    return [judge(CHECK, f"{kept / 3600:.1f} h", limit, remedy, subject="expire_logs_days")]


def wanted_seconds(db: DatabaseFacts, spec: MigrationSpec) -> float:
    return max(DAY, TIMES * load_seconds(db))


def seconds_kept(db: DatabaseFacts) -> float | None:
    """None: kept for ever."""
    seconds = float(db.variable("binlog_expire_logs_seconds") or 0)
    days = float(db.variable("expire_logs_days") or 0)
    return seconds or days * DAY or None
