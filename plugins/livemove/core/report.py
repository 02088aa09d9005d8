"""The report of one migration: what the ledger knows, as JSON and as a page.

It tells and never decides: who owns the writes stands in the databases. A chapter that was not reached is
null in the JSON and a dash on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from livemove.core.page import Page, Table
from livemove.ports import Json
from livemove.spec import Side

HIDDEN = {"event", "time", "run_id", "task_id"}
"""Keys of an event that have a column of their own or none."""


def build(title: str, documents: Mapping[str, Json], events: Sequence[Json], *, now: datetime) -> Json:
    """The report's JSON. `documents`: ledger documents by name; `events`: oldest first."""
    moves = _moves(documents)
    comparisons = [
        {**documents[name], "epoch": int(name.split("/", 2)[1]), "table": name.split("/", 2)[2]}
        for name in sorted(documents)
        if name.startswith("comparison/")
    ]
    newest = max((c["epoch"] for c in comparisons), default=0)
    last = [c for c in comparisons if c["epoch"] == newest]
    load = documents.get("full_load") or {}
    return {
        "title": title,
        "made_at": now.isoformat(timespec="seconds"),
        "owner": moves[-1]["to"] if moves else str(Side.SOURCE),
        "outcome": outcome(documents, events),
        "rows_copied": load.get("rows"),
        "full_load_seconds": load.get("seconds"),
        "tables_compared": len(last) if last else None,
        "tables_equal": sum(bool(c.get("equal")) for c in last) if last else None,
        "way_back": documents.get("way_back"),
        "moves": moves,
        "findings": _list(documents.get("findings"), "findings"),
        "plan": documents.get("plan"),
        "comparison": comparisons,
        "propagation": _list(documents.get("propagation"), "rows"),
        "dns": documents.get("dns/change"),
        "final_dump": documents.get("final_dump"),
        "promotion": next(
            (documents[n] for n in sorted(documents, reverse=True) if n.startswith("promotion/")), None
        ),
        "rollback": rollback(events),
        "events": list(events),
    }


def outcome(documents: Mapping[str, Json], events: Sequence[Json]) -> str:
    """`moved`, `rolled_back` or `not moved`, as the ledger tells it."""
    moves = _moves(documents)
    if moves and moves[-1]["to"] == Side.TARGET:
        return "moved"
    gone_back = any(str(e.get("event", "")).startswith("rollback") for e in events)
    return "rolled_back" if moves or gone_back else "not moved"


