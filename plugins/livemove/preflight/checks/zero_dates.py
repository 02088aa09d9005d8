"""Zero dates, and an sql_mode that lets them in: DMS writes NULL where the target refuses them.

"Make sure that the target database supports zero values; otherwise these values are recorded as null"
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html#CHAP_Source.MySQL.DataTypes). The
target's parameter group takes over the source's sql_mode; DMS's sessions have one of their own. Rows are
searched in bounded time, index or not: a column that could not be searched to its end is named.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok, some, warning

CHECK = "zero dates"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = []
    if hit := [name for name, there in db.zero_dates.items() if there]:
        found.append(
            warning(
                CHECK,
                f"zero dates in {some(hit)}",
                "none",
                "UPDATE them to NULL or to a real date, before or after the move; where they have to stay,"
                " see the comparison of these tables equal: a session of DMS with another sql_mode writes"
                " NULL instead",
                subject="rows",
            )
        )
    if default := [str(c) for c in db.columns if c.default.strip("'").startswith("0000-00-00")]:
        found.append(
            warning(
                CHECK,
                f"zero date as a default: {some(default)}",
                "none",
                "ALTER TABLE ... ALTER COLUMN ... SET DEFAULT NULL or CURRENT_TIMESTAMP; a strict session"
                " cannot make the table otherwise",
                subject="defaults",
            )
        )
    missed = [name for name, there in db.zero_dates.items() if there is None]
    if missed and not _refused_anyway(db):
        found.append(
            warning(
                CHECK,
                f"not searched to the end: {some(missed)}",
                "a search of some seconds",
                "look yourself at a quiet hour: SELECT 1 FROM <table> WHERE <column> = 0 LIMIT 1",
                subject="time",
            )
        )
    if found:
        return found
    text = (
        f"none in {len(db.zero_dates)} columns"
        if not missed
        else f"sql_mode refuses new ones; {len(missed)} columns were not searched to the end"
    )
    return [ok(CHECK, text)]


def _refused_anyway(db: DatabaseFacts) -> bool:
    mode = db.variable("sql_mode").upper()
    return "STRICT" in mode and "NO_ZERO_DATE" in mode
