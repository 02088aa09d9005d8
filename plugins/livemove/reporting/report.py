"""The report of one migration: what the ledger knows, in the shape of reporting/report_model.py.

It tells and never decides: who owns the writes stands in the databases. A chapter that was not reached is
null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from livemove.history import ControlRows, History, Question
from livemove.history import ownership as owners
from livemove.history.ownership import OwnershipChange, moment
from livemove.model.approvals import ACCEPT_WARNINGS, PROCEED
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.stages import GIVE_UP_STAGE
from livemove.reporting.report_model import (
    Attempt,
    Costs,
    Decision,
    Failure,
    Interval,
    Move,
    Outcome,
    Report,
    Table,
    Users,
    Wait,
)
from livemove.reporting.summary import NAMES, summary

Documents = Mapping[str, Json]
Events = Sequence[Json]


def build(
    title: str,
    documents: Documents,
    events: Events,
    *,
    now: datetime,
    service: str = "",
    standing: Mapping[str, str] | None = None,
    failure: Json | None = None,
    rows: ControlRows | None = None,
) -> Report:
    """`documents`: of the ledger, by name; `events`: oldest first; `standing`: both control rows as they are now, as text;
    `failure`: what a task failed with, when that is why the report is written."""
    made_at = now.isoformat(timespec="seconds")
    history = History(documents, events, rows or ControlRows())
    current = history.current
    compared = _comparisons(documents)
    newest = max((c["epoch"] for c in compared), default=0)
    last = [c for c in compared if c["epoch"] == newest]
    load = documents.get("full_load") or {}
    fields: dict[str, Any] = {
        "service": service,
        "title": title,
        "made_at": made_at,
        "outcome": outcome(documents, events, history),
        "owner": current.owner,
        "certain": current.certain,
        "stage": current.stage,
        "rests_on": current.rests_on,
        "epoch": current.epoch,
        "failure": (
            Failure.model_validate({k: failure.get(k) for k in Failure.model_fields}) if failure else None
        ),
        "standing": dict(standing) if standing else None,
        "ownership": intervals(history.changes, made_at),
        "attempts": [_attempt(a) for a in history.attempts],
        "moves": _moves(history),
        "decisions": [_decision(q, documents, now) for q in history.questions],
        "waits": _waits(events),
        "users": _users(documents),
        "versions": dict(documents.get("versions") or {}),
        "rows_copied": load.get("rows"),
        "full_load_seconds": load.get("seconds"),
        "tables": _tables(load, last),
        "tables_compared": len(last) if last else None,
        "tables_equal": sum(bool(c.get("equal")) for c in last) if last else None,
        "objects": (documents.get("parity") or {}).get("counts"),
        "dms_validation": documents.get("table_states"),
        "findings": _list(documents.get("findings"), "findings"),
        "propagation": _list(documents.get("propagation"), "rows"),
        "dns": documents.get("dns/change"),
        "plan": documents.get("plan"),
        "way_back": documents.get("way_back"),
        "way_back_closed_at": history.way_back_closed_at,
        "final_dump": documents.get("final_dump"),
        "promotion": _newest(documents, "promotion/"),
        "rollback": rollback(events),
        "events": list(events),
    }
    fields["costs"] = _costs(events, fields["decisions"], now)
    return Report(summary=summary(fields), **fields)


def outcome(documents: Documents, events: Events, history: History) -> Outcome:
    """How it stands. A later run may begin anew: what counts is what happened last."""
    last = history.current
    if last.owner is None:
        return Outcome.UNFINISHED
    if last.owner is Side.TARGET:
        return Outcome.PROMOTED if last.promoted else Outcome.MOVED
    went_back = _last(events, "rollback_begun", "rollback_writes", "record_rolled_back")
    gave_up = _last(events, "given_up")
    if gave_up >= 0 and gave_up > _last(events, "control_prepared"):
        return Outcome.GIVEN_UP
    if last.epoch > 1 or went_back > _begun_anew(events):
        return Outcome.ROLLED_BACK
    return Outcome.NOT_MOVED


def _begun_anew(events: Events) -> int:
    """The place of the newest step of a way there: a rollback or a giving up before it is another run's."""
    proceeded = (
        n for n, e in enumerate(events) if e.get("event") == "gate_answered" and e.get("option") == PROCEED
    )
    return max(_last(events, "control_prepared", "record_changed", "record_shifted"), *proceeded, -1)


