"""Columns whose type is not in DMS's tables of types for MySQL-compatible sources.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html#CHAP_Source.MySQL.DataTypes: numbers,
dates, strings, binaries, BLOBs, BIT, JSON and geometry have a row there; ENUM and SET stand in a second
table, "supported in full load only". MariaDB's own INET4, INET6, UUID, VECTOR and XML are in neither.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok, some, warning

CHECK = "column types"
UNKNOWN = {"inet4", "inet6", "uuid", "vector", "xmltype"}
FULL_LOAD_ONLY = {"enum", "set"}


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    if unknown := [f"{c} {c.type}" for c in db.columns if c.type in UNKNOWN]:
        found.append(
            warning(
                CHECK,
                some(unknown),
                "types in DMS's table for MySQL sources",
                "DMS's guide does not know these types: rehearse with rows of yours, and see the comparison"
                " of these tables equal; else move them as CHAR or VARBINARY (ALTER TABLE ... MODIFY)",
                subject="unknown to DMS",
            )
        )
    if partly := [f"{c} {c.type}" for c in db.columns if c.type in FULL_LOAD_ONLY]:
        found.append(
            warning(
                CHECK,
                some(partly),
                "types that DMS's guide lists for full load and CDC",
                "DMS's guide lists ENUM and SET for full load only: change a row of each while CDC runs, and"
                " see that it arrives (the comparison after CDC shows it)",
                subject="full load only",
            )
        )
    return found or [ok(CHECK, "all in DMS's table for MySQL sources")]
