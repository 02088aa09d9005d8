"""Character sets and collations that the target does not have, or that DMS has to be told about.

Where the target exists, its own list decides; before that, what is known of versions: MySQL 8's 0900
collations (unknown to MariaDB before 11.4) and UCA 14.0.0 (since MariaDB 10.10). DMS converts text through
Unicode; character sets beside these it may need to be told by the endpoint setting CharsetMapping
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html).
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts, release_of
from livemove.preflight.result import error, ok, some, warning

CHECK = "collations"
PLAIN = {"", "ascii", "latin1", "binary", "utf8", "utf8mb3", "utf8mb4"}
UCA_1400 = (10, 10)


def check(facts: Facts) -> list[Finding]:
    db = facts.database
    if db is None:
        return []
    found = []
    if facts.target and facts.target.collations:
        lost = sorted(db.collations - facts.target.collations)
    else:
        newest = release_of(facts.spec.target.engine_version)
        lost = sorted(
            c
            for c in db.collations
            if ("_0900_" in c and newest < (11, 4)) or ("uca1400" in c and newest < UCA_1400)
        )
    if lost:
        found.append(
            error(
                CHECK,
                f"collations unknown to the target: {some(lost)}",
                "none of them",
                "convert these schemas, tables and columns to utf8mb4_unicode_ci before moving (ALTER TABLE"
                " ... CONVERT TO CHARACTER SET), or raise target.engine_version",
                subject="target",
            )
        )
    if odd := [f"{c} ({c.charset})" for c in db.columns if c.charset not in PLAIN]:
        found.append(
            warning(
                CHECK,
                f"character sets that DMS converts: {some(odd)}",
                ", ".join(sorted(PLAIN - {""})),
                "rehearse with rows of yours; where the comparison finds differences, set CharsetMapping on"
                " the endpoints or convert the columns to utf8mb4 first",
                subject="DMS",
            )
        )
    return found or [ok(CHECK, some(sorted(db.collations)) or "none")]
