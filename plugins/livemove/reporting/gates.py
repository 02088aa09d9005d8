"""What a gate shows before it asks: the evidence of the ledger as Markdown, and the checksum of what is approved.

Pure: documents in, text out. The gate's operator reads the documents, also those that nobody wrote (None).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livemove.history import CurrentOwner, History, SwitchoverStage
from livemove.model.approvals import ACCEPT_WARNINGS, PROMOTE
from livemove.model.formatting import duration, percent, utc
from livemove.model.ports import Json
from livemove.model.spec import MigrationSpec, Side
from livemove.model.stages import QUESTIONS

FAILURES = 10
"""So many of DMS's failures are listed in a question; all are counted."""


@dataclass(frozen=True)
class Evidence:
    """Documents of the ledger, as they stood when the question was asked."""

    findings: Sequence[Json] = ()
    plan: Json | None = None
    full_load: Json | None = None
    comparison: Mapping[str, Json | None] = field(default_factory=dict)
    """Table name -> its document, None where the comparison left none."""
    record: Json | None = None
    """{"before": record set, "after": record set} as they would be changed now."""
    propagation: Json | None = None
    drain: Json | None = None
    pause: Json | None = None
    """The expected pause, measured by prepare_return."""
    history: History = field(default_factory=History)
    """Who owns the writes when the question is asked, from the ledger and the control rows."""
    way_back: Json | None = None
    """The document `way_back`, looked at when the question is asked; None while the source owns the writes."""
    breach: Json | None = None
    """What broke the budget while both sites served, and did not send the name back: {"at", "share", "reasons", "still", "looked_at"}."""
    failures: Sequence[str] | None = None
    """What DMS's events tell of failures since its task was made; None where they could not be read."""

    @property
    def current(self) -> CurrentOwner:
        return self.history.current

    @property
    def owner(self) -> Side | None:
        """None while nobody owns the writes or nobody can tell."""
        return self.current.owner

    @property
    def warnings(self) -> list[Json]:
        return [f for f in self.findings if f["severity"] == "warning"]


def subject(gate: str, spec: MigrationSpec) -> str:
    about = {
        "switch_dns": f"{spec.dns.name} moves to AWS",
        "switchover": f"The database of {spec.service} moves to RDS",
        "retire": f"The last rollback of {spec.service} closes",
    }[gate]
    return f"{QUESTIONS[gate].title} {about}"


def body(gate: str, spec: MigrationSpec, e: Evidence, shown_sha: str) -> str:
    """The question with its evidence, as Markdown."""
    parts = [_again(gate, e), _lead(gate, spec), _owner(e), _way_back(e)]
    parts += {
        "switch_dns": [_record(e), _findings(e), _load(e), _failures(e), _comparison(e), _plan(e)],
        "switchover": [
            _pause(spec, e),
            _breach(e),
            _propagation(e),
            _drain(e),
            _failures(e),
            _comparison(e),
            _findings(e),
        ],
        "retire": [_moves(e), _propagation(e), _drain(e), _comparison(e)],
    }[gate]
    parts += [_rollback(gate, spec, e), _house_rules(gate, spec, shown_sha)]
    return "\n\n".join(p for p in parts if p)


def seen(gate: str, spec: MigrationSpec, e: Evidence) -> list[str]:
    """The evidence in a few lines, for whoever reads later what a decision was made on."""
    count = {s: sum(f["severity"] == s for f in e.findings) for s in ("ok", "warning", "error")}
    equal = sum(bool(d and d.get("equal")) for d in e.comparison.values())
    lines = [
        f"owner of the writes: {owner_in_short(e.current)}",
        f"{equal} of {len(e.comparison)} tables equal" if e.comparison else "no comparison",
    ]
    if e.findings:
        lines.append(f"findings: {count['ok']} ok, {count['warning']} warnings, {count['error']} errors")
    if gate == "switch_dns" and e.record:
        before, after = ([v for r in e.record[word] for v in r["values"]] for word in ("before", "after"))
        lines.append(f"{e.record['name']}: {', '.join(before)} → {', '.join(after)}")
    if gate == "switchover":
        ms = (e.pause or {}).get("ms")
        lines.append(f"expected pause {ms:.0f} ms" if ms is not None else "expected pause not measured yet")
        lines.append(f"budget {spec.switchover.pause_budget:g} s")
    if e.drain and gate != "switch_dns":
        lines.append(f"old site: {percent(e.drain.get('share', 0))} of the requests")
    if gate == "switchover" and e.breach:
        lines.append(f"while both sites served: {'; '.join(e.breach['reasons'])}")
    if gate != "retire":
        lines.append(_failures_in_short(e))
    if e.way_back:
        lines.append(str(e.way_back["says"]))
    return lines


