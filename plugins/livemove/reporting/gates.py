"""What a gate shows before it asks: evidence from the ledger as Markdown, and the checksum of the approval.

Documents in, text out; the sentences are in `templates/`. The gate's operator reads the documents; one that
does not exist is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livemove.dns.record import Change
from livemove.history import CurrentOwner, History, SwitchoverStage
from livemove.model.approvals import ACCEPT_WARNINGS, PROMOTE
from livemove.model.formatting import duration, percent, utc
from livemove.model.ledger import (
    Breach,
    Drain,
    ExpectedPause,
    Finding,
    FullLoad,
    Propagation,
    TableComparison,
    TerraformPlan,
    WatchLook,
    WayBack,
)
from livemove.model.ports import Json, RecordSet, Severity
from livemove.model.spec import MigrationSpec, Side
from livemove.model.stages import QUESTIONS
from livemove.reporting.render import render

FAILURES = 10
"""So many of DMS's failures are listed in a question; all are counted."""


@dataclass(frozen=True)
class RecordEvidence:
    """The public record as it would be changed now, and what all authorities of its zone say to that."""

    change: Change
    against: Sequence[str] = ()
    """Why Proceed would be refused."""
    notes: Sequence[str] = ()
    provider: str = ""
    by_hand: bool = False
    """A person enters the change at the provider."""


@dataclass(frozen=True)
class Evidence:
    """Documents of the ledger, as they were when the question was asked."""

    findings: Sequence[Finding] = ()
    plan: TerraformPlan | None = None
    full_load: FullLoad | None = None
    comparison: Mapping[str, TableComparison | None] = field(default_factory=dict)
    """Table name -> its document, None where the comparison left none."""
    record: RecordEvidence | None = None
    propagation: Propagation | None = None
    drain: Drain | None = None
    pause: ExpectedPause | None = None
    """The expected pause, measured by prepare_return."""
    history: History = field(default_factory=History)
    """The owner when the question is asked, from the ledger and the control rows."""
    way_back: WayBack | None = None
    """Looked at when the question is asked; None while the source is the owner."""
    breach: Breach | None = None
    """What broke the budget while both sites served, and did not send the name back."""
    watch: WatchLook | None = None
    """What the newest look says of that breach; None while there is none."""
    failures: Sequence[str] | None = None
    """What DMS's events tell of failures since its task was made; None where they could not be read."""

    @property
    def current(self) -> CurrentOwner:
        return self.history.current

    @property
    def owner(self) -> Side | None:
        """None while no database is the owner or it is unknown."""
        return self.current.owner

    @property
    def warnings(self) -> list[Finding]:
        return [f for f in self.findings if f.severity == Severity.WARNING]


def subject(gate: str, spec: MigrationSpec) -> str:
    about = {
        "switch_dns": f"{spec.dns.name} moves to AWS",
        "switchover": f"The database of {spec.service} moves to RDS",
        "retire": f"The last rollback of {spec.service} closes",
    }[gate]
    return f"{QUESTIONS[gate].title} {about}"


