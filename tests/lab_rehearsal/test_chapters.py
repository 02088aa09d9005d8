"""Times per chapter: parallel tasks count once, cleared attempts stay counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lab.rehearsal.chapters import Chapters

ZERO = datetime(2026, 11, 23, tzinfo=UTC)


def task(
    name: str, began: float, ended: float | None, *, attempt: int = 1, state: str = "success", index: int = -1
) -> dict[str, Any]:
    def at(seconds: float) -> str:
        return (ZERO + timedelta(seconds=seconds)).isoformat()

    return {
        "task_id": name,
        "map_index": index,
        "try_number": attempt,
        "state": state,
        "start_date": at(began),
        "end_date": None if ended is None else at(ended),
    }


def seconds(*looks: list[dict[str, Any]], now: float = 0) -> dict[str, int]:
    chapters = Chapters()
    for tasks in looks:
        chapters.look(tasks, ZERO + timedelta(seconds=now))
    return {c["name"]: c["seconds"] for c in chapters.seconds()}


def test_tasks_side_by_side_count_once_and_gaps_do_not() -> None:
    found = seconds(
        [
            task("validate.compare", 0, 10, index=0),
            task("validate.compare", 2, 6, index=1),
            task("validate.parity", 20, 25),
        ]
    )
    assert found == {"validate": 15}


def test_an_attempt_that_was_cleared_stays_counted() -> None:
    assert seconds([task("switchover.ask", 0, 10)], [task("switchover.ask", 50, 55, attempt=2)]) == {
        "switchover": 15
    }


def test_a_cleared_task_that_waits_for_its_turn_still_shows_its_old_dates() -> None:
    first, queued = task("switchover.ask", 0, 10), task("switchover.ask", 0, None, attempt=2, state="queued")
    assert seconds([first], [queued], [task("switchover.ask", 50, 55, attempt=2)], now=49) == {
        "switchover": 15
    }


def test_a_deferred_task_keeps_its_first_beginning() -> None:
    first = task("switch_dns.drained", 0, None, state="deferred")
    assert seconds([first], [task("switch_dns.drained", 30, 40)]) == {"switch_dns": 40}


def test_a_task_at_work_counts_until_now_and_a_skipped_one_not_at_all() -> None:
    found = seconds(
        [task("retire.ask", 5, None, state="awaiting_input"), task("rollback.begin", 0, 1, state="skipped")],
        now=12,
    )
    assert found == {"retire": 7}


def test_chapters_stand_in_the_order_of_the_story() -> None:
    found = seconds([task(f"{name}.x", 0, 1) for name in ("retire", "preflight", "other", "switchover")])
    assert list(found) == ["preflight", "switchover", "retire", "other"]