def _failures_in_short(e: Evidence) -> str:
    if e.failures is None:
        return "DMS's events could not be read"
    return f"DMS tells of {len(e.failures)} failures" if e.failures else "DMS tells of no failure"


def promotion_body(
    spec: MigrationSpec, row: str, bound: Sequence[str], servers: Sequence[str], wanted: str
) -> str:
    """The emergency's question: what stands, what may be missing, what has to be true."""
    lines = "\n".join(f"- {line}" for line in bound)
    reached = "\n".join(f"- {line}" for line in servers)
    return (
        f"The source database does not answer. **{row}**.\n\n### What may be lost\n{lines}\n\n###"
        f" Servers\n{reached}\n\n### Before you answer\nFrom here a cut network looks like a dead machine. If"
        f" the source still runs, its users write there, and after **{PROMOTE}** there are two truths. So"
        " make sure that it is off and stays off: power, or its network port; its service stopped and"
        f" disabled at boot.\n\n**{PROMOTE}** waits until nothing more arrives, turns every server to the"
        f" target, opens it, and points `{spec.dns.name}` at the cloud. There is no way back from it: the"
        f" source is rebuilt, never reopened. It needs this sentence, word for word: `{wanted}`"
    )


def _lead(gate: str, spec: MigrationSpec) -> str:
    return {
        "switch_dns": (
            f"**Proceed** changes the record of `{spec.dns.name}`. While caches expire, both sites serve"
            " users, and all web servers of both sites write to the data centre's database. The writes do"
            " not move yet."
        ),
        "switchover": (
            "**Proceed** takes a snapshot and then moves all web servers of both sites to RDS in one fenced"
            " switchover. Before its commit it undoes itself on any trouble; after it, a return path keeps"
            " the data centre's database current."
        ),
        "retire": (
            "**Proceed** keeps a final dump of the source, ends the return path, tears down DMS and stops the"
            " data centre's services. **After this there is no way back by a click.**"
        ),
    }[gate]


def _again(gate: str, e: Evidence) -> str:
    """For a gate that was answered before and cleared: what Proceed finds done already."""
    if gate == "switch_dns" and e.record and e.record["before"] == e.record["after"]:
        return "**The name has moved already.** Proceed changes nothing about it and goes on."
    if gate == "switchover" and (e.current.stage, e.current.to) == (SwitchoverStage.COMMITTED, Side.TARGET):
        return (
            "**The move to RDS is committed and not finished.** Proceed finishes it; it cannot be undone,"
            " only rolled back afterwards."
        )
    if gate == "switchover" and e.owner is Side.TARGET:
        return "**The writes have moved already.** Proceed changes nothing about them and goes on."
    return ""


def _owner(e: Evidence) -> str:
    now = e.current
    if not now.certain:
        return (
            f"**Who owns the writes now:** {owner_in_short(now)}. {_sentence(now.why)}. Before you answer,"
            " read both control rows (`livemove status`)."
        )
    if now.owner is None:
        return (
            f"**Who owns the writes now:** {owner_in_short(now)}. Nobody may write until the switchover's"
            " next attempt opens the database."
        )
    place = "the data centre's database (source)" if now.owner is Side.SOURCE else "RDS (target)"
    epoch = f", epoch {now.epoch}" if now.epoch > 1 else ""
    late = (
        " It is open, and the move is not finished: not every web server is known to write to it."
        if now.stage is SwitchoverStage.UNFINISHED
        else ""
    )
    return f"**Who owns the writes now:** {place}{epoch}.{late}"


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


def _way_back(e: Evidence) -> str:
    if not e.way_back or e.history.way_back_closed_at:
        return ""
    mark = "**The way back is broken.** " if e.way_back.get("losses") else "**The way back:** "
    return mark + str(e.way_back["says"]) + "."


