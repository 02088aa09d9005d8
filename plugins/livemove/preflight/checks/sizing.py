"""Size, rows and write rate: how long the full load will take, and whether the DMS instance is up to it.

Rows and bytes are the server's estimates; the write rate is a sample of some seconds or the average since the
server's start, whichever is more, and knows nothing of tomorrow's peak. Times and classes are rules of thumb
(`estimate`).
"""

from __future__ import annotations

from livemove.model.formatting import duration, gigabytes
from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.preflight.estimate import GIB, LOAD_BYTES, instance_class, load_seconds, memory
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, warning

CHECK = "load"
SHARE = 0.8
"""Of DMS's own disk, which also holds its logs, this much may fill with changes that wait."""


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    seconds, chosen = load_seconds(db), spec.replication.instance_class
    rate = f"{db.sample.row_rate:.0f} row events/s" if db.sample else "write rate not sampled"
    measured = (
        f"about {db.rows:,} rows, {gigabytes(db.bytes)}, {rate}: full load and indexes about"
        f" {duration(seconds)} (estimated at {LOAD_BYTES // 2**20} MB/s)"
    )
    found = []
    if seconds > spec.replication.full_load_timeout:
        found.append(
            error(
                CHECK,
                measured,
                f"{duration(spec.replication.full_load_timeout)} (replication.full_load_timeout)",
                "raise replication.full_load_timeout in the spec, and the source's binlog retention with it",
            )
        )
    return [
        *(
            found
            or [
                ok(
                    CHECK,
                    measured,
                    f"{duration(spec.replication.full_load_timeout)} (replication.full_load_timeout)",
                )
            ]
        ),
        *_instance(db, chosen),
        *_waiting(db, spec, seconds),
    ]


def _instance(db: DatabaseFacts, chosen: str) -> list[Finding]:
    wanted = instance_class(db)
    have, need = memory(chosen), memory(wanted)
    if have is not None and need is not None and have < need:
        return [
            warning(
                CHECK,
                f"DMS instance {chosen}, {have:g} GB of memory",
                f"{wanted}, {need:g} GB (rule of thumb)",
                "raise replication.instance_class in the spec; it can be changed later, with a short stop of"
                " replication",
                subject="instance",
            )
        ]
    return [
        ok(CHECK, f"DMS instance {chosen}; {wanted} would do", "by size and write rate", subject="instance")
    ]


def _waiting(db: DatabaseFacts, spec: MigrationSpec, seconds: float) -> list[Finding]:
    if db.sample is None:
        return []
    waiting, room = db.sample.byte_rate * seconds, spec.replication.storage_gb * GIB * SHARE
    if waiting <= room:
        return []
    return [
        warning(
            CHECK,
            f"about {gigabytes(waiting)} of changes while tables load",
            f"{room / GIB:.0f} GB of DMS's disk",
            f"raise replication.storage_gb in the spec to {waiting / GIB / SHARE:.0f}",
            subject="storage",
        )
    ]
