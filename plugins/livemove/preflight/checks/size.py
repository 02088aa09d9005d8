"""Disk space: on the target for the data and its growth, on the source for the binlogs that must wait.

The server's own estimates of bytes; growth is the binlog rate over two weeks, which counts every change as
new data.
"""

from __future__ import annotations

from livemove.model.formatting import gigabytes, hours
from livemove.model.ports import Finding
from livemove.model.source_settings import DAY
from livemove.model.spec import MigrationSpec
from livemove.preflight.checks.retention import wanted_seconds
from livemove.preflight.estimate import GIB
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "disk room"
ROOM = 2.0
"""Indexes are built by copying, and binlogs stay on the same disk."""
KEPT_ON_TARGET = 7 * DAY
"""How long RDS keeps binlogs for reverse replication."""
SMALL = 5 * GIB
"""Binlogs up to this size need no word about a disk that nobody can see from here."""


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    return [*_target(db, spec), *_source(db, spec)]


def _target(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    growth = (db.sample.byte_rate if db.sample else 0.0) * KEPT_ON_TARGET * 2
    gb, wanted = db.bytes / GIB, (db.bytes * ROOM + growth) / GIB
    measured = (
        f"about {gigabytes(db.bytes)} now, {wanted:.1f} GB wanted with indexes, binlogs of a week and growth"
    )
    limit = f"{spec.target.storage_gb} GB (target.storage_gb)"
    if gb > spec.target.storage_gb:
        return [
            error(
                CHECK,
                measured,
                limit,
                f"raise target.storage_gb in the spec to {wanted:.0f}",
                subject="target",
            )
        ]
    if wanted > spec.target.storage_gb:
        return [
            warning(
                CHECK,
                measured,
                limit,
                f"raise target.storage_gb to {wanted:.0f}: indexes and binlogs need room; RDS storage never"
                " shrinks again",
                subject="target",
            )
        ]
    return [ok(CHECK, measured, limit, subject="target")]


def _source(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if db.sample is None:
        return []
    kept = wanted_seconds(db, spec)
    need = db.sample.byte_rate * kept
    measured = f"binlogs of {hours(kept)} need about {gigabytes(need)}"
    place = db.variable("log_bin_basename") or db.variable("datadir")
    # the longest mount point that the binlogs lie below
    mount = max((p for p in db.disks if place.startswith(p)), key=len, default="")
    if mount:
        free = db.disks[mount]
        judge = error if need > free else warning if need * ROOM > free else None
        limit = f"{gigabytes(free)} free on {mount}"
        if judge:
            return [
                judge(
                    CHECK,
                    measured,
                    limit,
                    "make room at the source: a full disk stops it, and purged binlogs stop replication",
                    subject="source",
                )
            ]
        return [ok(CHECK, measured, limit, subject="source")]
    if need < SMALL:
        return [ok(CHECK, f"{measured}; how much is free cannot be seen by SQL", subject="source")]
    return [
        warning(
            CHECK,
            measured,
            "room for twice that",
            f"look at the disk of {place or 'the binlogs'} yourself (df -h): SQL does not tell, unless the"
            " DISKS plugin is installed",
            subject="source",
        )
    ]
