"""An emergency promotion, checked from outside: the loss that it stated, and the loss that there is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lab.traffic.audit import Audit

Json = dict[str, Any]


def judge(documents: Mapping[str, Json], found: Audit, killed_at: float, served_at: float | None) -> Json:
    """The report's key `promotion`; times are seconds since 1970.

    The bound is that of the ledger's document: every write acknowledged before `last_watermark` is on the
    target. `missing_outside` counts what breaks it: earlier writes, and whatever is wrong beside missing
    writes.
    """
    statement = next(
        (documents[n] for n in sorted(documents, reverse=True) if n.startswith("promotion/")), {}
    )
    last = (
        datetime.fromisoformat(statement["last_watermark"]).timestamp()
        if statement.get("last_watermark")
        else None
    )
    inside = [line for line in found.missing if last is not None and line["t"] >= last]
    return {
        "seconds_to_service": None if served_at is None else round(served_at - killed_at, 1),
        "last_watermark": statement.get("last_watermark"),
        "bound_seconds": None if last is None else round(killed_at - last, 2),
        "message": statement.get("message"),
        "undelivered": statement.get("undelivered"),
        "missing": found.lost,
        "missing_outside": found.lost - len(inside),
        "oldest_missing_seconds": (
            round(killed_at - min(m["t"] for m in found.missing), 2) if found.missing else None
        ),
    }
