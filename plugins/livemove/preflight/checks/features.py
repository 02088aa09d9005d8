"""System-versioned tables, sequences, partitions, generated and invisible columns: what becomes of each.

DMS (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html#CHAP_Source.MySQL.Limitations)
makes no partitions and does not read sequences; a primary key that the server made itself (MySQL's generated
invisible one) is not supported for CDC. In MariaDB history rows are made by the server that applies a change,
with its own times, and such a table cannot be emptied by TRUNCATE (4137), which DMS does before a load
(https://mariadb.com/docs/server/reference/sql-structure/temporal-tables/system-versioned-tables).
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "schema features"
GIPK = "my_row_id"
"""https://dev.mysql.com/doc/refman/8.0/en/create-table-gipks.html"""


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = [
        error(
            CHECK,
            f"{t} is system-versioned",
            "plain tables",
            f"copy its history into a table of its own, then ALTER TABLE {t} DROP SYSTEM VERSIONING, and ADD"
            " it again after the move; DMS carries no history",
            subject=str(t),
        )
        for t in db.tables
        if t.versioned
    ]
    if db.sequences:
        found.append(
            warning(
                CHECK,
                f"sequences: {some(db.sequences)}",
                "AUTO_INCREMENT, which needs no word",
                "DMS does not carry their values: livemove makes them and sets them past the source's inside"
                " the fence. Values that were cached and not used are skipped; see that the application"
                " expects gaps",
                subject="sequences",
            )
        )
    if hidden := [c for c in db.columns if "INVISIBLE" in c.extra.upper()]:
        gipk = [c for c in hidden if c.name == GIPK]
        judge = error if gipk else warning
        found.append(
            judge(
                CHECK,
                f"invisible columns: {some(map(str, hidden))}",
                "columns that SELECT * shows",
                "DMS reads tables by their visible columns and does not say what it does with others: make"
                " them visible (ALTER TABLE ... MODIFY ... without INVISIBLE) until the move is over, or see"
                " the comparison of these tables equal before you go on",
                subject="invisible",
            )
        )
    return found or [ok(CHECK, _told(db))]


def _told(db: DatabaseFacts) -> str:
    """What is there and needs nothing of anybody."""
    parts = [t for t in db.tables if t.partitions]
    made = [c for c in db.columns if c.generated]
    text = "no versioned tables, sequences or invisible columns"
    if parts:
        text += f"; partitioned, made beforehand on the target: {some(map(str, parts))}"
    if made:
        text += f"; generated columns, computed by the target: {some(map(str, made))}"
    return text
