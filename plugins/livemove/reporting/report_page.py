"""The report as a page for people: five lines, the picture of the writes, then everything that was kept."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence

from livemove.model.formatting import percent
from livemove.model.ledger import Event, NameServer, moment
from livemove.reporting.html import Block, Folded, Page, Table
from livemove.reporting.report_model import Interval, Report
from livemove.reporting.summary import PLACE, clock, name, precise, span
from livemove.reporting.timeline import Timeline
from livemove.trial.judgement import MEASURED

HIDDEN = {
    "event",
    "version",
    "time",
    "run_id",
    "task_id",
    "dag_id",
    "sha256",
    "saw",
    "question",
    "steps",
    "record",
}
"""Keys of an event that have a place of their own, or are too long for a line."""
TELLS = "From the migration's ledger. It only reports: the databases decide which of them is the owner."


def page(r: Report) -> Page:
    lead = (
        f"Report of {clock(r.made_at)}, livemove {r.versions.get('livemove') or '(version not kept)'}."
        f" {TELLS}"
    )
    pauses = " + ".join(f"{m.fenced_ms:,}" for m in r.moves)
    numbers = {
        "owner of the writes": str(r.owner or "nobody"),
        "rows copied": r.rows_copied,
        "tables equal, row by row": _of(r.tables_equal, r.tables_compared),
        "closed to writes, ms": pauses or None,
        "name servers switched": _switched(r.propagation),
        "questions waited": span(r.costs.waited_for_people_seconds) if r.decisions else None,
    }
    blocks = [block for make in BLOCKS for block in make(r)]
    return Page(
        r.title or "Migration",
        lead,
        numbers,
        blocks,
        lines=r.summary,
        verdict=str(r.outcome).replace("_", " "),
    )


def _of(part: object, whole: object) -> str | None:
    return None if whole is None else f"{part} of {whole}"


def _switched(rows: Sequence[NameServer]) -> str | None:
    return _of(sum(bool(r.flipped_at) for r in rows), len(rows)) if rows else None


def letters(r: Report) -> list[tuple[str, str]]:
    """(letter, when) of every decision that was made, in their order."""
    made = [d.answered_at for d in r.decisions if d.answered_at]
    return list(zip(_alphabet(len(made)), made, strict=True))


def _alphabet(count: int) -> list[str]:
    letters = string.ascii_uppercase
    return [letters[n] if n < len(letters) else str(n + 1) for n in range(count)]


# The blocks, in their order ---------------------------------------------------------------------------
def _ownership(r: Report) -> list[Block]:
    rows = [
        (
            n,
            precise(i.since),
            precise(i.until),
            span(i.seconds),
            _owner(i),
            i.epoch,
            i.why + ("" if i.certain else " (not certain)"),
        )
        for n, i in enumerate(r.ownership, 1)
    ]
    lead = (
        "Every change of who might write, without a gap. The epoch grows with each move, also with a"
        " rollback."
    )
    columns = ["#", "From, UTC", "Until, UTC", "For", "Owner", "Epoch", "What began it"]
    return [
        Table("Which database was the owner at each moment", [], [], lead),
        Timeline(r.ownership, letters(r)),
        Table("", columns, rows),
    ]


def _owner(i: Interval) -> str:
    return "nobody" if i.owner is None else f"{i.owner} ({PLACE[i.owner].removeprefix('the ')})"


def _decisions(r: Report) -> list[Block]:
    answered = iter(_alphabet(len(r.decisions)))
    rows = [
        (
            next(answered) if d.answered_at else None,
            name(d),
            d.asked_at,
            d.answered_at,
            span(d.waited_seconds) if d.asked_at else None,
            d.by,
            d.option or "no answer",
            "\n".join(d.saw),
        )
        for d in r.decisions
    ]
    texts = [
        (f"{name(d)} as it was asked at {clock(d.asked_at)}, exact text", d.question)
        for d in r.decisions
        if d.question
    ]
    columns = ["", "Question", "Asked", "Answered", "Waited", "By", "Answer", "What they saw"]
    return [Table("Decisions", columns, rows, "No question was asked."), Folded(texts)]


def _moves(r: Report) -> list[Block]:
    fenced = {(m.epoch, m.to): m.fenced_ms for m in r.moves}
    rows = [
        (
            a.epoch,
            PLACE[a.to],
            "promoted" if a.promoted else str(a.result),
            a.started_at,
            fenced.get((a.epoch, a.to)) if a.result == "moved" else None,
            a.reason,
        )
        for a in r.attempts
    ]
    columns = ["Epoch", "To", "Ended as", "Began", "Closed to writes, ms", "Why"]
    found: list[Block] = [Table("Attempts to move the writes", columns, rows, "There was none.")]
    for m in r.moves:
        steps = [(s.step, s.name, s.ms, s.seen) for s in m.steps]
        left = f" Left behind: {', '.join(m.servers_left_behind)}." if m.servers_left_behind else ""
        found.append(
            Table(
                f"The move to {PLACE[m.to]}, epoch {m.epoch}, step by step",
                ["Step", "Name", "ms", "What was seen"],
                steps,
                "Its steps were not kept.",
                f"From the fence to the opening {m.fenced_ms:,} ms; requests that were let wait went on at"
                f" step 11.{left}",
            )
        )
    return found


def _proof(r: Report) -> list[Block]:
    rows = [
        (
            t.table,
            t.rows_loaded,
            {None: "not compared", True: "equal", False: "differs"}[t.equal],
            t.rows_source,
            t.rows_target,
            t.checked_at,
            t.epoch,
            t.note,
        )
        for t in r.tables
    ]
    lead = (
        "All rows of both sides, compared while users wrote; a row that changed meanwhile was looked at"
        " again. What each check cannot see: docs/verification.md."
    )
    columns = [
        "Table",
        "Rows loaded",
        "Result",
        "Rows at the source",
        "Rows at the target",
        "Compared",
        "Epoch",
        "Remarks",
    ]
    found: list[Block] = [
        Table("What was moved, and the proof that it is equal", columns, rows, "Nothing was copied.", lead)
    ]
    inside = [(f"inside the fence of epoch {m.epoch}", m.proof) for m in r.moves if m.proof]
    dms = r.dms_validation
    states = ", ".join(
        f"{n} {state or 'without a word'}" for state, n in (dms.validation if dms else {}).items()
    )
    other = [
        *inside,
        *(("definers on the target", line) for line in r.definers),
        *([("DMS's own validation", f"{dms.tables} tables: {states}")] if dms else []),
        *(
            [
                (
                    "objects of the schemas, the same on both sides",
                    ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in r.objects.items() if n),
                )
            ]
            if r.objects
            else []
        ),
    ]
    return [*found, Table("", ["Other proofs", ""], other)] if other else found


def _users(r: Report) -> list[Block]:
    u = r.users
    rows: list[Sequence[object]] = [
        ("requests per second before the name moved", None if u.rate is None else f"{u.rate:g}"),
        ("of these failed", None if u.error_share is None else percent(u.error_share, 2)),
        (
            "share of the old site when it counted as empty",
            None if u.drained_share is None else percent(u.drained_share),
        ),
    ]
    for m in r.moves:
        text = f"{m.fenced_ms:,} ms closed to writes; waiters: {m.held or 'not kept'}"
        if m.requests is not None:
            text += (
                f"; {m.requests:,} requests in {span(m.over_seconds)} around it,"
                f" {'errors not counted' if m.errors is None else f'{m.errors:,} failed at the servers'}"
            )
        rows.append((f"the move to {PLACE[m.to]}", text))
    if u.breach:
        rows.append(
            (
                "while both sites served",
                f"{'; '.join(u.breach.reasons)}; {u.breach.message or 'the record stood'}",
            )
        )
    known = [row for row in rows if row[1] is not None]
    return [Table("What users met", ["", "As the servers counted it"], known, "Nothing was measured.")]


def _way_back(r: Report) -> list[Block]:
    d = r.way_back
    rows = [(d.epoch, d.task, d.state, d.lag_ms, d.until, d.checked_at, d.message)] if d else []
    columns = ["Epoch", "Task", "State", "Behind, ms", "Loses nothing until", "Seen", "In words"]
    old = f"Of epoch {d.epoch}, before the writes went back." if d and d.epoch != r.epoch else ""
    empty = "The writes were not moved."
    found: list[Block] = [Table("Reverse replication, as it was seen last", columns, rows, empty, old)]
    if p := r.promotion:
        lines = [(p.epoch, line) for line in p.message]
        found.append(Table("Promoted without the source's word", ["Epoch", "What may be missing"], lines))
    return found


def _name(r: Report) -> list[Block]:
    rows = [
        (
            x.server,
            x.answer,
            x.ttl,
            x.flipped_at,
            "stretches TTLs" if x.stretches else None,
        )
        for x in r.propagation
    ]
    columns = ["Name server", "Answer", "TTL, s", "Seen switching", ""]
    changed = (("before", r.dns.before), ("after", r.dns.after)) if r.dns else ()
    sets = [(word, s.type, ", ".join(s.values), s.ttl) for word, records in changed for s in records]
    return [
        Table(
            "The last change of the name",
            ["", "Type", "Address", "TTL, s"],
            sets,
            "The name was not changed.",
        ),
        Table("Propagation, as it was seen last", columns, rows),
    ]


def _findings(r: Report) -> list[Block]:
    rows = [
        (f.severity, f.check, f.subject, f.measured, f.limit, f.remedy)
        for f in r.findings
        if f.severity != "ok"
    ]
    good = len(r.findings) - len(rows)
    empty = f"All {good} checks were ok." if good else "The checks did not run."
    lead = f"{good} checks were ok; these were not." if rows else ""
    columns = ["", "Check", "Subject", "Measured", "Limit", "What to do"]
    return [Table("Findings before the move", columns, rows, empty, lead)]


def _trial(r: Report) -> list[Block]:
    rows = [
        (f.severity, f.check, f.subject, f.measured, f.limit, f.remedy) for p in r.trial for f in p.findings
    ]
    numbers = [(MEASURED.get(k, k), f"{ms:,}") for p in r.trial for k, ms in p.measured.items()]
    lead = "Scratch tables, a scratch record and scratch settings went the way of the night first."
    kept = [(p.part, p.answers) for p in r.trial if p.answers]
    columns = ["", "Check", "Subject", "Found", "Limit", "What to do"]
    return [
        Table("The trial of the account", columns, rows, "There was no trial.", lead if rows else ""),
        *([Table("", ["Measured in the trial", "ms"], numbers)] if numbers else []),
        *([Table("", ["AWS's answers of the trial", "Kept at"], kept)] if kept else []),
    ]


def _costs(r: Report) -> list[Block]:
    c = r.costs
    rows: list[Sequence[object]] = [
        (f"question: {name(d)}", d.asked_at, span(d.waited_seconds), d.by or "nobody answered")
        for d in r.decisions
        if d.asked_at
    ]
    rows += [(w.task_id, w.since, span(w.seconds), _first(w.message)) for w in r.waits]
    paid = [
        ("both sides together", c.aws_since, span(c.both_sides_seconds)),
        ("AWS, until this report; it continues", c.aws_since, span(c.aws_seconds)),
    ]
    lead = "Durations, because livemove does not know your prices."
    found: list[Block] = [
        Table(
            "What the waiting cost", ["Waited for", "Since", "For", ""], rows, "Nothing was waited for.", lead
        )
    ]
    if c.aws_since:
        found.append(Table("", ["Paid by the hour", "Since", "For"], paid))
    return found


def _first(text: str, limit: int = 160) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _versions(r: Report) -> list[Block]:
    rows = [(name, version or "not known") for name, version in r.versions.items()]
    return [Table("Versions", ["", "Version"], rows, "Not kept.")]


def _infrastructure(r: Report) -> list[Block]:
    dump = r.final_dump
    rows = list(r.plan.counts.items()) if r.plan else []
    kept = (
        [(dump.address or f"skipped: {dump.skipped}", dump.bytes, dump.sha256, dump.made_at)] if dump else []
    )
    return [
        Table("Last Terraform plan", ["Action", "Resources"], rows, "No changes."),
        Table("Final dump of the source", ["Kept at", "Bytes", "SHA-256", "Made"], kept, "Not made."),
    ]


def _events(r: Report) -> list[Block]:
    rows = [
        (e.time, _owner_at(r.ownership, e.time), e.task_id or None, _words(e), _facts(e)) for e in r.events
    ]
    lead = "Every event of the ledger, all runs, oldest first, with the owner of the writes at that moment."
    columns = ["Time", "Owner", "Task", "Event", "Facts"]
    found: list[Block] = [Table("What happened, in order", columns, rows, lead=lead)]
    if r.unreadable:
        why = "What the ledger keeps under these names could not be read, so it is missing above."
        found.append(
            Table("Left out", ["Document or event, and why"], [(u,) for u in r.unreadable], lead=why)
        )
    return found


def _owner_at(ownership: Sequence[Interval], time: str | None) -> str | None:
    if not time:
        return None
    standing = [i for i in ownership if not i.since or moment(i.since) <= moment(time)]
    return str(standing[-1].owner or "nobody") if standing else None


WORDS = {
    "gate_asked": "question asked",
    "gate_answered": "question answered",
    "task_failed": "a task failed for good",
    "switchover_began": "an attempt to move the writes began",
    "switchover": "an attempt to move the writes ended",
    "fence_lifted": "a fence that was left behind was lifted",
    "return_path": "reverse replication runs",
    "rollback_begun": "a rollback began",
    "rollback_writes": "rollback of the writes",
    "record_changed": "the name was changed",
    "record_shifted": "the name was shifted further",
    "record_rolled_back": "the name was put back",
    "ttl_lowered": "the TTL was lowered",
    "ttl_restored": "the old TTL was put back",
    "control_prepared": "control rows and accounts were made",
    "control_removed": "livemove's schema was taken away",
    "schema_carried": "schema objects were created",
    "terraform_applied": "Terraform's plan was applied",
    "servers_stopped": "services were stopped for good",
    "jobs_kept": "jobs were kept to one site",
    "breach": "the budget was broken while both sites served",
    "given_up": "the move was given up",
    "ddl": "definitions were changed",
}


def _words(e: Event) -> str:
    return WORDS.get(e.event, e.event.replace("_", " "))


def _facts(e: Event) -> str:
    return ", ".join(
        f"{k.replace('_', ' ')} {_value(v)}"
        for k, v in e.stored().items()
        if k not in HIDDEN and v not in (None, [], {}, "")
    )


def _value(value: object, limit: int = 200) -> str:
    if isinstance(value, dict):
        value = ", ".join(f"{k} {v}" for k, v in value.items())
    elif isinstance(value, list):
        value = ", ".join(str(v) for v in value)
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


BLOCKS: tuple[Callable[[Report], list[Block]], ...] = (
    _ownership,
    _decisions,
    _proof,
    _users,
    _moves,
    _way_back,
    _name,
    _findings,
    _trial,
    _costs,
    _infrastructure,
    _versions,
    _events,
)
