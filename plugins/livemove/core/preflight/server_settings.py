"""Time zone, SQL mode and letter case of names: the target's parameter group must say the same."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok, warning
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "server settings"
UTC = {"UTC", "+00:00", "GMT", "Etc/UTC"}


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    zone = db.variable("time_zone")
    actual = db.variable("system_time_zone") if zone == "SYSTEM" else zone
    if actual not in UTC:
        found.append(warning(CHECK, f"time zone {zone} ({actual})", "UTC, as RDS has by default", "set time_zone in the target's parameter group to the same zone, or NOW() jumps at the switchover", subject="time_zone"))  # fmt: skip
    if db.variable("lower_case_table_names") not in ("", "0"):
        found.append(warning(CHECK, f"lower_case_table_names {db.variable('lower_case_table_names')}", "0, as RDS has by default", "set it in the parameter group before the instance is created; later it cannot change", subject="lower_case_table_names"))  # fmt: skip
    return found or [ok(CHECK, f"time zone {actual}, sql_mode {db.variable('sql_mode') or '(empty)'}")]
