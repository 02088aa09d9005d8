"""What counts as DDL, and how it is told; no server."""

from __future__ import annotations

from livemove.model.spec import Side
from livemove.schema import ddl_digests as core


def row(kind: str, name: str, digest: int) -> dict[str, object]:
    return {"kind": kind, "schema": "s", "name": name, "digest": digest}


def test_an_object_is_all_of_its_parts_in_any_order() -> None:
    one = core.digests(
        [row("table", "t", 1), row("columns", "t", 2), row("view", "v", 3), row("columns", "v", 4)]
    )
    assert set(one) == {"table s.t", "view s.v"}
    turned = core.digests(
        [row("columns", "v", 4), row("view", "v", 3), row("columns", "t", 2), row("table", "t", 1)]
    )
    assert turned == one
    assert core.digests([row("table", "t", 1), row("columns", "t", 9)])["table s.t"] != one["table s.t"]


def test_new_gone_and_changed_objects_are_told() -> None:
    assert core.changes(
        {"table s.a": "1", "table s.b": "1", "view s.v": "1"},
        {"table s.a": "2", "view s.v": "1", "event s.e": "1"},
    ) == [
        "event s.e is new",
        "table s.a was changed",
        "table s.b is gone",
    ]


def test_carrying_code_again_does_not_hide_ddl_on_a_table() -> None:
    kept = {"table s.a": "1", "view s.v": "1", "trigger s.t": "1"}
    now = {"table s.a": "2", "view s.v": "2", "package body s.p": "1"}
    assert core.with_code_of(kept, now) == {"table s.a": "1", "view s.v": "2", "package body s.p": "1"}


def test_the_sentence_names_side_time_objects_and_remedy() -> None:
    document = {"kept_at": "2026-11-23 18:00:00", "changed": [f"table s.t{n} was changed" for n in range(10)]}
    said = core.describe_changes(Side.SOURCE, document)
    assert said.startswith(
        "DDL on the source since 2026-11-23 18:00:00 UTC, which is not replicated: table s.t0 was changed,"
    )
    assert "and 2 more" in said
    assert "clear validate with downstream" in said
    assert "A rollback would lose" in core.describe_changes(Side.TARGET, document)
    assert core.describe_changes(Side.SOURCE, {**document, "changed": []}) == ""
