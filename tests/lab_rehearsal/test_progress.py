"""What the terminal shows, with and without one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from lab.rehearsal.progress import Facts, Progress, _picture, state_of


def task(name: str, state: str | None, attempt: int = 1) -> dict[str, Any]:
    return {"task_id": name, "state": state, "try_number": attempt, "map_index": -1}


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([None, None], ""),
        (["success", None], "runs"),
        (["success", "deferred"], "runs"),
        (["success", "awaiting_input"], "asks"),
        (["success", "failed", "upstream_failed"], "failed"),
        (["success", "skipped"], "success"),
        (["skipped", "skipped"], "skipped"),
    ],
)
def test_state_of_a_chapter(states: list[str | None], word: str) -> None:
    assert state_of([task("x.y", s) for s in states]) == word


def test_without_a_terminal_each_attempt_is_one_plain_line() -> None:
    out = io.StringIO()
    with Progress(Console(file=out, width=80), live=False) as progress:
        for _ in range(3):
            progress.look([task("switchover.switch_over", "running")], Facts(), {})
        progress.look([task("switchover.switch_over", "running", 2)], Facts(), {})
    lines = [line for line in out.getvalue().splitlines() if "switchover" in line]
    assert [line.split("s  ")[1] for line in lines] == [
        "switchover.switch_over",
        "switchover.switch_over (attempt 2)",
    ]
    assert "\x1b" not in out.getvalue()


def test_the_live_picture_names_chapters_waiting_tasks_and_numbers() -> None:
    tasks = [
        task("preflight.checks", "success"),
        task("retire.ask", "awaiting_input", 2),
        task("finish.report", None),
    ]
    facts = Facts(rows=300250, lag_s=0.4, split={"source": 1, "target": 3}, acknowledged=1200, failed=0)
    out = io.StringIO()
    Console(file=out, width=120).print(_picture(tasks, facts, {"preflight": 4}))
    text = out.getvalue()
    for words in (
        "✓ preflight  4 s",
        "? retire",
        "ask (attempt 2)",
        "source 25 %, target 75 %",
        "rows at the target 300,250",
        "lag 0.4 s",
    ):
        assert words in text
