"""SQL mode and letter case of names: the target's parameter group takes them over from the source.

lower_case_table_names cannot change once an instance is there, and RDS MariaDB takes 0 and 1 only
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.MariaDB.Parameters.html).
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.source_settings import HARMLESS_MODE
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "server settings"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    if db.variables.get("sql_mode") == "":
        found.append(
            warning(
                CHECK,
                f"sql_mode is empty; RDS gets {HARMLESS_MODE}",
                "at least one mode: a parameter group takes no empty value, and without one RDS is strict",
                f"nothing, unless the application creates tables of an engine that RDS lacks: {HARMLESS_MODE}"
                " refuses these, and touches no row",
                subject="sql_mode",
            )
        )
    letters = db.variable("lower_case_table_names")
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
            f"sql_mode {db.variable('sql_mode') or '(empty)'}, lower_case_table_names {letters or '0'}; the"
            " target's parameter group takes them over",
        )
    ]
