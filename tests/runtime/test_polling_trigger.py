"""The trigger behind every long wait: patience, deadline, and what it hands back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from livemove.model.errors import DnsError, LivemoveError, RefusedError, UnreachableError
from livemove.runtime import polling_trigger as polling
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.runtime.polling_trigger import PollingTrigger
from livemove.runtime.sensor import WatchingSensor
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises

SCRIPT: list[PollResult | Exception] = []


def look(world: Any, state: dict[str, Any], **arguments: Any) -> PollResult:
    """Plays the script; the last entry repeats. The state counts the looks."""
    step = SCRIPT.pop(0) if len(SCRIPT) > 1 else SCRIPT[0]
    if isinstance(step, Exception):
        raise step
    return PollResult(
        step.done, step.message, {"looks": state.get("looks", 0) + 1, **arguments}, step.again_in
    )


WAITING, THERE = PollResult(False, "not yet", again_in=0), PollResult(True, "there")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(seconds: float) -> None: ...

    monkeypatch.setattr(polling.asyncio, "sleep", at_once)


def event(*script: PollResult | Exception, **options: Any) -> dict[str, Any]:
    SCRIPT[:] = script
    trigger = PollingTrigger(service="shop", look=f"{__name__}.look", **options)
    # as Airflow does between task and triggerer
    path, arguments = trigger.serialize()
    assert path == f"{PollingTrigger.__module__}.{PollingTrigger.__name__}"

    async def first() -> dict[str, Any]:
        async for seen in PollingTrigger(**arguments).run():
            return dict(seen.payload)
        raise AssertionError("no event")

    return asyncio.run(first())


def test_it_looks_until_done_and_hands_back_the_state() -> None:
    seen = event(WAITING, WAITING, THERE, arguments={"expected": "target"})
    assert seen == {
        "done": True,
        "timed_out": False,
        "error": "",
        "message": "there",
        "state": {"looks": 3, "expected": "target"},
        "since": "",
    }


def test_a_few_timeouts_do_not_end_a_long_wait() -> None:
    assert event(UnreachableError("gone"), OSError("reset"), WAITING, UnreachableError("gone"), THERE)["done"]


def test_failures_with_answers_in_between_never_add_up() -> None:
    assert event(*[UnreachableError("gone"), WAITING] * polling.PATIENCE, THERE)["done"]


def test_an_outage_that_stays_ends_it_with_its_words() -> None:
    seen = event(UnreachableError("the ledger is gone"))
    assert not seen["done"]
    assert "UnreachableError: the ledger is gone" in seen["error"]


def test_what_waiting_cannot_mend_ends_it_at_once() -> None:
    assert "no such zone" in event(DnsError("no such zone"), THERE)["error"]


def test_past_the_deadline_it_tells_what_was_missing() -> None:
    seen = event(WAITING, deadline="2020-01-01T00:00:00+00:00")
    assert (seen["timed_out"], seen["done"], seen["message"]) == (True, False, "not yet")


class Sensor(WatchingSensor):
    look = f"{__name__}.look"

    def limit(self, world: Any) -> float:
        return 60

    def finish(self, world: Any, state: dict[str, Any]) -> Any:
        return state


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> Sensor:
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: MemoryWorld())
    return Sensor(task_id="wait", service="shop")


def test_a_wait_that_is_over_is_not_deferred(sensor: Sensor) -> None:
    SCRIPT[:] = [THERE]
    assert sensor.execute({"params": {}, "run_id": "r"}) == {"looks": 1}


def test_the_first_look_is_handed_to_the_triggerer(sensor: Sensor) -> None:
    SCRIPT[:] = [WAITING]
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({"params": {"soak": 9}, "run_id": "r"})
    trigger = deferred.value.trigger
    assert isinstance(trigger, PollingTrigger)
    assert (trigger.state, trigger.params, trigger.at_task) == ({"looks": 1}, {"soak": 9}, "wait")
    assert trigger.deadline == "2026-11-23T18:31:00+00:00"


def test_what_the_triggerer_saw_becomes_result_or_error(sensor: Sensor) -> None:
    base = {"done": True, "timed_out": False, "error": "", "message": "there", "state": {"looks": 7}}
    assert sensor.resume({}, base) == {"looks": 7}
    with raises(RefusedError, "60 s", "half way"):
        sensor.resume({}, {**base, "done": False, "timed_out": True, "message": "half way"})
    with raises(LivemoveError, "DnsError: no such zone"):
        sensor.resume({}, {**base, "done": False, "error": "DnsError: no such zone"})


def test_how_long_it_waited_is_kept_for_the_report_whatever_came_of_it(
    sensor: Sensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = MemoryWorld()
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    since = (world.clock.now() - timedelta(seconds=90)).isoformat()
    base = {"done": True, "timed_out": False, "error": "", "message": "there", "state": {}, "since": since}
    sensor.resume({}, base)
    with pytest.raises(LivemoveError):
        sensor.resume({}, {**base, "error": "DnsError: gone", "message": ""})
    told = [(e["event"], e["since"], e["seconds"], e["message"]) for e in world.ledger.noted]
    assert told == [("waited", since, 90.0, "there"), ("waited", since, 90.0, "DnsError: gone")]


def test_the_first_look_is_when_the_wait_began(sensor: Sensor) -> None:
    SCRIPT[:] = [WAITING]
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({"params": {}, "run_id": "r"})
    assert deferred.value.trigger.since == MemoryWorld().clock.now().isoformat()
