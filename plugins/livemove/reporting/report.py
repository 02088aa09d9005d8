"""The report of one migration: what the ledger knows, in the shape of reporting/report_model.py.

It only reports: the databases decide which of them is the owner. A chapter that was not reached is
null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from livemove.history import ControlRows, History, Question
from livemove.history import ownership as owners
from livemove.history.ownership import OwnershipChange
from livemove.model.approvals import PROCEED
from livemove.model.ledger import (
    Baseline,
    Breach,
    Contents,
    ControlPrepared,
    Definers,
    Drain,
    Event,
    FinalDump,
    Findings,
    FullLoad,
    GateAnswered,
    GivenUp,
    Parity,
    Promotion,
    Propagation,
    RecordChange,
    RecordChanged,
    RecordRolledBack,
    RecordShifted,
    RequestsAround,
    RollbackBegun,
    ServersStopped,
    SwitchoverRecord,
    TableComparison,
    TableStates,
    TaskFailed,
    TerraformApplied,
    TerraformPlan,
    TrialPart,
    Versions,
    Waited,
    WayBack,
    WritesRolledBack,
    moment,
)
from livemove.model.ledger import Question as QuestionText
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.stages import GIVE_UP_STAGE
from livemove.reporting.report_model import (
    Attempt,
    Costs,
    Decision,
    FailedTask,
    Failure,
    Interval,
    Move,
    Outcome,
    Report,
    Rollback,
    Table,
    Users,
    Wait,
)
from livemove.reporting.summary import NAMES, summary
from livemove.schema.definers import describe_definers


def build(
    title: str,
    contents: Contents,
    *,
    now: datetime,
    service: str = "",
    standing: Mapping[str, str] | None = None,
    failure: Json | None = None,
    rows: ControlRows | None = None,
) -> Report:
    """`standing`: both control rows now, as text; `failure`: the error that ended the run, if any."""
    made_at = now.isoformat(timespec="seconds")
    history = History(contents, rows or ControlRows())
    current, read = history.current, contents.load
    newest = max((c.epoch for c in contents.load_all(TableComparison)), default=0)
    last = contents.load_all(TableComparison, epoch=newest)
    load, parity, versions = read(FullLoad), read(Parity), read(Versions)
    found, servers, defined = read(Findings), read(Propagation), read(Definers)
    fields: dict[str, Any] = {
        "service": service,
        "title": title,
        "made_at": made_at,
        "outcome": outcome(history),
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
        "decisions": [_decision(q, contents, now) for q in history.questions],
        "waits": _waits(contents),
        "users": _users(contents),
        "versions": dict(versions.programs) if versions else {},
        "rows_copied": load.rows if load else None,
        "full_load_seconds": load.seconds if load else None,
        "tables": _tables(load, last),
        "tables_compared": len(last) if last else None,
        "tables_equal": sum(c.equal for c in last) if last else None,
        "objects": parity.counts if parity else None,
        "definers": describe_definers(defined.definers or []) if defined else [],
        "dms_validation": read(TableStates),
        "findings": found.findings if found else [],
        "trial": sorted(contents.load_all(TrialPart), key=lambda p: p.at),
        "propagation": servers.rows if servers else [],
        "dns": read(RecordChange),
        "plan": read(TerraformPlan),
        "way_back": read(WayBack),
        "way_back_closed_at": history.way_back_closed_at,
        "final_dump": read(FinalDump),
        "promotion": max(contents.load_all(Promotion), key=lambda p: p.epoch, default=None),
        "rollback": rollback(contents.events),
        "unreadable": [str(u) for u in contents.unreadable],
        "events": list(contents.events),
    }
    fields["costs"] = _costs(contents.events, fields["decisions"], now)
    return Report(summary=summary(fields), **fields)


def outcome(history: History) -> Outcome:
    """The result so far. A later run may begin again: what counts is what happened last."""
    last, events = history.current, history.events
    if last.owner is None:
        return Outcome.UNFINISHED
    if last.owner is Side.TARGET:
        return Outcome.PROMOTED if last.promoted else Outcome.MOVED
    went_back = _last(events, RollbackBegun, WritesRolledBack, RecordRolledBack)
    gave_up = _last(events, GivenUp)
    if gave_up >= 0 and gave_up > _last(events, ControlPrepared):
        return Outcome.GIVEN_UP
    if last.epoch > 1 or went_back > _begun_anew(events):
        return Outcome.ROLLED_BACK
    return Outcome.NOT_MOVED


def _begun_anew(events: Sequence[Event]) -> int:
    """The place of the newest step of a way forward: a rollback or a giving up before it is another run's."""
    proceeded = (n for n, e in enumerate(events) if isinstance(e, GateAnswered) and e.option == PROCEED)
    return max(_last(events, ControlPrepared, RecordChanged, RecordShifted), *proceeded, -1)


def _last(events: Sequence[Event], *kinds: type[Event]) -> int:
    """The place of the newest of these events; -1 when there is none."""
    return max((n for n, e in enumerate(events) if isinstance(e, kinds)), default=-1)


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


