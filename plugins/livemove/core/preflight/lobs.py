"""The longest LOB fits DMS's LOB mode; limited mode cuts longer values without an error."""

from __future__ import annotations

from livemove.core.preflight.facts import Facts, LobFact
from livemove.core.preflight.result import error, ok, warning
from livemove.ports import Finding

CHECK = "lobs"


def check(facts: Facts) -> list[Finding]:
    if facts.database is None:
        return []
    if facts.lob_limit is None:
        return [ok(CHECK, f"{len(facts.database.lobs)} LOB columns, moved whole (full LOB mode)")]
    found = [f for lob in facts.database.lobs if (f := _judge(lob, facts.lob_limit))]
    return found or [ok(CHECK, f"{len(facts.database.lobs)} LOB columns", f"{facts.lob_limit} bytes")]


def _judge(lob: LobFact, limit: int) -> Finding | None:
    where = f"{lob.table}.{lob.column}"
    if lob.longest is None:
        return warning(CHECK, f"{where} could not be measured in time", f"{limit} bytes (LobMaxSize)", f"SELECT MAX(LENGTH({lob.column})) FROM {lob.table} at a quiet hour, or use full LOB mode", subject=where)  # fmt: skip
    if lob.longest > limit:
        return error(CHECK, f"{where} holds {lob.longest} bytes", f"{limit} bytes (LobMaxSize)", f"set LobMaxSize to {-(-lob.longest // 1024)} KB or FullLobMode in the task settings", subject=where)  # fmt: skip
    return None
