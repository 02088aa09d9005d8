"""Estimates that several checks use; every number is an assumption or rule of thumb, and findings say so.

AWS gives no throughput for DMS; it names memory, disk and the number of parallel tables as what decides
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_BestPractices.SizingReplicationInstance.html).
"""

from __future__ import annotations

from livemove.preflight.facts import DatabaseFacts

LOAD_BYTES = 10 * 2**20
"""Bytes a second of a full load over a VPN: assumed, the first load's own progress tells better."""
LOAD_ROWS = 10_000
"""Rows a second, where rows are short: assumed."""
INDEX_BYTES = 40 * 2**20
"""Bytes a second at which secondary indexes are built afterwards: assumed."""
GIB = 2**30
MEMORY = {
    "micro": 1,
    "small": 2,
    "medium": 4,
    "large": 8,
    "xlarge": 16,
    "2xlarge": 32,
    "4xlarge": 64,
    "8xlarge": 128,
    "9xlarge": 144,
    "12xlarge": 192,
    "16xlarge": 256,
    "24xlarge": 384,
}
"""GiB of a t class; a c class has half from large on, an r class twice
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_ReplicationInstance.Types.html)."""
CLASSES = (
    (50 * GIB, 100, "dms.t3.medium"),
    (250 * GIB, 1_000, "dms.r6i.large"),
    (1024 * GIB, 5_000, "dms.r6i.xlarge"),
)
"""(bytes, row events a second, class), the first that holds both. Changes wait in memory during the load."""
LARGEST = "dms.r6i.4xlarge"


def load_seconds(db: DatabaseFacts) -> float:
    """Full load and the indexes after it, until CDC has all it needs."""
    data, indexes = sum(t.bytes for t in db.tables), sum(t.index_bytes for t in db.tables)
    return max(data / LOAD_BYTES, db.rows / LOAD_ROWS) + indexes / INDEX_BYTES


def instance_class(db: DatabaseFacts) -> str:
    """The DMS instance class to begin with."""
    rate = db.sample.row_rate if db.sample else 0
    return next((name for size, events, name in CLASSES if db.bytes <= size and rate <= events), LARGEST)


def memory(name: str) -> float | None:
    """GiB of an instance class; None for a name that this table does not know."""
    family, _, size = name.removeprefix("dms.").partition(".")
    if size not in MEMORY or not family:
        return None
    return MEMORY[size] * {"c": 0.5, "r": 2.0}.get(family[0], 1.0)
