"""Tables that are not transactional: no consistent snapshot, and RDS cannot restore them to a time."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "engines"
NOT_ON_RDS = {
    "FEDERATED",
    "CONNECT",
    "SPIDER",
    "S3",
    "ROCKSDB",
    "COLUMNSTORE",
    "OQGRAPH",
    "MROONGA",
    "CSV",
    "TOKUDB",
}
UNIONS = {"MRG_MYISAM"}

LOSING = {"MEMORY", "BLACKHOLE"}


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    for table in db.tables:
        engine = table.engine.upper()
        if not engine:
            found.append(
                error(
                    CHECK,
                    f"the server cannot open {table}",
                    "tables that can be read",
                    f"see what CHECK TABLE {table} says; fix it or drop it",
                    subject=str(table),
                )
            )
        elif engine in NOT_ON_RDS:
            found.append(
                error(
                    CHECK,
                    f"{table} is {table.engine}",
                    "an engine that RDS has",
                    f"ALTER TABLE {table} ENGINE = InnoDB",
                    subject=str(table),
                )
            )
        elif engine in UNIONS:
            found.append(
                error(
                    CHECK,
                    f"{table} is {table.engine}",
                    "tables with rows of their own",
                    f"DROP TABLE {table}: it shows rows of other tables, which would arrive twice; make it"
                    " again after the move, or a view instead",
                    subject=str(table),
                )
            )
        elif engine in LOSING:
            found.append(
                warning(
                    CHECK,
                    f"{table} is {table.engine}",
                    "an engine that keeps its rows",
                    "its rows do not survive a restart of either side: see that the application expects that",
                    subject=str(table),
                )
            )
        elif engine not in ("INNODB", "ARIA"):
            found.append(
                warning(
                    CHECK,
                    f"{table} is {table.engine}",
                    "InnoDB",
                    f"ALTER TABLE {table} ENGINE = InnoDB; else it is compared wholly inside the fence",
                    subject=str(table),
                )
            )
    return found or [ok(CHECK, f"{len(db.tables)} tables are transactional")]
