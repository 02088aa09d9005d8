"""What is marked in the charts: the moments at which something changed."""

from __future__ import annotations

from livemove.model.ledger import (
    AttemptResult,
    BreachSeen,
    DdlSeen,
    Event,
    Promoted,
    RecordChanged,
    RecordRolledBack,
    RecordShifted,
    RollbackBegun,
    SwitchoverEnded,
    TtlLowered,
    TtlRestored,
)
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting.console.ledger import LISTED, Ledger


def moments(ledger: Ledger) -> list[Json]:
    """What is marked in the charts: {"at", "kind", "says"}, oldest first."""
    out = []
    for e in ledger.contents.events:
        if said := _moment(e):
            out.append({"at": e.time, "kind": said[0], "message": said[1]})
    return out[-LISTED:]


def _moment(e: Event) -> tuple[str, str] | None:
    match e:
        case TtlLowered():
            return "name", f"TTL lowered to {e.ttl} s"
        case RecordChanged() | RecordShifted():
            weighted = any(r.weight is not None for r in e.after)
            return "name", "name moved on by a step" if weighted else "name moved"
        case RecordRolledBack():
            return "back", "name moved back"
        case TtlRestored():
            return "name", "old TTL restored"
        case SwitchoverEnded():
            return _attempted(e)
        case RollbackBegun():
            return "back", "rollback begun"
        case BreachSeen():
            return "bad", "breach"
        case Promoted():
            return "bad", "RDS promoted"
        case DdlSeen():
            return "bad", "DDL on the owner"
    return None


def _attempted(e: SwitchoverEnded) -> tuple[str, str] | None:
    match e.result:
        case AttemptResult.REFUSED:
            return None
        case AttemptResult.ABORTED:
            return "bad", "switchover undone"
        case AttemptResult.INCOMPLETE | AttemptResult.UNKNOWN:
            return "bad", "switchover not finished"
    return ("back", "writes moved back") if e.to is Side.SOURCE else ("move", "writes moved")
