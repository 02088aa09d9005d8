"""What is marked in the charts: the moments at which something changed."""

from __future__ import annotations

from livemove.history.ownership import Result
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting.console.ledger import LISTED, Ledger


def moments(ledger: Ledger) -> list[Json]:
    """What is marked in the charts: {"at", "kind", "says"}, oldest first."""
    out = []
    for e in ledger.events:
        if said := _moment(e):
            out.append({"at": str(e["time"]), "kind": said[0], "says": said[1]})
    return out[-LISTED:]


def _moment(e: Json) -> tuple[str, str] | None:
    match e.get("event"):
        case "ttl_lowered":
            return "name", f"TTL lowered to {e.get('ttl')} s"
        case "record_changed" | "record_shifted":
            shares = [r.get("weight") for r in e.get("after", ()) if r.get("weight") is not None]
            return "name", "name moved" if not shares else "name moved on by a step"
        case "record_rolled_back":
            return "back", "name moved back"
        case "ttl_restored":
            return "name", "old TTL restored"
        case "switchover":
            return _attempted(e)
        case "rollback_begun":
            return "back", "rollback begun"
        case "breach":
            return "bad", "breach"
        case "promoted":
            return "bad", "RDS promoted"
        case "ddl":
            return "bad", "DDL on the owner"
    return None


def _attempted(e: Json) -> tuple[str, str] | None:
    match e.get("result"):
        case Result.REFUSED:
            return None
        case Result.ABORTED:
            return "bad", "switchover undone"
        case Result.INCOMPLETE | Result.UNKNOWN:
            return "bad", "switchover not finished"
    return ("back", "writes moved back") if e.get("to") == Side.SOURCE else ("move", "writes moved")