def rollback(events: Sequence[Event]) -> Rollback | None:
    """The last rollback; None when none began.

    One that the spec ordered leaves a green run with a red task in it: `message` is the place where that is
    said.
    """
    begun = next((e for e in reversed(events) if isinstance(e, RollbackBegun)), None)
    if begun is None:
        return None
    ordered = begun.gate.split(", ")
    failed = [
        FailedTask(task_id=e.task_id, error=e.error, found=e.found)
        for e in events
        if isinstance(e, TaskFailed) and e.run_id == begun.run_id and e.task_id in ordered
    ]
    why = "; ".join(f"{f.task_id} failed with {f.error}: {f.found}" for f in failed)
    message = f"Rolled back by {begun.by or 'somebody'} at {begun.gate}"
    if why:
        message += f", because {why}. The run is green all the same: it ends with this report"
    return Rollback(by=begun.by, gate=begun.gate, time=begun.time, failed=failed, message=message)


# Parts ----------------------------------------------------------------------------------------------
def _attempt(a: owners.Attempt) -> Attempt:
    text = asdict(a)
    return Attempt(**{k: text[k] for k in Attempt.model_fields})


def _moves(history: History) -> list[Move]:
    """Completed switchovers by epoch."""
    users = history.contents
    return [_move(d, users.load(RequestsAround, epoch=d.epoch)) for d in history.completed_switchovers]


def _decision(q: Question, contents: Contents, now: datetime) -> Decision:
    text = contents.documents.get(str(q.document))
    asked = text if isinstance(text, QuestionText) else None
    ordered = q.asked_at is None and q.gate not in NAMES
    subject = {True: "Give up" if q.gate == GIVE_UP_STAGE.id else "Roll back"}.get(
        ordered, NAMES.get(q.gate, q.gate)
    )
    return Decision(
        gate=q.gate,
        subject=(asked.subject if asked else "") or subject,
        task_id=q.task_id,
        run_id=q.run_id,
        asked_at=q.asked_at,
        answered_at=q.answer.at if q.answer else None,
        ended_at=q.ended_at,
        by=q.answer.by if q.answer else None,
        option=q.answer.option if q.answer else None,
        waited_seconds=q.waited(now),
        accepted_warnings=q.answer.accept_warnings if q.answer else None,
        saw=list(q.shown),
        sha256=q.sha256,
        question=asked.body if asked else None,
    )


def _move(d: SwitchoverRecord, users: RequestsAround | None) -> Move:
    seen = {s.name: s.seen for s in d.steps}
    return Move(
        epoch=d.epoch,
        from_=d.from_,
        to=d.to,
        started_at=d.started_at,
        fenced_at=d.fenced_at,
        opened_at=d.opened_at,
        fenced_ms=d.fenced_ms or 0,
        proof=seen.get("prove"),
        held=seen.get("arm_servers"),
        steps=d.steps,
        requests=users.requests if users else None,
        errors=users.errors if users else None,
        over_seconds=users.seconds if users else None,
        not_counted=users.not_counted if users else [],
        servers_left_behind=d.servers_left_behind,
    )


def _tables(load: FullLoad | None, compared: Sequence[TableComparison]) -> list[Table]:
    loaded = {t.table: t.rows for t in load.tables} if load else {}
    found = {c.table: c for c in compared}
    return [_table(name, loaded.get(name), found.get(name)) for name in sorted({*loaded, *found})]


def _table(name: str, loaded: int | None, verdict: TableComparison | None) -> Table:
    if verdict is None:
        return Table(table=name, rows_loaded=loaded, epoch=None, equal=None)
    return Table(
        table=name,
        rows_loaded=loaded,
        epoch=verdict.epoch,
        equal=verdict.equal,
        rows_source=verdict.rows_source,
        rows_target=verdict.rows_target,
        checked_at=verdict.checked_at,
        note=_note(verdict),
    )


def _note(verdict: TableComparison) -> str:
    differs = (
        "" if verdict.equal else ", ".join(f"{d.kind} {'/'.join(d.key)}" for d in verdict.differences)[:300]
    )
    return "; ".join(filter(None, (differs, verdict.note)))


def _waits(contents: Contents) -> list[Wait]:
    return [
        Wait(
            task_id=e.task_id,
            run_id=e.run_id or None,
            since=e.since,
            until=e.time,
            seconds=e.seconds,
            message=e.message or "",
        )
        for e in contents.all_of(Waited)
    ]


def _users(contents: Contents) -> Users:
    before, drain = contents.load(Baseline), contents.load(Drain)
    return Users(
        rate=before.rate if before else None,
        error_share=before.errors if before else None,
        drained_share=drain.share if drain else None,
        breach=contents.load(Breach),
    )


def _costs(events: Sequence[Event], decisions: Sequence[Decision], now: datetime) -> Costs:
    """Both sides are paid from Terraform's first apply to the stop of the data centre's servers."""
    aws = _when(events, lambda e: isinstance(e, TerraformApplied))
    stopped = _when(events, lambda e: isinstance(e, ServersStopped) and e.site == Side.SOURCE)
    torn = _when(events, lambda e: isinstance(e, TerraformApplied) and e.task_id.endswith("teardown"))
    waited = [d.waited_seconds for d in decisions if d.waited_seconds is not None]
    return Costs(
        waited_for_people_seconds=round(sum(waited), 1) if waited else None,
        aws_since=aws.isoformat(timespec="seconds") if aws else None,
        aws_seconds=_seconds(aws, now),
        replication_until=torn.isoformat(timespec="seconds") if torn else None,
        both_sides_seconds=_seconds(aws, stopped or now),
    )


def _when(events: Sequence[Event], what: Callable[[Event], bool]) -> datetime | None:
    return next((moment(e.time) for e in events if what(e)), None)


def _seconds(since: datetime | None, until: datetime) -> float | None:
    return round((until - since).total_seconds(), 1) if since else None
