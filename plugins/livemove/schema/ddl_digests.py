"""DDL under replication: DMS does not carry it, so it is told as soon as it is seen.

What an object is, is one digest. The first digests are kept when the schema is carried, and again when the
parity of both sides was clean; what differs from them since then is DDL. One-time events are left out: they
go by themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from livemove.model.ports import Json
from livemove.model.spec import Side

CODE = ("view", "function", "procedure", "package", "package body", "trigger", "event")


def digests(rows: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """ "kind schema.name" -> digest. A row is a part of an object; "columns" are a table's or a view's."""
    rows = list(rows)
    views = {(r["schema"], r["name"]) for r in rows if r["kind"] == "view"}
    parts: dict[str, list[str]] = {}
    for r in rows:
        kind = r["kind"]
        if kind == "columns":
            kind = "view" if (r["schema"], r["name"]) in views else "table"
        parts.setdefault(f"{kind} {r['schema']}.{r['name']}", []).append(str(r["digest"]))
    return {name: hashlib.sha256(" ".join(sorted(p)).encode()).hexdigest()[:12] for name, p in parts.items()}


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What DDL did between the two, an object a line."""
    return [
        (
            f"{name} is new"
            if name not in before
            else f"{name} is gone"
            if name not in now
            else f"{name} was changed"
        )
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def with_code_of(kept: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The tables as they were kept, views and stored code as they are now."""

    def is_code(name: str) -> bool:
        return name.startswith(tuple(f"{kind} " for kind in CODE))

    return {n: d for n, d in kept.items() if not is_code(n)} | {n: d for n, d in now.items() if is_code(n)}


def describe_changes(owner: Side, document: Json) -> str:
    """One sentence for waiting tasks, gates and errors; empty when there was no DDL."""
    seen = document.get("changed") or []
    if not seen:
        return ""
    listed = ", ".join(seen[:8]) + (f" and {len(seen) - 8} more" if len(seen) > 8 else "")
    other = owner.other
    return (
        f"DDL on the {owner} since {document['kept_at']} UTC, which is not replicated: {listed}."
        f" {REMEDY[owner].format(other=other)}"
    )


REMEDY = {
    Side.SOURCE: (
        "Do the same on the {other} (rows that came meanwhile may need ReloadTables), or undo it; then clear"
        " validate with downstream"
    ),
    Side.TARGET: (
        "A rollback would lose what the {other} cannot hold: do the same there, then clear"
        " switchover.compare_back"
    ),
}