def body(gate: str, spec: MigrationSpec, e: Evidence, shown_sha: str) -> str:
    """The question with its evidence, as Markdown: the gate's template, without what nothing is known of."""
    now = e.current
    text = render(
        f"{gate}.md",
        gate=gate,
        spec=spec,
        e=e,
        now=now,
        committed=(now.stage, now.to) == (SwitchoverStage.COMMITTED, Side.TARGET),
        unfinished=now.stage is SwitchoverStage.UNFINISHED,
        in_short=owner_in_short(now),
        why=_sentence(now.why),
        count=_count(e),
        equal=_equal(e),
        late=[f"{server} ({why})" for server, why in (e.pause.not_armed if e.pause else {}).items()],
        failures_in_short=_failures_in_short(e),
        watch=e.watch or (e.breach and WatchLook(at=e.breach.at)),
        shown_failures=FAILURES,
        record_table=_record(e),
        findings_table=_findings(e),
        comparison_table=_comparison(e),
        propagation_table=_propagation(e),
        moves_table=_moves(e),
        accept_warnings=ACCEPT_WARNINGS,
        shown_sha=shown_sha,
        number=_number,
        moment=_moment,
        duration=duration,
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _count(e: Evidence) -> dict[str, int]:
    return {str(s): sum(f.severity == s for f in e.findings) for s in Severity}


def _equal(e: Evidence) -> int:
    return sum(bool(d and d.equal) for d in e.comparison.values())


def seen(gate: str, spec: MigrationSpec, e: Evidence) -> list[str]:
    """The evidence in a few lines, for whoever reads later what a decision was made on."""
    count = _count(e)
    lines = [
        f"owner of the writes: {owner_in_short(e.current)}",
        f"{_equal(e)} of {len(e.comparison)} tables equal" if e.comparison else "no comparison",
    ]
    if e.findings:
        lines.append(f"findings: {count['ok']} ok, {count['warning']} warnings, {count['error']} errors")
    if gate == "switch_dns" and e.record:
        change = e.record.change
        before, after = ([v for r in sets for v in r.values] for sets in (change.before, change.after))
        lines.append(f"{change.name}: {', '.join(before)} → {', '.join(after)}")
    if gate == "switchover":
        lines.append(f"expected pause {e.pause.ms} ms" if e.pause else "expected pause not measured yet")
        lines.append(f"budget {spec.switchover.pause_budget:g} s")
    if e.drain and gate != "switch_dns":
        lines.append(f"old site: {percent(e.drain.share or 0)} of the requests")
    if gate == "switchover" and e.breach:
        lines.append(f"while both sites served: {'; '.join(e.breach.reasons)}")
    if gate != "retire":
        lines.append(_failures_in_short(e))
    if e.way_back:
        lines.append(e.way_back.message)
    return lines


def _failures_in_short(e: Evidence) -> str:
    if e.failures is None:
        return "DMS's events could not be read"
    return f"DMS reports {len(e.failures)} failures" if e.failures else "DMS reports no failure"


def promotion_body(
    spec: MigrationSpec, row: str, bound: Sequence[str], servers: Sequence[str], wanted: str
) -> str:
    """The emergency's question: what stands, what may be missing, what has to be true."""
    return render(
        "promote.md", spec=spec, row=row, bound=bound, servers=servers, wanted=wanted, promote=PROMOTE
    )


def owner_in_short(now: CurrentOwner) -> str:
    """The owner in a few words, with what is in doubt."""
    place = {Side.SOURCE: "the data centre", Side.TARGET: "RDS"}
    if now.stage is SwitchoverStage.COMMITTED and now.to:
        doubt = "" if now.certain else " by the ledger"
        return f"nobody{doubt}: the move to {place[now.to]} is committed and not open"
    if not now.certain:
        return "not certain"
    return str(now.owner)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


# Tables of the questions ------------------------------------------------------------------------------
def _record(e: Evidence) -> str:
    sides = (("now", e.record.change.before), ("then", e.record.change.after)) if e.record else ()
    rows = [
        (word, r.type, ", ".join(r.values), f"{r.ttl} s", _routed(r)) for word, sets in sides for r in sets
    ]
    return table(("", "type", "address", "TTL", ""), rows)


def _routed(r: RecordSet) -> str:
    more = [f"weight {r.weight}"] if r.weight is not None else []
    more += [f"health check {r.health_check}"] if r.health_check else []
    return ", ".join([*more, r.routing]).strip(", ")


def approved(record: RecordEvidence | None) -> Json:
    """What an answer approves of the record's evidence: the change, without the notes beside it."""
    return record.change.document if record else {}


def _findings(e: Evidence) -> str:
    rows = [
        (f.severity, f.check, f.subject, f.measured, f.limit, f.remedy, "yes" if f.restart else "no")
        for f in e.findings
        if f.severity != Severity.OK
    ]
    head = ("", "check", "where", "found", "limit", "what to do", "restart of the source")
    return table(head, rows) if rows else ""


def _comparison(e: Evidence) -> str:
    rows = [
        (
            (
                name,
                _number(d.rows_source),
                _number(d.rows_target),
                "yes" if d.equal else "**no**",
                _moment(d.checked_at),
            )
            if d
            else (name, "", "", "**not compared**", "")
        )
        for name, d in sorted(e.comparison.items())
    ]
    return table(("table", "rows source", "rows target", "equal", "checked at"), rows)


def _propagation(e: Evidence) -> str:
    rows = [
        (r.server, r.answer, _moment(r.flipped_at) or "not yet", "stretches TTLs" if r.stretches else "")
        for r in (e.propagation.rows if e.propagation else ())
    ]
    return table(("server", "answer", "since", ""), rows)


def _moves(e: Evidence) -> str:
    rows = [
        (m.epoch, f"{m.from_} to {m.to}", _moment(m.started_at), _number(m.fenced_ms))
        for m in e.history.completed_switchovers
    ]
    return table(("epoch", "direction", "at", "fenced (ms)"), rows)


def _moment(text: Any) -> str:
    """A time of the ledger as a person reads it; what is none stays as it is."""
    try:
        return utc(str(text))
    except ValueError:
        return str(text or "")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; pipes and newlines inside a cell cannot break it."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\r", " ").replace("\n", "<br>")


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
