"""The report's first five lines, for hurried readers: result, data, users, decisions, present state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from livemove.model.formatting import short_duration, utc, utc_millisecond
from livemove.model.ledger import AttemptResult, ServersStopped, WayBack, moment
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.stages import PROMOTION, QUESTIONS
from livemove.reporting.report_model import Decision, Interval, Move, Outcome

PLACE = {Side.SOURCE: "the data centre", Side.TARGET: "RDS"}


NAMES = {gate: q.title for gate, q in QUESTIONS.items()} | {PROMOTION.gate: PROMOTION.title}


def summary(r: Json) -> list[str]:
    """Five sentences from the report's other fields."""
    return [_result(r), _data(r), _users(r), _decisions(r["decisions"]), _now(r)]


def clock(text: str | None) -> str:
    return "an unknown time" if not text else utc(text)


def precise(text: str | None) -> str | None:
    return text and utc_millisecond(text)


def span(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else short_duration(seconds)


def _result(r: Json) -> str:
    last: Interval = r["ownership"][-1]
    title, since = r["title"], clock(_since(r["ownership"]))
    match r["outcome"]:
        case Outcome.MOVED:
            text = f"{title} was moved to AWS: RDS has taken the writes since {since} (epoch {last.epoch})"
            ended = next((e.time for e in r["events"] if isinstance(e, ServersStopped)), None)
            text += f"; the data centre was retired at {clock(ended)}" if ended else ""
        case Outcome.PROMOTED:
            text = (
                f"Emergency: the data centre was gone, and RDS took the writes of {title} without its word at"
                f" {since} (epoch {last.epoch})"
            )
        case Outcome.ROLLED_BACK:
            text = f"{title} was rolled back: {_back(r['ownership'])}"
        case Outcome.GIVEN_UP:
            text = (
                f"The move of {title} was given up: the writes never left the data centre, and what was"
                " prepared was taken down"
            )
        case Outcome.UNFINISHED:
            text = f"{title} is in the middle of a move: nobody may write since {since} ({last.why})"
        case _:
            text = f"{title} has not moved: the data centre takes the writes as before"
    if r["rollback"] and r["outcome"] is Outcome.ROLLED_BACK and r["rollback"].failed:
        text += f". {r['rollback'].message}"
    if failed := r["failure"]:
        text += f". The run failed at {failed.task_id}: {_short(failed.found)}"
    return f"Result: {text}."


def _since(ownership: Sequence[Interval]) -> str | None:
    """Since when the one who may write now has owned; an undone fence in between does not count."""
    last = ownership[-1]
    return next(i.since for i in ownership if (i.owner, i.epoch) == (last.owner, last.epoch))


def _back(ownership: Sequence[Interval]) -> str:
    last = ownership[-1]
    there = sum(i.seconds or 0 for i in ownership if i.owner is Side.TARGET)
    if not any(i.owner is Side.TARGET for i in ownership):
        return "the writes never left the data centre"
    return (
        f"the data centre has taken the writes again since {clock(_since(ownership))} (epoch {last.epoch});"
        f" RDS had taken them for {span(there)} in between, and every write of that time had arrived at the"
        " data centre before it opened"
    )


def _data(r: Json) -> str:
    if r["rows_copied"] is None:
        return "Data: nothing was copied."
    text = (
        f"Data: {r['rows_copied']:,} rows in {len(r['tables'])} tables were copied in"
        f" {span(r['full_load_seconds'])}"
    )
    if r["tables_compared"] is None:
        return f"{text}; no comparison was made."
    equal = (
        f"{r['tables_equal']} of {r['tables_compared']} tables were equal, row by row, when compared last"
        f" (epoch {r['tables'] and max(t.epoch or 0 for t in r['tables'])})"
    )
    again = _inside([m.proof for m in r["moves"] if m.proof])
    differs = [t.table for t in r["tables"] if t.equal is False]
    return f"{text}; {equal}{again}" + (f"; DIFFERENT: {', '.join(differs)}" if differs else "") + "."


def _inside(proofs: Sequence[str]) -> str:
    """What the comparisons inside the fences covered, no more than they say themselves."""
    if not proofs:
        return ""
    covered = [re.search(r"every row that could have changed of (\d+ of \d+) tables", p) for p in proofs]
    if not all(covered):
        return "; what was compared again inside the fence is listed below"
    text = " and of ".join(m[1] for m in covered if m)
    return (
        f"; inside {'the fence' if len(proofs) == 1 else 'the fences'}, every row that could have changed of"
        f" {text} tables was compared again"
    )


def _users(r: Json) -> str:
    moves: list[Move] = r["moves"]
    undone = [
        a
        for a in r["attempts"]
        if a.result in (AttemptResult.ABORTED, AttemptResult.INTERRUPTED) and a.fenced_at
    ]
    parts = [_pause(m) for m in moves]
    parts += [f"an attempt that was undone fenced the writes for {_fence(a)}" for a in undone]
    if breach := r["users"].breach:
        parts.append(f"while both sites served: {'; '.join(breach.reasons)}")
    if not parts:
        return "Users: the writes were never paused."
    return f"Users: {'; '.join(parts)}."


def _pause(m: Move) -> str:
    text = f"the move to {PLACE[m.to]} closed the database to writes for {m.fenced_ms:,} ms"
    if m.requests is not None:
        failed = "errors not counted" if m.errors is None else f"{m.errors:,} failed at the servers"
        left = f"; not counted: {', '.join(m.not_counted)}" if m.not_counted else ""
        text += f" ({m.requests:,} requests in the {span(m.over_seconds)} around it, {failed}{left})"
    return text


def _fence(a: Any) -> str:
    if not a.lifted_at:
        return "at most its lease"
    return span((moment(a.lifted_at) - moment(a.fenced_at)).total_seconds())


def _decisions(found: Sequence[Decision]) -> str:
    if not found:
        return "Decisions: no question was asked."
    lines = [
        f"{name(d)} {d.option} ({d.by or 'somebody'})" if d.option else f"{name(d)} nobody answered"
        for d in found
    ]
    waited = sum(d.waited_seconds or 0 for d in found)
    return f"Decisions: {'; '.join(lines)}. Questions waited {span(waited) if waited else 'no time'} in all."


def name(d: Decision) -> str:
    return NAMES.get(d.gate, d.subject or d.gate)


def _now(r: Json) -> str:
    parts = []
    if r["standing"]:
        rows = ", ".join(f"{side} {row}" for side, row in r["standing"].items())
        parts.append(f"the databases say {rows}")
        if wrong := contradiction(r["standing"], r["ownership"][-1].owner):
            parts.append(f"ATTENTION: {wrong}; the databases decide, not this page")
    costs = r["costs"]
    if costs.aws_seconds is not None:
        parts.append(
            f"AWS has cost since {clock(costs.aws_since)} ({span(costs.aws_seconds)}), both sides together"
            f" {span(costs.both_sides_seconds)}"
        )
    if r["outcome"] is Outcome.MOVED:
        parts.append(_way_back(r))
    if not r["certain"]:
        parts.append("an attempt left no word of its end: read both control rows")
    return f"Now: {'; '.join(parts) or 'nothing that livemove made is left'}."


def _way_back(r: Json) -> str:
    """Of the newest switchover only: the document is overwritten late, and what ended stays ended."""
    if closed := r["way_back_closed_at"]:
        return f"no rollback is possible since {clock(closed)}"
    seen: WayBack | None = r["way_back"]
    return (
        seen.message if seen and seen.epoch == r["epoch"] else ""
    ) or "reverse replication does not run yet"


def contradiction(standing: dict[str, str], owner: Side | None) -> str:
    """Where the ledger contradicts the control rows; "" when it does not, or cannot be compared."""
    open_sides = [side for side, row in standing.items() if row.startswith("OPEN")]
    if len(open_sides) == 1 and open_sides[0] != owner:
        return f"the ledger ends with {owner or 'nobody'} as the owner of the writes"
    return "both databases are open" if len(open_sides) > 1 else ""


def _short(text: str, limit: int = 240) -> str:
    one = " ".join(text.split()).rstrip(".")
    return one if len(one) <= limit else one[: limit - 1] + "…"
