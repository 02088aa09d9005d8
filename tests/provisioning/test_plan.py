"""What a person sees of a Terraform plan, and which plans nobody may apply."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from livemove.model.spec import Window
from livemove.provisioning.plan import markdown, rds_windows, refusal, summary

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def shown(*changes: tuple[str, list[str]]) -> dict[str, object]:
    return {"resource_changes": [{"address": a, "change": {"actions": actions}} for a, actions in changes]}


def test_no_ops_and_reads_are_left_out_and_a_replace_is_one_thing() -> None:
    plan = summary(
        "d",
        shown(
            ("a.b", ["no-op"]),
            ("data.c", ["read"]),
            ("d.e", ["delete", "create"]),
            ("f.g", ["create", "delete"]),
            ("h.i", ["update"]),
        ),
    )
    assert plan.changes == (("replace", "d.e"), ("replace", "f.g"), ("update", "h.i"))
    assert plan.counts == {"replace": 2, "update": 1}


@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_a_plan_that_loses_the_database_is_refused(actions: list[str]) -> None:
    why = refusal(summary("d", shown(("module.database.aws_db_instance.this", actions))))
    assert why is not None
    assert "module.database.aws_db_instance.this" in why


def test_a_plan_that_changes_the_database_or_loses_something_else_is_not_refused() -> None:
    plan = summary(
        "d",
        shown(
            ("module.database.aws_db_instance.this", ["update"]),
            ("module.replication.aws_dms_replication_instance.this[0]", ["delete"]),
        ),
    )
    assert refusal(plan) is None


def test_the_markdown_counts_and_names_but_shows_no_value() -> None:
    changes = [{"address": "a.b", "change": {"actions": ["create"], "after": {"password": "hush"}}}]
    text = markdown(summary("0123456789abcdef", {"resource_changes": changes}))
    assert "1 to create" in text
    assert "| create | `a.b` |" in text
    assert "hush" not in text
    assert markdown(summary("0123456789abcdef", {})).startswith("No changes")


def test_only_drift_that_means_something_is_shown() -> None:
    plan = shown(("a.changed_back", ["update"]), ("a.filled_in", ["no-op"]), ("a.gone", ["create"]))
    plan["resource_drift"] = [
        {"address": "a.changed_back", "change": {"actions": ["update"]}},
        {"address": "a.filled_in", "change": {"actions": ["update"]}},
        {"address": "a.gone", "change": {"actions": ["delete"]}},
    ]
    assert summary("d", plan).drift == ("a.changed_back", "a.gone")


@pytest.mark.parametrize("opens", [time(h, m) for h in range(24) for m in (0, 30)])
def test_backups_and_maintenance_stay_out_of_the_window_and_of_each_other(opens: time) -> None:
    window = Window(opens=opens, closes=time((opens.hour + 2) % 24, opens.minute), timezone="Asia/Seoul")
    backup, care = rds_windows(window, NOW)
    begins = (opens.hour * 60 + opens.minute - 9 * 60) % 1440
    taken = {(begins + n) % 1440 for n in range(120)}
    for span in (backup, care.replace("sun:", "").replace("mon:", "")):
        minutes = _minutes(span)
        assert not minutes & taken, (span, opens)
        taken |= minutes


def test_the_windows_are_in_utc() -> None:
    window = Window(opens=time(3), closes=time(5), timezone="Asia/Seoul")
    assert rds_windows(window, NOW) == ("16:00-16:30", "sun:14:00-sun:15:00")


def _minutes(span: str) -> set[int]:
    begin, end = (int(t[:2]) * 60 + int(t[3:]) for t in span.split("-"))
    return {(begin + n) % 1440 for n in range((end - begin) % 1440)}