def _last(events: Events, *names: str) -> int:
    """The place of the newest of these events; -1 when there is none."""
    return max((n for n, e in enumerate(events) if e.get("event") in names), default=-1)


def intervals(changes: Sequence[OwnershipChange], until: str) -> list[Interval]:
    """The changes as intervals without a gap; changes that come at one moment keep their order."""
    found = []
    for n, change in enumerate(changes):
        end = changes[n + 1].at if n + 1 < len(changes) else until
        seconds = None
        if change.at and end:
            seconds = max(0.0, round((moment(end) - moment(change.at)).total_seconds(), 3))
        found.append(
            Interval(
                since=change.at,
                until=end,
                seconds=seconds,
                owner=change.owner,
                epoch=change.epoch,
                why=change.why,
                certain=change.certain,
            )
        )
    return found


def rollback(events: Events) -> Json | None:
    """The last rollback: {"by", "gate", "time", "failed", "says"}; None when none began.

    One that the spec ordered leaves a green run with a red task in it: `says` is the place where that is
    said.
    """
    begun = next((e for e in reversed(events) if e["event"] == "rollback_begun"), None)
    if begun is None:
        return None
    mine = [e for e in events if e["event"] == "task_failed" and e.get("run_id") == begun.get("run_id")]
    ordered = str(begun.get("gate") or "").split(", ")
    failed = [
        {k: e.get(k) for k in ("task_id", "error", "found")} for e in mine if e.get("task_id") in ordered
    ]
    why = "; ".join(f"{f['task_id']} failed with {f['error']}: {f['found']}" for f in failed)
    says = f"Rolled back by {begun.get('by') or 'somebody'} at {begun.get('gate')}"
    if why:
        says += f", because {why}. The run is green all the same: it ends with this report"
    return {
        "by": begun.get("by"),
        "gate": begun.get("gate"),
        "time": begun.get("time"),
        "failed": failed,
        "says": says,
    }


# Parts ----------------------------------------------------------------------------------------------
def _attempt(a: owners.Attempt) -> Attempt:
    told = asdict(a)
    return Attempt(**{k: told[k] for k in Attempt.model_fields})


def _moves(history: History) -> list[Move]:
    """Completed switchovers by epoch."""
    users = history.documents.get
    return [_move(d, users(f"users/{d['epoch']}") or {}) for d in history.completed_switchovers]


def _decision(q: Question, documents: Documents, now: datetime) -> Decision:
    text = documents.get(str(q.document), {})
    ordered = q.asked_at is None and q.gate not in NAMES
    subject = {True: "Give up" if q.gate == GIVE_UP_STAGE.id else "Roll back"}.get(
        ordered, NAMES.get(q.gate, q.gate)
    )
    return Decision(
        gate=q.gate,
        subject=str(text.get("subject") or subject),
        task_id=q.task_id,
        run_id=q.run_id,
        asked_at=q.asked_at,
        answered_at=q.answer.at if q.answer else None,
        ended_at=q.ended_at,
        by=q.answer.by if q.answer else None,
        option=q.answer.option if q.answer else None,
        waited_seconds=q.waited(now),
        accepted_warnings=q.answer.facts.get(ACCEPT_WARNINGS) if q.answer else None,
        saw=list(q.shown),
        sha256=q.sha256,
        question=text.get("body"),
    )


