"""The longest LOB fits DMS's LOB mode; limited mode cuts longer values without an error.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.LOBSupport.html. Batched apply takes limited LOB
mode only (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.MariaDB.html).
Measuring is a scan, so it is bounded in time; what was not reached is named.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, some, warning
from livemove.replication.lobs import LobFact

CHECK = "lobs"


def check(facts: Facts) -> list[Finding]:
    if facts.database is None:
        return []
    lobs, limit = facts.database.lobs, facts.lob_limit
    if facts.batch_apply and limit is None and lobs:
        return [
            error(
                CHECK,
                f"{len(lobs)} LOB columns in full LOB mode, applied in batches",
                "limited LOB mode where BatchApplyEnabled is true",
                "set LimitedSizeLobMode and LobMaxSize to at least"
                f" {_kilobytes(max((b.longest or 0 for b in lobs), default=0))} KB in the task settings, or"
                " BatchApplyEnabled to false",
            )
        ]
    if limit is None:
        return [ok(CHECK, f"{_measured(lobs)}; moved whole (full LOB mode)")]
    found = [f for lob in lobs if (f := _judge(lob, limit))]
    return found or [ok(CHECK, _measured(lobs), f"{limit} bytes (LobMaxSize)")]


def _measured(lobs: tuple[LobFact, ...]) -> str:
    known = [lob for lob in lobs if lob.longest is not None]
    text = f"{len(lobs)} LOB columns"
    if known:
        longest = max(known, key=lambda lob: lob.longest or 0)
        text += f", the longest value {longest.longest:,} bytes in {longest.table}.{longest.column}"
    if late := [f"{lob.table}.{lob.column}" for lob in lobs if lob.longest is None]:
        text += f", not measured in time: {some(late)}"
    return text


def _judge(lob: LobFact, limit: int) -> Finding | None:
    where = f"{lob.table}.{lob.column}"
    if lob.longest is None:
        return warning(
            CHECK,
            f"{where} could not be measured in time",
            f"{limit} bytes (LobMaxSize)",
            f"SELECT MAX(LENGTH({lob.column})) FROM {lob.table} at a quiet hour, or use full LOB mode",
            subject=where,
        )
    if lob.longest > limit:
        return error(
            CHECK,
            f"{where} holds {lob.longest} bytes",
            f"{limit} bytes (LobMaxSize)",
            f"set LobMaxSize to {_kilobytes(lob.longest)} KB or FullLobMode in the task settings",
            subject=where,
        )
    return None


def _kilobytes(count: int) -> int:
    return -(-count // 1024)
