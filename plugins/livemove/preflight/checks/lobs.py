"""LOBs fit DMS's LOB mode, which cuts longer values without an error if limited; which need help is told.

DMS writes a row first and its LOBs by a second statement. What that breaks (LOBs that are NOT NULL, ON UPDATE
beside a LOB) is no finding but is listed: livemove helps whichever side follows (`schema/lob_helpers.py`), so
DMS's own assessment `full-lob-not-nullable-at-target` is expected to fail.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.LOBSupport.html. Batched apply takes limited LOB
mode only (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.MariaDB.html).
Measuring is a scan, so it is bounded in time; what was not reached is named.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import DatabaseFacts, Facts
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
    helped = _helped(facts.database)
    if limit is None:
        return [ok(CHECK, f"{_measured(lobs)}; moved whole (full LOB mode)"), *helped]
    found = [f for lob in lobs if (f := _judge(lob, limit))]
    return [*(found or [ok(CHECK, _measured(lobs), f"{limit} bytes (LobMaxSize)")]), *helped]


def _helped(db: DatabaseFacts) -> list[Finding]:
    """What livemove does about DMS's two statements, as information."""
    out = []
    if db.helped_lobs:
        out.append(
            ok(
                CHECK,
                f"{len(db.helped_lobs)} LOB columns are NOT NULL: {some(list(db.helped_lobs))}; the side that"
                " follows gets triggers that take DMS's first statement, and loses them before it opens",
            )
        )
    if db.updated_beside_lobs:
        out.append(
            ok(
                CHECK,
                f"{len(db.updated_beside_lobs)} columns have ON UPDATE beside a LOB:"
                f" {some(list(db.updated_beside_lobs))}; it is off on the side that follows, so that DMS's"
                " second statement does not overwrite them",
            )
        )
    return out


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