def _record(e: Evidence) -> str:
    if not e.record:
        return ""
    rows = [
        (word, r["type"], ", ".join(r["values"]), f"{r['ttl']} s", _routed(r))
        for word, sets in (("now", e.record["before"]), ("then", e.record["after"]))
        for r in sets
    ]
    parts = [f"### The record `{e.record['name']}`\n" + table(("", "type", "address", "TTL", ""), rows)]
    if steps := e.record.get("steps"):
        shares = ", ".join(f"{s} %" for s in steps)
        parts.append(f"In steps of the answers: {shares}. Each is held until it was clean; a breach ends it.")
    if e.record.get("by_hand"):
        lines = "\n".join(
            f"    {r['name']}. {r['ttl']} {r['type']} {v}" for r in e.record["after"] for v in r["values"]
        )
        parts.append(
            f"**After Proceed somebody has to enter exactly this** ({e.record['provider']}); the next task"
            f" waits until every authority serves it:\n\n{lines}"
        )
    parts += [f"**Proceed will be refused:** {reason}" for reason in e.record.get("against", ())]
    parts += [f"- {note}" for note in e.record.get("notes", ())]
    return "\n\n".join(parts)


def _routed(r: Json) -> str:
    more = [f"weight {r['weight']}"] if r.get("weight") is not None else []
    more += [f"health check {r['health_check']}"] if r.get("health_check") else []
    return ", ".join([*more, r.get("routing") or ""]).strip(", ")


def approved(record: Json | None) -> Json:
    """The part of the record's evidence that an answer approves: the change, not what was noticed beside it."""
    return {k: v for k, v in (record or {}).items() if k in ("name", "before", "after", "steps")}


def _findings(e: Evidence) -> str:
    if not e.findings:
        return "### Findings\nThe preflight left no findings in the ledger."
    count = {s: sum(f["severity"] == s for f in e.findings) for s in ("ok", "warning", "error")}
    head = f"### Findings: {count['ok']} ok, {count['warning']} warnings, {count['error']} errors"
    rows = [
        (
            f["severity"],
            f["check"],
            f.get("subject", ""),
            f["measured"],
            f.get("limit", ""),
            f.get("remedy", ""),
            "yes" if f.get("restart") else "no",
        )
        for f in e.findings
        if f["severity"] != "ok"
    ]
    return head + (
        "\n" + table(("", "check", "where", "found", "limit", "what to do", "restart of the source"), rows)
        if rows
        else ""
    )


def _load(e: Evidence) -> str:
    if not e.full_load:
        return ""
    seconds = e.full_load.get("seconds")
    took = f" in {seconds:.0f} s" if isinstance(seconds, int | float) else ""
    return (
        f"**Full load:** {_number(e.full_load.get('rows'))} rows, {len(e.full_load.get('tables', []))}"
        f" tables{took}."
    )


def _failures(e: Evidence) -> str:
    if not e.failures:
        return f"**{_failures_in_short(e)}**" + ("." if e.failures is None else " since its task was made.")
    lines = "\n".join(f"- {words}" for words in e.failures[-FAILURES:])
    more = f" (the last {FAILURES})" if len(e.failures) > FAILURES else ""
    return f"### {_failures_in_short(e)} since its task was made{more}\n{lines}"


def _comparison(e: Evidence) -> str:
    if not e.comparison:
        task = "switchover.compare_back" if e.owner is Side.TARGET else "validate"
        return (
            f"### Comparison\n**No comparison is in the ledger.** Clear `{task}` with downstream to make one."
        )
    equal = sum(bool(d and d.get("equal")) for d in e.comparison.values())
    rows = [
        (
            (
                name,
                _number(d.get("rows_source")),
                _number(d.get("rows_target")),
                "yes" if d.get("equal") else "**no**",
                _moment(d.get("checked_at")),
            )
            if d
            else (name, "", "", "**not compared**", "")
        )
        for name, d in sorted(e.comparison.items())
    ]
    return (
        f"### Comparison: {equal} of {len(e.comparison)} tables are equal on both sides {_pair(e.owner)}\n"
        + table(("table", "rows source", "rows target", "equal", "checked at"), rows)
    )


def _pair(owner: Side | None) -> str:
    return f"({owner.other} against {owner})" if owner else ""


def _plan(e: Evidence) -> str:
    if not e.plan:
        return ""
    counts = (
        ", ".join(f"{n} {action}" for action, n in sorted(e.plan.get("counts", {}).items())) or "no changes"
    )
    return f"**Infrastructure:** {counts} (plan `{str(e.plan.get('digest', ''))[:12]}`)."


def _moment(text: Any) -> str:
    """A time of the ledger as a person reads it; what is none stays as it is."""
    try:
        return utc(str(text))
    except ValueError:
        return str(text or "")


