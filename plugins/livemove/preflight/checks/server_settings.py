"""Time zone, SQL mode and letter case of names: the target's parameter group takes them over from the source.

lower_case_table_names cannot change once an instance is there, and RDS MariaDB takes 0 and 1 only
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MariaDB.Parameters.html). A zone that RDS has
no name for stays UTC there, and NOW() jumps at the switchover.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.source_settings import rds_time_zone
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "server settings"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    zone, system = db.variable("time_zone"), db.variable("system_time_zone")
    named, letters = rds_time_zone(zone, system), db.variable("lower_case_table_names")
    if named is None:
        found.append(
            warning(
                CHECK,
                f"time zone {zone} ({system}), which RDS cannot be set to",
                "a name like Asia/Seoul",
                "SET GLOBAL time_zone to the region's name (the server needs its time zone tables:"
                " mariadb-tzinfo-to-sql), else NOW() jumps at the switchover",
                subject="time_zone",
            )
        )
    if letters == "2":
        found.append(
            error(
                CHECK,
                "lower_case_table_names 2",
                "0 or 1, as RDS takes it",
                "move the data to a server with lower_case_table_names 0 or 1 first (a dump and a load): it"
                " cannot change in place",
                subject="lower_case_table_names",
                restart=True,
            )
        )
    if letters == "1":
        found.append(
            warning(
                CHECK,
                "lower_case_table_names 1",
                "0, as RDS has by default",
                "nothing before the first provision: the target's parameter group takes it over. An RDS"
                " instance that was made without it has to be created again",
                subject="lower_case_table_names",
            )
        )
    return found or [
        ok(
            CHECK,
            f"time zone {named}, sql_mode {db.variable('sql_mode') or '(empty)'}; the target's parameter"
            " group takes them over",
        )
    ]
