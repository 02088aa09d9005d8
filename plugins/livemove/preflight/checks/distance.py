"""The round trip to the source against its write rate: reverse replication applies one row event per trip.

Row-by-row apply waits for each statement's answer, so it does at most 1/RTT of them a second
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ChangeProcessingTuning.html
describes the alternative, batched apply). Three times headroom is wanted, because peaks are not seen in a
sample of some seconds. Measured from this worker, the shortest of ten: the number holds for DMS where the
worker stands in DMS's region.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, warning

CHECK = "distance"
HEADROOM = 3.0


def check(facts: Facts) -> list[Finding]:
    db = facts.database
    if db is None:
        return []
    if db.trip is None or db.sample is None:
        return [ok(CHECK, "not measured", f"{HEADROOM:g} times headroom")]
    able, rate = 1 / max(db.trip, 1e-6), db.sample.row_rate
    measured = (
        f"{db.trip * 1000:.1f} ms round trip from this worker: at most {able:,.0f} row events/s row by row,"
        f" and the source writes {rate:,.0f}/s"
    )
    limit = f"{HEADROOM:g} times headroom for reverse replication"
    if able >= HEADROOM * rate:
        return [ok(CHECK, measured, limit)]
    if facts.batch_apply:
        return [
            warning(
                CHECK,
                measured,
                limit,
                "batched apply is on, which needs fewer round trips: watch the lag of reverse replication in"
                " soak, and do not retire before it stays small",
            )
        ]
    if db.cascades:
        return [
            error(
                CHECK,
                measured,
                limit,
                f"reverse replication could not keep up. Batched apply would, but {len(db.cascades)} foreign"
                " keys cascade, and a batch loses their changes: shorten the way (a worker and DMS in a"
                " nearer region, Direct Connect instead of a VPN), write less, or replace the cascades by"
                " statements of the application and set BatchApplyEnabled",
            )
        ]
    return [
        error(
            CHECK,
            measured,
            limit,
            "set BatchApplyEnabled to true in the task settings (with limited LOB mode), or shorten the way:"
            " reverse replication could not keep up row by row",
        )
    ]
