"""The numbers that a rehearsal reads from the users' record while it is being written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.rehearsal.users import Users

T0 = 1_763_870_400.0


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Users:
    monkeypatch.setenv("LIVEMOVE_LAB_STATE", str(tmp_path))
    found = Users("shop")
    found.folder.mkdir(parents=True)
    return found


def second(site: str, ok: int, failed: int = 0, t: float = 0) -> str:
    return (
        json.dumps(
            {
                "t": T0 + t,
                "ok": ok,
                "failed": failed,
                "unknown": 0,
                "acknowledged": ok // 2,
                "by_site": {site: ok},
            }
        )
        + "\n"
    )


def append(users: Users, name: str, text: str) -> None:
    with (users.folder / name).open("a") as file:
        file.write(text)


def test_nothing_is_known_before_the_first_second(users: Users) -> None:
    assert users.facts() == {}


def test_a_line_that_is_being_written_waits_for_its_end(users: Users) -> None:
    whole = second("source", 40)
    append(users, "seconds.jsonl", whole + whole[:20])
    assert users.facts() == {"split": {"source": 40}, "acknowledged": 20, "failed": 0}
    append(users, "seconds.jsonl", whole[20:])
    assert users.facts()["acknowledged"] == 40


def test_split_forgets_what_is_long_past_and_totals_do_not(users: Users) -> None:
    append(users, "seconds.jsonl", second("source", 40, failed=1) * 10)
    users.facts()
    append(users, "seconds.jsonl", second("target", 40) * 5)
    assert users.facts() == {"split": {"target": 200}, "acknowledged": 300, "failed": 10}
    assert users.requests() == (600, 10)


def test_pause_is_the_gap_that_touches_the_move_and_no_other(users: Users) -> None:
    times = [0.0, 0.1, 9.0, 9.1, 12.4, 12.5, 15.0, 40.0]
    lines: list[dict[str, Any]] = [{"key": str(t), "kind": "orders", "t": T0 + t} for t in times]
    append(users, "acknowledged.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    move = {
        "started_at": "2025-11-23T04:00:10+00:00",
        "steps": [{"name": "fence", "ms": 300}, {"name": "open", "ms": 900}],
    }
    assert users.pause_ms(move) == 3300
