"""Who decided what, when, at which gate, and what they saw: from the ledger's events. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from livemove.history.ownership import moment
from livemove.model.ports import Json
from livemove.reporting.gates import ACCEPT_WARNINGS, ROLL_BACK
from livemove.reporting.report_model import Decision
from livemove.reporting.summary import NAMES

GATES = ("switch_dns", "repoint", "retire")
ASKED = {"gate_asked", "promotion_asked"}
ANSWERED = {"gate_answered", "promotion_answered"}
SHARED = ("rollback", "finish", "give_up")
"""Chapters of more than one DAG."""
EMERGENCY = ("ask", "promote", "name", "smoke", "propagation", "report")
"""Tasks of `promote_<service>`, which has no chapters."""


def decisions(documents: Mapping[str, Json], events: Sequence[Json], now: datetime) -> list[Decision]:
    """Oldest first; a question that nobody answered is one without an option."""
    found: list[Decision] = []
    for n, e in enumerate(events):
        if e.get("event") in ASKED:
            found.append(_question(e, events[n + 1 :], documents, now))
        elif e.get("event") == "rollback_begun" and e.get("gate") not in GATES:
            found.append(
                Decision(
                    gate=str(e.get("gate")), subject="Roll back", by=e.get("by"), option=ROLL_BACK, answered_at=e.get("time"),
                    task_id=e.get("task_id"), run_id=e.get("run_id"),
                    saw=[f"the writes: {e.get('writes')}", f"the name: {e.get('name')}"],
                )
            )  # fmt: skip
        elif e.get("event") == "given_up":
            found.append(
                Decision(
                    gate="give_up", subject="Give up", by=e.get("by"), option="Give up", answered_at=e.get("time"),
                    task_id=e.get("task_id"), run_id=e.get("run_id"),
                )
            )  # fmt: skip
    return found


def _question(asked: Json, later: Sequence[Json], documents: Mapping[str, Json], now: datetime) -> Decision:
    gate = _gate(asked)
    answer: Json = {}
    end: str | None = None
    for e in later:
        same = _gate(e) == gate
        if e.get("event") in ANSWERED and same:
            answer, end = e, moment(e.get("at") or e["time"]).isoformat()
            break
        if (e.get("event") in ASKED and same) or _gave_up_waiting(asked, e) or _left_behind(asked, e):
            end = e.get("time")
            break
    since = asked.get("time")
    until = moment(end) if end else now
    text = documents.get(str(asked.get("question")), {})
    return Decision(
        gate=gate,
        subject=str(text.get("subject") or NAMES.get(gate, gate)),
        task_id=asked.get("task_id"),
        run_id=asked.get("run_id"),
        asked_at=since,
        answered_at=end if answer else None,
        by=answer.get("by"),
        option=answer.get("option"),
        waited_seconds=max(0.0, round((until - moment(since)).total_seconds(), 1)) if since else None,
        accepted_warnings=answer.get(ACCEPT_WARNINGS),
        saw=list(asked.get("saw") or asked.get("says") or ()),
        sha256=asked.get("sha256"),
        question=text.get("body"),
    )


def _gave_up_waiting(asked: Json, e: Json) -> bool:
    same = e.get("task_id") == asked.get("task_id") and e.get("run_id") == asked.get("run_id")
    return e.get("event") == "task_failed" and bool(asked.get("task_id")) and same


def _left_behind(asked: Json, e: Json) -> bool:
    """Another run of that DAG is at work: whoever asked was ended without a word, a run marked failed for example."""
    return bool(_dag(e)) and _dag(e) == _dag(asked) and e.get("run_id") != asked.get("run_id")


def _dag(e: Json) -> str:
    """migrate or promote, where the id of the task tells it."""
    chapter, in_chapter, _ = str(e.get("task_id") or "").partition(".")
    if in_chapter:
        return "" if chapter in SHARED else "migrate"
    return "promote" if chapter in EMERGENCY else ""


def _gate(e: Json) -> str:
    """The emergency's question is none of the three gates, and may be told without a name."""
    of_emergency = str(e.get("event") or "").startswith("promotion_")
    return str(e.get("gate") or ("promote" if of_emergency else ""))
