"""The clocks of the source and of this worker agree: reports, leases and approvals are read side by side.

Leases use the database's own clock, so a difference loses nothing; it makes times in the report and in logs
lie.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok, warning

CHECK = "clock"
LARGEST = 2.0
"""Seconds; half of the round trip is taken off before."""


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    limit = f"{LARGEST:g} s"
    if db.clock_ahead is None:
        return [ok(CHECK, "not measured", limit)]
    measured = (
        f"the source is {abs(db.clock_ahead):.1f} s {'ahead of' if db.clock_ahead > 0 else 'behind'} this"
        " worker"
    )
    if abs(db.clock_ahead) <= LARGEST:
        return [ok(CHECK, f"within {max(0.1, abs(db.clock_ahead)):.1f} s of this worker's", limit)]
    return [
        warning(
            CHECK,
            measured,
            limit,
            "synchronise both with the same time servers (chrony or systemd-timesyncd), slowly: a jump moves"
            " CURRENT_TIMESTAMP too",
        )
    ]
