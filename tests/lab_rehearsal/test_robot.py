"""The robot at the gates, against an Airflow that consists of a script of states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.rehearsal.robot import PATIENCE, Robot, StoryError
from lab.rehearsal.scenario import Scenario, choose
from tests.raising import raises

Json = dict[str, Any]
GATES = ("switch_dns.ask", "switchover.ask", "retire.ask")


class Airflow:
    """One run: each gate asks in turn until it is answered; "Roll back" ends the run."""

    def __init__(self) -> None:
        self.now = 0.0
        self.states: dict[str, str | None] = dict.fromkeys(("validate.compare", *GATES))
        self.tries = dict.fromkeys(self.states, 1)
        self.state = "running"
        self.did: list[str] = []
        self.asked_at: dict[str, float] = {}
        self.waits: list[float] = []
        self.when_cleared_alone = "success"
        self.go_on()

    def go_on(self) -> None:
        self.state = "running"
        for task in self.states:
            if self.states[task] is None:
                self.states[task] = "awaiting_input" if task in GATES else "success"
                self.asked_at[task] = self.now
                if task in GATES:
                    return
        self.state = "success"

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, dag_id: str, run_id: str) -> Json:
        return {"state": self.state}

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        return [
            {"task_id": t, "state": s, "try_number": self.tries[t], "map_index": -1}
            for t, s in self.states.items()
        ]

    def question(self, dag_id: str, run_id: str, task_id: str) -> Json:
        return {"subject": task_id, "params": {"accept_warnings": {"value": False}, "note": {"value": "x"}}}

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, params: Json) -> None:
        assert self.states[task_id] == "awaiting_input"
        assert params.pop("word", "the source of shop is off") == "the source of shop is off"
        assert params == {"accept_warnings": True, "note": "x"}
        self.waits.append(self.now - self.asked_at[task_id])
        self.did.append(f"{task_id} {option}")
        self.states[task_id] = "success"
        if option == "Roll back":
            later = list(self.states)[list(self.states).index(task_id) + 1 :]
            self.states.update(dict.fromkeys(later, "skipped"))
            self.state = "success"
        else:
            self.go_on()

    words = "UnreachableError: no answer"

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int, map_index: int = -1) -> list[str]:
        return ["Task failed with exception", self.words]

    def fail_run(self, dag_id: str, run_id: str) -> None:
        self.did.append("fail the run")
        self.state = "failed"
        self.states.update({t: "skipped" for t, s in self.states.items() if s != "success"})

    def mark_success(self, dag_id: str, run_id: str, task_id: str) -> None:
        self.did.append(f"mark {task_id}")
        self.states[task_id] = "success"

    def clear(
        self, dag_id: str, run_id: str, task_ids: list[str], note: str, *, downstream: bool = True
    ) -> int:
        if not downstream:
            self.did.append(f"clear {' '.join(task_ids)} alone")
            self.tries[task_ids[0]] += 1
            self.states[task_ids[0]] = self.when_cleared_alone
            return 1
        self.did.append(f"clear {' '.join(task_ids)}")
        later = list(self.states)[list(self.states).index(task_ids[0]) :]
        for task in later:
            self.states[task] = None
            self.tries[task] += 1
        self.go_on()
        return len(later)


def follow(scenario: Scenario, airflow: Airflow, timeout: float = 600) -> Airflow:
    for leg in scenario.legs:
        words = leg.of("shop").acts
        robot = Robot(
            airflow, leg.dag, "r", words, lambda text: None, clock=lambda: airflow.now, sleep=airflow.sleep
        )
        robot.kill_source = lambda: airflow.did.append("kill")
        robot.follow(timeout=timeout)
    return airflow


def test_answers_every_gate_once_and_after_the_time_a_person_needs() -> None:
    airflow = follow(choose(), Airflow())
    assert airflow.did == [f"{gate} Proceed" for gate in GATES]
    assert min(airflow.waits) >= PATIENCE


def test_reads_each_question_for_as_long_as_it_was_told() -> None:
    airflow = Airflow()
    robot = Robot(
        airflow,
        "d",
        "r",
        choose().acts,
        lambda text: None,
        clock=lambda: airflow.now,
        sleep=airflow.sleep,
        patience=40,
    )
    robot.follow(timeout=600)
    assert min(airflow.waits) >= 40


def test_rolls_back_where_the_scenario_says() -> None:
    assert follow(choose("switchover"), Airflow()).did == [
        "switch_dns.ask Proceed",
        "switchover.ask Roll back",
    ]


def test_answers_a_cleared_gate_again() -> None:
    assert follow(choose("clear"), Airflow()).did[2:] == ["clear switchover.ask", "switchover.ask Roll back"]


def test_moves_again_after_the_way_back() -> None:
    airflow = follow(choose(story="rollback"), Airflow())
    assert airflow.did[3:] == [
        "switchover.ask Roll back",
        "clear validate.compare",
        *(f"{g} Proceed" for g in GATES),
    ]


def failed_run(airflow: Airflow) -> None:
    airflow.state, airflow.states["validate.compare"] = "failed", "failed"


def green_run_with_a_dead_task(airflow: Airflow) -> None:
    airflow.states.update(dict.fromkeys(GATES, "success"))
    airflow.state, airflow.states["validate.compare"] = "success", "failed"


def run_that_ends_early(airflow: Airflow) -> None:
    airflow.state = "success"


def run_that_hangs(airflow: Airflow) -> None:
    airflow.states.update({"validate.compare": "running", GATES[0]: None})


def wrong_gate(airflow: Airflow) -> None:
    airflow.states.update({GATES[0]: "success", GATES[2]: "awaiting_input"})


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (failed_run, "The run failed: validate.compare"),
        (run_that_ends_early, "ended before this could be done: switch_dns.ask: Proceed"),
        (run_that_hangs, "No end after 600 s; at work: validate.compare running"),
        (wrong_gate, "retire.ask asks, but what comes next is: switch_dns.ask"),
    ],
)
def test_a_run_that_does_not_follow_the_story_is_told(trouble: Callable[[Airflow], None], words: str) -> None:
    airflow = Airflow()
    trouble(airflow)
    with pytest.raises(StoryError, match=words):
        follow(choose(), airflow)


def test_a_green_run_with_a_dead_task_is_no_success() -> None:
    airflow = Airflow()
    green_run_with_a_dead_task(airflow)
    with raises(StoryError, "validate.compare"):
        follow(Scenario("watch", (), "moved", writes_moved=False), airflow)


def test_every_task_that_ran_is_cleared_alone_while_a_gate_asks() -> None:
    done = follow(choose(story="clears"), Airflow())
    assert done.did == [
        "switch_dns.ask Proceed",
        "clear validate.compare alone",
        "switchover.ask Proceed",
        "clear validate.compare alone",
        "retire.ask Proceed",
    ]


def test_a_task_that_fails_when_cleared_alone_ends_the_story() -> None:
    airflow = Airflow()
    airflow.when_cleared_alone = "failed"
    with raises(StoryError, "validate.compare"):
        follow(choose(story="clears"), airflow)


def test_a_task_that_never_comes_back_ends_the_story() -> None:
    airflow = Airflow()
    airflow.when_cleared_alone = "running"
    with pytest.raises(StoryError, match="not done after"):
        follow(choose(story="clears"), airflow)


def test_a_task_that_refuses_with_a_reason_is_marked_and_the_story_goes_on() -> None:
    airflow = Airflow()
    airflow.when_cleared_alone, airflow.words = "failed", "RefusedError: the target is the owner"
    done = follow(choose(story="clears"), airflow)
    assert done.did[1:3] == ["clear validate.compare alone", "mark validate.compare"]
    assert done.did[-1] == "retire.ask Proceed"


@pytest.mark.parametrize(
    ("failed", "refused"),
    [
        (["switch_dns.shift"], ""),
        ([], "was to fail, and did not"),
        (["switch_dns.shift", "rollback.name"], "died"),
    ],
)
def test_a_story_in_which_one_task_fails_wants_that_one_and_no_other(failed: list[str], refused: str) -> None:
    robot = Robot(
        Airflow(),
        "d",
        "r",
        choose(story="breach").acts,
        lambda text: None,
        expected_failure="switch_dns.shift",
    )
    known = ["switch_dns.shift", "switch_dns.in_sync", "rollback.name"]
    tasks = [{"task_id": t, "state": "failed" if t in failed else "upstream_failed"} for t in known]
    if not failed:
        tasks = [{**t, "state": "success"} for t in tasks]
    if refused:
        with pytest.raises(StoryError, match=refused):
            robot._nothing_died(tasks)
    else:
        robot._nothing_died(tasks)


class Emergency(Airflow):
    """The run of the migration, and the emergency's own, which is green as soon as it was answered."""

    def __init__(self) -> None:
        super().__init__()
        # the watch of both sites ends with the run that is marked as failed
        self.states = {"switch_dns.watch": "failed", "switchover.switch_over": "skipped", **self.states}
        self.tries.update({"switch_dns.watch": 1, "switchover.switch_over": 1})
        self.promoted = "awaiting_input"

    def run(self, dag_id: str, run_id: str) -> Json:
        if dag_id == "promote":
            return {"state": "success" if self.promoted == "success" else "running"}
        return super().run(dag_id, run_id)

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        if dag_id == "promote":
            return [{"task_id": "ask", "state": self.promoted, "try_number": 1, "map_index": -1}]
        return super().task_instances(dag_id, run_id)

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, params: Json) -> None:
        if dag_id == "promote":
            assert params["word"] == "the source of shop is off"
            self.promoted = "success"
            self.did.append(option)
            return
        super().answer(dag_id, run_id, task_id, option, params)