def _move(d: Json, users: Json) -> Move:
    steps = d.get("steps") or []
    seen = {s.get("name"): s.get("seen") for s in steps}
    times = {k: d.get(k) for k in ("epoch", "started_at", "fenced_at", "opened_at", "fenced_ms")}
    return Move.model_validate(
        {
            **times,
            "from": d.get("from") or Side(d["to"]).other,
            "to": d["to"],
            "proof": seen.get("prove"),
            "held": seen.get("arm_servers"),
            "steps": steps,
            "servers_left_behind": d.get("servers_left_behind") or [],
            "requests": users.get("requests"),
            "errors": users.get("errors"),
            "over_seconds": users.get("seconds"),
            "not_counted": users.get("not_counted") or [],
        }
    )


def _comparisons(documents: Documents) -> list[Json]:
    return [
        {**documents[name], "epoch": int(name.split("/", 2)[1]), "table": name.split("/", 2)[2]}
        for name in sorted(documents)
        if name.startswith("comparison/")
    ]


def _tables(load: Json, compared: Sequence[Json]) -> list[Table]:
    loaded = {t["table"]: t.get("rows") for t in load.get("tables") or () if isinstance(t, Mapping)}
    found = {c["table"]: c for c in compared}
    told = ("epoch", "equal", "rows_source", "rows_target", "checked_at")
    return [
        Table(
            table=name,
            rows_loaded=loaded.get(name),
            note=_note(found.get(name) or {}),
            **{k: (found.get(name) or {}).get(k) for k in told},
        )
        for name in sorted({*loaded, *found})
    ]


def _note(compared: Json) -> str:
    differs = "" if compared.get("equal", True) else str(compared.get("differences") or "")[:300]
    return "; ".join(filter(None, (differs, str(compared.get("note") or ""))))


def _waits(events: Events) -> list[Wait]:
    return [
        Wait(
            task_id=str(e.get("task_id")),
            run_id=e.get("run_id"),
            since=e.get("since"),
            until=e.get("time"),
            seconds=float(e.get("seconds") or 0),
            says=str(e.get("says") or ""),
        )
        for e in events
        if e.get("event") == "waited"
    ]


def _users(documents: Documents) -> Users:
    before = documents.get("baseline") or {}
    return Users(
        rate=before.get("rate"),
        error_share=before.get("errors"),
        drained_share=(documents.get("drain") or {}).get("share"),
        breach=documents.get("dns/breach"),
    )


def _costs(events: Events, decisions: Sequence[Any], now: datetime) -> Costs:
    """Both sides are paid from Terraform's first apply to the stop of the data centre's servers."""
    aws = _when(events, lambda e: e["event"] == "terraform_applied")
    stopped = _when(events, lambda e: e["event"] == "servers_stopped" and e.get("site") == Side.SOURCE)
    torn = _when(
        events, lambda e: e["event"] == "terraform_applied" and str(e.get("task_id")).endswith("teardown")
    )
    waited = [d.waited_seconds for d in decisions if d.waited_seconds is not None]
    return Costs(
        waited_for_people_seconds=round(sum(waited), 1) if waited else None,
        aws_since=aws.isoformat(timespec="seconds") if aws else None,
        aws_seconds=_seconds(aws, now),
        replication_until=torn.isoformat(timespec="seconds") if torn else None,
        both_sides_seconds=_seconds(aws, stopped or now),
    )


def _when(events: Events, what: Callable[[Json], bool]) -> datetime | None:
    return next((moment(e["time"]) for e in events if e.get("time") and what(e)), None)


def _seconds(since: datetime | None, until: datetime) -> float | None:
    return round((until - since).total_seconds(), 1) if since else None


def _newest(documents: Documents, prefix: str) -> Json | None:
    return next((documents[n] for n in sorted(documents, reverse=True) if n.startswith(prefix)), None)


def _list(document: object, key: str) -> list[Json]:
    """The list inside a document, whether it is the document itself or stands under `key`."""
    if isinstance(document, Mapping):
        document = document.get(key) or document.get("items") or []
    return [dict(d) for d in document if isinstance(d, Mapping)] if isinstance(document, list) else []