def rollback(events: Sequence[Json]) -> Json | None:
    """The last rollback: {"by", "gate", "time", "failed", "says"}; None when none began.

    One that the spec ordered leaves a green run with a red task in it: `says` is the place where that is said.
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


def _moves(documents: Mapping[str, Json]) -> list[Json]:
    """Completed switchovers by epoch; one that was undone has no `fenced_ms`."""
    found = [
        document
        for name, document in documents.items()
        if name.startswith("switchover/") and document.get("to") and document.get("fenced_ms") is not None
    ]
    return sorted(found, key=lambda d: int(d["epoch"]))


def _list(document: object, key: str) -> list[Json]:
    """The list inside a document, whether it is the document itself or stands under `key`."""
    if isinstance(document, Mapping):
        document = document.get(key) or document.get("items") or []
    return [dict(d) for d in document if isinstance(d, Mapping)] if isinstance(document, list) else []


def page(report: Json) -> Page:
    """The same as a page for people."""
    moves: list[Json] = report["moves"]
    numbers = {
        "outcome": str(report["outcome"]).replace("_", " "),
        "owner of the writes": report["owner"],
        "rows copied": report["rows_copied"],
        "tables equal": _of(report["tables_equal"], report["tables_compared"]),
        "fence of the last move, ms": moves[-1].get("fenced_ms") if moves else None,
        "name servers switched": _switched(report["propagation"]),
    }
    lead = f"Made {report['made_at']} from the migration's ledger. The databases, not this page, say who owns the writes."
    if report["rollback"]:
        lead = f"{report['rollback']['says']}. {lead}"
    return Page(report["title"], lead, numbers, [make(report) for make in TABLES])


def _of(part: object, whole: object) -> str | None:
    return None if whole is None else f"{part} of {whole}"


def _switched(rows: Sequence[Json]) -> str | None:
    return _of(sum(bool(r.get("flipped_at")) for r in rows), len(rows)) if rows else None


def _move_table(report: Json) -> Table:
    rows = [
        (
            m["epoch"], f"{m.get('from', '')} → {m['to']}", m.get("started_at"), m.get("fenced_ms"),
            ", ".join(f"{s.get('name', s.get('step'))} {s.get('ms')}" for s in m.get("steps", [])),
        )
        for m in report["moves"]
    ]  # fmt: skip
    return Table(
        "Switchovers",
        ["Epoch", "Direction", "Started", "Fenced, ms", "Steps, ms each"],
        rows,
        "The writes were not moved.",
    )


def _way_back_table(report: Json) -> Table:
    d = report["way_back"] or {}
    rows = (
        [(d["epoch"], d["task"], d["state"], d["lag_ms"], d["until"], d["checked_at"], d["says"])]
        if d
        else []
    )
    return Table(
        "The way back, as it was seen last",
        ["Epoch", "Task", "State", "Behind, ms", "Loses nothing until", "Seen", "In words"],
        rows,
        "The writes were not moved.",
    )


def _comparison_table(report: Json) -> Table:
    rows = [
        (
            c["epoch"], c["table"], "equal" if c.get("equal") else "differs", c.get("rows_source"), c.get("rows_target"),
            c.get("checked_at"), _short(c.get("differences")),
        )
        for c in report["comparison"]
    ]  # fmt: skip
    return Table(
        "Comparison",
        ["Epoch", "Table", "Result", "Rows at the source", "Rows at the target", "Checked", "Differences"],
        rows,
    )


def _propagation_table(report: Json) -> Table:
    rows = [
        (
            r.get("server"),
            r.get("answer"),
            r.get("ttl"),
            r.get("flipped_at"),
            "stretches" if r.get("stretches") else None,
        )
        for r in report["propagation"]
    ]
    return Table("Propagation", ["Name server", "Answer", "TTL, s", "Seen switching", "Stretches TTLs"], rows)


def _finding_table(report: Json) -> Table:
    rows = [
        (f.get("severity"), f.get("check"), f.get("subject"), f.get("measured"), f.get("limit"), f.get("remedy"))
        for f in report["findings"]
    ]  # fmt: skip
    return Table(
        "Findings before the move", ["", "Check", "Subject", "Measured", "Limit", "What to do"], rows
    )


def _infrastructure_table(report: Json) -> Table:
    plan = report["plan"] or {}
    rows = [(action, count) for action, count in (plan.get("counts") or {}).items()]
    return Table("Last Terraform plan", ["Action", "Resources"], rows, "No changes.")


def _dump_table(report: Json) -> Table:
    dump = report["final_dump"]
    where = dump and (dump.get("address") or f"skipped: {dump.get('skipped')}")
    rows = [(where, dump.get("bytes"), dump.get("sha256"), dump.get("made_at"))] if dump else []
    return Table("Final dump of the source", ["Kept at", "Bytes", "SHA-256", "Made"], rows, "Not made.")


def _promotion_table(report: Json) -> Table:
    d = report["promotion"] or {}
    rows = [(d.get("epoch"), line) for line in d.get("says", ())]
    return Table("Promoted without the source's word", ["Epoch", "What may be missing"], rows, "Not needed.")


def _event_table(report: Json) -> Table:
    rows = [
        (
            e.get("time"), e.get("task_id"), e.get("event"),
            ", ".join(f"{k} {_short(v)}" for k, v in e.items() if k not in HIDDEN),
        )
        for e in report["events"]
    ]  # fmt: skip
    return Table("What happened", ["Time", "Task", "Event", "Facts"], rows)


def _short(value: object, limit: int = 200) -> str:
    text = "" if value in (None, [], {}) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


TABLES: tuple[Callable[[Json], Table], ...] = (
    _move_table,
    _promotion_table,
    _way_back_table,
    _comparison_table,
    _propagation_table,
    _finding_table,
    _infrastructure_table,
    _dump_table,
    _event_table,
)