def test_the_data_centre_dies_and_what_is_left_is_retired() -> None:
    done = follow(choose(story="promote"), Emergency())
    assert done.did == [
        "switch_dns.ask Proceed",
        "kill",
        "fail the run",
        "Promote",
        "mark switch_dns.watch",
        "mark switchover.ask",
        "mark switchover.switch_over",
        "clear retire.ask",
        "retire.ask Proceed",
    ]


def test_a_run_is_abandoned_when_its_chapter_is_done() -> None:
    airflow = Airflow()
    scenario = choose("validate")
    robot = Robot(
        airflow, "d", "r", scenario.acts, lambda text: None, clock=lambda: airflow.now, sleep=airflow.sleep
    )
    robot.follow(timeout=600)
    assert airflow.did == ["fail the run"]


def test_a_task_that_does_not_end_with_its_run_is_told() -> None:
    airflow = Airflow()
    airflow.fail_run = lambda dag_id, run_id: airflow.states.update({"switch_dns.ask": "running"})  # type: ignore[method-assign]
    robot = Robot(
        airflow,
        "d",
        "r",
        choose("validate").acts,
        lambda text: None,
        clock=lambda: airflow.now,
        sleep=airflow.sleep,
    )
    with raises(StoryError, "120 s", "switch_dns.ask"):
        robot.follow(timeout=600)
