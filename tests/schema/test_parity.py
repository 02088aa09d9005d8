"""What counts as a difference between two schemas, and what explains one; no server."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.model.errors import SchemaError
from livemove.schema.definers import stand_in
from livemove.schema.parity import CATEGORIES, Report, compare, keyed
from tests.raising import raises

LOGIN = "master@%"


def column(default: str = "0", **more: Any) -> dict[str, Any]:
    return {
        "table_schema": "s",
        "table_name": "t",
        "column_name": "c",
        "column_default": default,
        "column_type": "int(11)",
        **more,
    }


def both(category: str, source: list[dict[str, Any]], target: list[dict[str, Any]]) -> Report:
    c = next(c for c in CATEGORIES if c.name == category)
    return compare({category: keyed(c, source)}, {category: keyed(c, target)}, login=LOGIN)


def test_there_are_twenty_categories_and_one_of_settings() -> None:
    assert len({c.name for c in CATEGORIES}) == 21


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [([column()], [], "missing"), ([], [column()], "extra"), ([column("0")], [column("1")], "differs")],
)
def test_missing_extra_and_different_entries_refuse(
    source: list[dict[str, Any]], target: list[dict[str, Any]], kind: str
) -> None:
    report = both("columns", source, target)
    assert [d.kind for d in report.unexplained] == [kind]
    with raises(SchemaError, "1", "s.t.c"):
        report.refuse()


def test_a_field_that_one_server_does_not_know_is_not_compared() -> None:
    report = both("columns", [column(is_generated="NEVER")], [column()])
    assert report.differences == ()
    report.refuse()


def test_a_definer_may_become_its_stand_in_and_nobody_else() -> None:
    def view(definer: str) -> dict[str, Any]:
        return {"table_schema": "s", "table_name": "v", "definer": definer, "view_definition": "select 1"}

    stands = "@".join(stand_in(("root", "%")))
    mapped = both("views", [view("root@%")], [view(stands)])
    assert mapped.unexplained == []
    assert [d.explanation for d in mapped.differences] == [
        f"defined by root@% on the source, on the target by {stands}, its stand-in"
    ]
    # the master's rights are too many for a view, and the only ones for a trigger
    assert len(both("views", [view("root@%")], [view(LOGIN)]).unexplained) == 1
    other_text = both("views", [view("root@%")], [{**view(stands), "view_definition": "select 2"}])
    assert [dict(d.target) for d in other_text.unexplained] == [{"view_definition": "select 2"}]
    assert len(both("views", [view("root@%")], [view("other@%")]).unexplained) == 1


def test_sleeping_code_is_explained_and_waking_code_is_not() -> None:
    trigger = {"trigger_schema": "s", "trigger_name": "tr", "action_statement": "SET @a = 1"}
    event = {"event_schema": "s", "event_name": "e", "status": "ENABLED"}
    assert both("triggers", [trigger], []).unexplained == []
    assert [d.kind for d in both("events", [event], []).unexplained] == ["missing"]
    once = {**event, "execute_at_utc": "2026-01-01", "status": "DISABLED"}
    assert both("events", [once], []).unexplained == []
    assert both("events", [], [once]).unexplained == []
    assert len(both("events", [], [{**once, "execute_at_utc": None}]).unexplained) == 1
    assert both("events", [event], [{**event, "status": "DISABLED"}]).differences == ()
    assert [d.kind for d in both("triggers", [trigger], [trigger]).unexplained] == [
        "awake before the switchover"
    ]
    assert [d.subject for d in both("events", [event], [event]).unexplained] == ["s.e"]


def test_the_report_counts_and_lists() -> None:
    report = both("columns", [column("0")], [column("1")])
    assert report.counts["columns"] == 1
    assert report.lines()[0].startswith("compared 1 entries")
    assert report.as_json()["unexplained"][0].startswith("columns s.t.c differs")
