"""When a backup or maintenance of the RDS instance is in the way."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from livemove.model.spec import Window
from livemove.provisioning.rds_maintenance import due

NIGHT = Window(opens=time(3), closes=time(5))
ALL_DAY = Window(opens=time(0), closes=time(0))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("planned", "now", "said"),
    [
        ("18:00-18:30", "23 17:44", False),
        ("18:00-18:30", "23 17:45", True),
        ("18:00-18:30", "23 18:29", True),
        ("18:00-18:30", "23 18:30", False),
        ("23:50-00:20", "24 00:10", True),
        ("23:50-00:20", "23 23:36", True),
        ("00:05-00:35", "23 23:55", True),
        ("mon:18:00-mon:18:30", "23 18:10", True),  # the 23rd is a Monday
        ("mon:18:00-mon:18:30", "24 18:10", False),
        ("sun:23:45-mon:00:15", "23 00:10", True),
    ],
)
def test_a_window_that_is_open_or_near_is_told(planned: str, now: str, said: bool) -> None:
    key = "PreferredMaintenanceWindow" if planned[0].isalpha() else "PreferredBackupWindow"
    instance = {"DBInstanceStatus": "available", key: planned}
    assert bool(due(instance, NIGHT, at(now))) is said
    assert due(instance, ALL_DAY, at(now)) == []


@pytest.mark.parametrize("status", ["backing-up", "maintenance", "modifying", "rebooting"])
def test_what_runs_now_is_told_whatever_the_window(status: str) -> None:
    (reason,) = due({"DBInstanceStatus": status}, ALL_DAY, at("23 18:00"))
    assert reason == f"the RDS instance is {status}: wait until it is available"
