"""The console's cards of the owner and of the rollback."""

from __future__ import annotations

from typing import Any

from livemove.history import CurrentOwner, SwitchoverStage
from livemove.model.ledger import BreachSeen, RecordChanged, RecordRolledBack, RecordShifted, WayBack
from livemove.model.ports import Json, TaskState
from livemove.model.spec import Side
from livemove.reporting.console.ledger import PLACES, Ledger

ASK_THE_ROWS = "read both control rows (livemove status)"


def owner(ledger: Ledger) -> Json:
    """{"side", "certain", "tone", "headline", "says", ...}; `side` is null without an owner or certainty."""
    now = ledger.current
    side, certain = now.owner, now.certain
    tone, headline, message = _owned(ledger, side) if certain and side else _in_doubt(now)
    return {
        "side": side and str(side),
        "certain": certain,
        "stage": str(now.stage),
        "promoted": now.promoted,
        "place": PLACES[side] if side else None,
        "epoch": now.epoch,
        "since": now.since if now.epoch > 1 or not certain else None,
        "tone": tone,
        "headline": headline,
        "message": message,
    }


def _owned(ledger: Ledger, side: Side) -> tuple[str, str, str]:
    headline = "AWS: RDS is the owner" if side is Side.TARGET else "The data centre is the owner"
    if ledger.current.stage is SwitchoverStage.UNFINISHED:
        return (
            "warn",
            headline,
            (
                "It is open, and the move is not finished: not every web server is known to write to it. The"
                " task's next attempt continues."
            ),
        )
    if side is Side.TARGET:
        return "", headline, "Every web server of both sites writes to RDS."
    moved = ledger.current.epoch > 1 or _name_moved(ledger)
    return (
        "",
        headline,
        "Every web server of both sites writes to the data centre." if moved else "Nothing has moved yet.",
    )


def _in_doubt(now: CurrentOwner) -> tuple[str, str, str]:
    if now.stage is SwitchoverStage.COMMITTED and now.promoted:
        return (
            "bad",
            "RDS is promoted and not open yet",
            "The emergency is committed and only goes forward: the task's next attempt opens RDS. Before you"
            " act on it, " + ASK_THE_ROWS + ".",
        )
    if now.stage is SwitchoverStage.COMMITTED:
        to = "to AWS" if now.to is Side.TARGET else "back to the data centre"
        return (
            "bad",
            f"A move {to} is committed and not finished",
            "Nobody may write until the task's next attempt opens it; it only goes forward. Before you act on"
            " it, " + ASK_THE_ROWS + ".",
        )
    return "bad", f"It is not certain which database is the owner: {ASK_THE_ROWS}", f"{_sentence(now.why)}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def way_back(ledger: Ledger) -> Json:
    """{"tone": good | warn | bad | none, "headline", "says", "until", "checked_at"}: is a rollback safe?"""
    if ledger.history.promotion:
        text = (
            "RDS was promoted without the source's word. A return is a new migration, to a source that is"
            " rebuilt."
        )
        return _back("bad", "A rollback is not possible", text)
    if not ledger.current.certain:
        text = (
            "First it must be known which database is the owner, and an unfinished move must be finished"
            " or undone."
        )
        return _back("warn", "Whether a rollback is possible is not known", text)
    if ledger.current.owner is Side.SOURCE:
        return _back_at_home(ledger)
    if closed := ledger.history.way_back_closed_at:
        return _back(
            "none",
            "A rollback is no longer possible",
            "The source does not follow any more; RDS keeps the writes.",
            checked_at=closed,
        )
    seen = ledger.load(WayBack)
    if not seen or seen.epoch != ledger.current.epoch:
        return _back(
            "warn",
            "Reverse replication is being prepared",
            "The source does not follow yet. A rollback waits until it does.",
        )
    current = seen.lag_ms is not None and seen.state == TaskState.RUNNING
    tone = "bad" if seen.losses else "good" if current else "warn"
    headline = {
        "bad": "A rollback would lose writes",
        "warn": "Rollback loses nothing once reverse replication has caught up",
        "good": "Rollback loses nothing until you approve Retire",
    }[tone]
    # the rest of the sentence is the headline and the time beside it
    message = seen.message.split(". ")[0] + "." if tone == "good" else seen.message
    return _back(tone, headline, message, until=seen.until, checked_at=seen.checked_at)


def _back_at_home(ledger: Ledger) -> Json:
    if ledger.current.epoch > 1:
        return _back(
            "good",
            "The writes are back in the data centre",
            "Nothing was lost on the way: reverse replication had brought every write.",
        )
    if _name_moved(ledger):
        return _back(
            "good",
            "Rollback loses nothing",
            "Only the name has moved. Both sites write to one database, the data centre's.",
        )
    return _back("good", "Rollback loses nothing", "No write and no name has left the data centre.")


def _back(tone: str, headline: str, message: str, **more: Any) -> Json:
    return {"tone": tone, "headline": headline, "message": message, "until": None, "checked_at": None, **more}


def _name_moved(ledger: Ledger) -> bool:
    moved = (RecordChanged, RecordShifted)
    changes = [
        e
        for e in ledger.contents.events
        if isinstance(e, (*moved, RecordRolledBack)) or (isinstance(e, BreachSeen) and e.restored_at)
    ]
    return isinstance(max(changes, key=lambda e: e.time, default=None), moved)