def _breach(e: Evidence) -> str:
    if not e.breach:
        return ""
    b = e.breach
    still = (
        f"Still so at {_moment(b['looked_at'])}: {'; '.join(b['still'])}."
        if b["still"]
        else f"Not so any more at {_moment(b['looked_at'])}."
    )
    return (
        f"### Trouble while both sites serve\nAt {_moment(b['at'])}, at {b['share']} % of the answers:"
        f" {'; '.join(b['reasons'])}. {still} Nothing goes back by itself: you decide here."
    )


def _propagation(e: Evidence) -> str:
    if not e.propagation:
        return ""
    rows = [
        (
            r["server"],
            r.get("answer", ""),
            _moment(r.get("flipped_at")) or "not yet",
            "stretches TTLs" if r.get("stretches") else "",
        )
        for r in e.propagation.get("rows", [])
    ]
    return "### Name servers and caches\n" + table(("server", "answer", "since", ""), rows)


def _drain(e: Evidence) -> str:
    if not e.drain:
        return ""
    return f"**Old site's traffic:** {e.drain.get('says') or e.drain}"


def _pause(spec: MigrationSpec, e: Evidence) -> str:
    expected = (
        f"about {e.pause['ms']:.0f} ms"
        if e.pause and "ms" in e.pause
        else "measured by the task before it fences"
    )
    hold = "servers let requests wait meanwhile" if spec.switchover.hold else "requests fail meanwhile"
    late = [f"{server} ({why})" for server, why in ((e.pause or {}).get("not_armed") or {}).items()]
    told = f"Not armed, told one by one within the pause: {', '.join(late)}. " if late else ""
    return (
        f"**Expected write pause:** {expected}; budget {spec.switchover.pause_budget:g} s, then it undoes"
        f" itself; {hold}. {told}If the orchestrator dies, the old owner opens again by itself after"
        f" {spec.switchover.lease:g} s."
    )


def _moves(e: Evidence) -> str:
    rows = [
        (m["epoch"], f"{m['from']} to {m['to']}", _moment(m.get("started_at")), _number(m.get("fenced_ms")))
        for m in e.history.completed_switchovers
    ]
    return (
        "### Moves of the writes\n" + table(("epoch", "direction", "at", "fenced (ms)"), rows) if rows else ""
    )


def _rollback(gate: str, spec: MigrationSpec, e: Evidence) -> str:
    if (closed := e.history.way_back_closed_at) and e.owner is Side.TARGET:
        return (
            f"**Roll back is refused:** the data centre's database no longer follows since {closed}; going"
            " back would lose writes."
        )
    if e.way_back and e.way_back.get("losses") and e.owner is Side.TARGET:
        return (
            "**Roll back is refused** as long as it would lose writes; what is missing and how to repair it"
            " stands above."
        )
    name = (
        f"puts the old address back into `{spec.dns.name}`, waits until every cache has it, and tests the"
        " service there"
    )
    now = e.current
    if now.promoted:
        return (
            "**Roll back is refused:** RDS was promoted without the data centre's word; a return is a new"
            " migration to a rebuilt source."
        )
    if (now.stage, now.to) == (SwitchoverStage.COMMITTED, Side.TARGET):
        does = f"finishes the move to RDS first, then moves the writes back to the data centre, {name}"
    elif now.owner is None or not now.certain:
        does = (
            f"reads both databases first and moves the writes back to the data centre if they left it, {name}"
        )
    elif e.owner is Side.TARGET:
        does = (
            "moves the writes back to the data centre in one fenced switchover (nothing written since is"
            f" lost), {name}"
        )
    elif gate == "switch_dns":
        does = f"ends the story here: nothing has moved yet. If the name has moved in the meantime, it {name}"
    else:
        does = f"leaves the writes where they are, {name}"
    return (
        f"**Roll back** {does}. What was provisioned stays, replication stays, so that the move can be tried"
        " again."
    )


def _house_rules(gate: str, spec: MigrationSpec, shown_sha: str) -> str:
    tick = ""
    if gate == "switch_dns":
        tick = (
            f"- With warnings, **Proceed** needs the tick `{ACCEPT_WARNINGS}`; without it the next task"
            " refuses.\n"
        )
    return (
        "### Good to know\n"
        + tick
        + f"- Nobody answers within {duration(spec.gates.timeout)}: nothing is changed, this task fails, and"
        " clearing it with downstream asks again.\n- To change an answer later, clear this task **with"
        " Downstream**. Cleared alone, it refuses to ask, because nothing after it would run.\n- What is"
        f" shown here has the checksum `{shown_sha[:16]}`."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; pipes and newlines inside a cell cannot break it."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\r", " ").replace("\n", "<br>")


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else "" if value is None else str(value)
