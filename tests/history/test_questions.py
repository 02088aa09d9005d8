"""When a question ends, answered or not, and how long it waited."""

from __future__ import annotations

from datetime import timedelta

import pytest

from livemove.history import History
from livemove.model.ports import Json
from tests.doubles.contents import contents
from tests.doubles.memory import START

NOW = START + timedelta(hours=5)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def event(
    name: str, minutes: float, run: str = "first", task: str = "switchover.ask", **facts: object
) -> Json:
    return {"event": name, "time": at(minutes), "run_id": run, "task_id": task, **facts}


def ran(run: str, began: float, dag: str = "migrate_shop") -> Json:
    span = {"began": at(began), "ended": at(began + 1), "state": "success", "dag_id": dag, "run_id": run}
    return {"ran/preflight.settings": {"spans": [span]}}


ASKED = event("gate_asked", 0, gate="switchover", question="questions/switchover/x", sha256="s")
ANSWERED = event(
    "gate_answered", 30, gate="switchover", option="Proceed", by="kim", at=at(29), accept_warnings=True
)


def test_an_answer_is_counted_from_the_moment_at_which_it_was_given() -> None:
    (one,) = History(contents({}, [ASKED, ANSWERED])).questions
    assert one.answer
    assert (one.answer.option, one.answer.by, one.answer.at, one.ended_at) == (
        "Proceed",
        "kim",
        at(29),
        at(29),
    )
    assert (one.answer.accept_warnings, one.waited(NOW)) == (True, 29 * 60)


@pytest.mark.parametrize(
    "ends",
    [
        event("gate_asked", 30, task="switch_dns.ask", gate="switch_dns"),
        event("gate_answered", 30, task="switch_dns.ask", gate="switch_dns", option="Proceed"),
        event("task_failed", 30, error="X"),
        event("rollback_begun", 30, run="back", task="rollback.begin", gate="rollback_shop"),
        event("promoted", 30, run="promotion", task="promote", epoch=2, owner="target"),
        event("ttl_lowered", 30, run="second", task="replicate.lower_ttl"),
        event(
            "waited", 30, since=at(20), seconds=60, run="second", task="finish.wait", dag_id="migrate_shop"
        ),
    ],
    ids=lambda e: f"{e['event']} {e['run_id']}",
)
def test_what_ends_a_question_without_an_answer(ends: Json) -> None:
    one = History(contents({}, [ASKED, ends, event("ttl_lowered", 40, run="third")])).questions[0]
    assert (one.answer, one.ended_at, one.waited(NOW)) == (None, at(30), 30 * 60)


@pytest.mark.parametrize(
    "goes_on",
    [
        event("task_failed", 30, error="X", task="replicate.lower_ttl"),
        event("waited", 30, since=at(20), seconds=60, run="back", task="rollback.name"),
        event(
            "waited", 30, since=at(20), seconds=60, run="back", task="switch_dns.x", dag_id="rollback_shop"
        ),
        event("promotion_asked", 30, run="promotion", task="ask", gate="promote"),
    ],
    ids=lambda e: f"{e['event']} {e['task_id']}",
)
def test_what_leaves_a_question_waiting(goes_on: Json) -> None:
    one = History(contents({}, [ASKED, goes_on])).questions[0]
    assert (one.waits, one.waited(NOW)) == (True, 5 * 3600)


def test_a_task_of_another_run_of_its_dag_ends_it_when_it_begins() -> None:
    assert History(contents(ran("second", 20), [ASKED, event("ttl_lowered", 40, run="second")])).questions[
        0
    ].ended_at == at(20)
    assert History(contents(ran("first", 20), [ASKED])).questions[0].waits
    assert History(contents(ran("second", 20, "rollback_shop"), [ASKED])).questions[0].waits
    assert History(contents(ran("second", -20), [ASKED])).questions[0].waits


def test_an_answer_that_comes_all_the_same_is_one() -> None:
    one = History(
        contents({}, [ASKED, event("rollback_begun", 10, run="back", gate="rollback_shop"), ANSWERED])
    ).questions[0]
    assert one.answer
    assert one.answer.option == "Proceed"


def test_only_the_newest_question_of_a_dag_waits() -> None:
    again = [event("gate_asked", m, gate="switchover") for m in (0, 10, 20)]
    assert [q.asked_at for q in History(contents({}, again)).open_questions] == [at(20)]
    assert [q.ended_at for q in History(contents({}, again)).questions] == [at(10), at(20), None]
