"""Source and target are versions that DMS and the carried schema can stand on."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts, release_of
from livemove.preflight.result import error, ok, warning

CHECK = "version"
OLDEST = {"MariaDB": (10, 4), "MySQL": (5, 7)}


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    flavour = db.flavour
    oldest = ".".join(map(str, OLDEST[flavour]))
    if db.release < OLDEST[flavour]:
        return [
            error(
                CHECK,
                db.version,
                f"{flavour} {oldest} or newer",
                "upgrade the source first; older servers were never tried",
            )
        ]
    if flavour == "MySQL":
        return [_mysql(db)]
    if db.release > release_of(spec.target.engine_version):
        return [
            warning(
                CHECK,
                f"the source {db.version} is newer than the target {spec.target.engine_version}",
                "a target at least as new",
                "raise target.engine_version in the spec",
            )
        ]
    return [ok(CHECK, db.version, f"{flavour} {oldest} or newer")]


def _mysql(db: DatabaseFacts) -> Finding:
    return warning(
        CHECK,
        f"MySQL {db.version} towards MariaDB",
        "the same product on both sides",
        "rehearse with a dump of this database: the parity check lists what reads differently",
    )
