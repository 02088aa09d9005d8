"""The shift by weights with in-memory ports: steps that hold, go on, stop or go back by the measured load."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, time
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from livemove.dns.record import at_share
from livemove.dns.sensors import look_at_propagation
from livemove.model.errors import DnsError, RefusedError, StaleApprovalError
from livemove.model.ledger import WatchLook
from livemove.model.spec import Side
from livemove.reporting.adapters.evidence import standing_breach
from livemove.reporting.operators.gate import MigrationGate
from livemove.runtime import polling_trigger as polling
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.switchover.rollback import failure
from livemove.traffic.sensors import shift
from livemove.traffic.sensors.shift import (
    ShiftSensor,
    WatchSensor,
    look_at_baseline,
    look_at_both_sites,
    look_at_shift,
)
from tests.doubles.worlds import OLD, TARGET, MemoryWorld
from tests.raising import raises

NEW = {"A": (TARGET,)}
BASE = (replace(OLD, ttl=5),)


class Site:
    """Both sites answer so many requests a second, of which the cloud fails so many."""

    def __init__(self, world: MemoryWorld) -> None:
        self.world, self.rate, self.failing, self.ill = world, 100.0, 0.0, ""
        self.count = {"idc_web": [0, 0], "cloud_web": [0, 0]}

    def pass_(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)
        for name, (n, errors) in self.count.items():
            more = round(self.rate * seconds)
            self.count[name] = [n + more, errors + round(more * self.failing * (name == "cloud_web"))]

    def observe(self, world: MemoryWorld) -> dict[str, Any]:
        servers = {
            name: {"requests": n, "errors": e, "seconds": n * 0.02, "healthy": name != self.ill}
            for name, (n, e) in self.count.items()
        }
        return {"at": world.clock.now().timestamp(), "servers": servers, "load": 2, "lag": 0.0}


@pytest.fixture
def world() -> MemoryWorld:
    world = MemoryWorld().with_(dns={"steps": (5, 25, 100)}, watch={"hold": 10, "on_breach": "rollback"})
    world.ledger.write("dns/before", {"records": watching_document(OLD)})
    world.ledger.write("approvals/switch_dns", {"option": "Proceed"})
    world.ledger.write("baseline", {"errors": 0.0, "latency": 0.02, "load": 2})
    world.zone.sets = list(at_share(5, BASE, NEW, 5))
    return world


def watching_document(*records: Any) -> Any:
    from livemove.dns.record import as_document

    return as_document(records)


@pytest.fixture
def site(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(world)
    monkeypatch.setattr(shift, "observe", site.observe)
    return site


def go(site: Site, seconds: float, state: dict[str, Any] | None = None) -> PollResult:
    look = look_at_shift(site.world, state or {})  # type: ignore[arg-type]
    for _ in range(int(seconds)):
        if look.done:
            break
        site.pass_(1)
        look = look_at_shift(site.world, look.state)  # type: ignore[arg-type]
    return look


def weights(world: MemoryWorld) -> list[int | None]:
    return [s.weight for s in world.zone.sets]


def test_each_step_is_held_until_it_was_clean_and_then_the_next_is_taken(site: Site) -> None:
    look = go(site, 9)
    assert weights(site.world) == [95, 5]
    look = go(site, 1, look.state)
    assert weights(site.world) == [75, 25]
    look = go(site, 11, look.state)
    assert weights(site.world) == [None]
    assert site.world.zone.sets[0].values == (TARGET,)
    assert not look.done
    look = go(site, 11, look.state)
    assert look.done
    assert [e["event"] for e in site.world.ledger.noted] == ["record_shifted"] * 2


def test_a_quiet_step_is_held_until_enough_requests_were_seen(site: Site) -> None:
    site.rate = 4
    go(site, 30)
    assert weights(site.world) == [95, 5]


def test_a_second_look_at_the_same_moment_takes_no_second_step(site: Site) -> None:
    look = go(site, 10)
    again = look_at_shift(site.world, look.state)  # type: ignore[arg-type]
    assert weights(site.world) == [75, 25]
    assert again.state["share"] == 25


def test_outside_the_window_the_share_stays_where_it_is(site: Site) -> None:
    site.world.with_(window={"opens": time(4), "closes": time(5)})  # it is 03:30
    look = go(site, 20)
    assert weights(site.world) == [95, 5]
    assert "is closed" in look.message


def test_without_the_approval_no_step_is_taken(site: Site) -> None:
    site.world.ledger.write("approvals/switch_dns", {"option": None, "withdrawn": "rolled back"})
    with pytest.raises(RefusedError, match="withdrawn"):
        go(site, 20)


def test_a_breach_puts_the_record_back_in_the_same_look(site: Site) -> None:
    site.failing = 0.05
    look = go(site, 20)
    assert look.done
    assert site.world.zone.sets == [replace(OLD, ttl=5)]
    found = site.world.ledger.read("dns/breach") or {}
    assert (found["share"], found["restored_ms"]) == (5, 0)
    assert "failed (5.0%; at most 2.0%)" in found["reasons"][0]
    with raises(AirflowFailException, "clear switch_dns.baseline") as failed:
        ShiftSensor(task_id="t", service="shop").finish(site.world, look.state)  # type: ignore[arg-type]
    assert not failure(failed.value)["harmless"]
    with raises(DnsError, "clear switch_dns.baseline"):
        look_at_propagation(site.world, {}, expected="target")  # type: ignore[arg-type]
    with raises(DnsError, "clear switch_dns.baseline"):
        look_at_shift(site.world, {})  # type: ignore[arg-type]


@pytest.mark.parametrize("why", ["ask", "the old site is ill"])
def test_where_a_person_decides_the_record_stands(site: Site, why: str) -> None:
    site.failing = 0.05
    if why == "ask":
        site.world.with_(watch={"on_breach": "ask"})
    else:
        site.ill = "idc_web"
    look = go(site, 20)
    assert look.done
    assert weights(site.world) == [95, 5]
    with raises(AirflowFailException, "clear switch_dns.ask") as failed:
        ShiftSensor(task_id="t", service="shop").finish(site.world, look.state)  # type: ignore[arg-type]
    # rollback.automatic must not decide in the person's place
    assert failure(failed.value)["harmless"]


def test_a_strangers_record_ends_the_shift(site: Site) -> None:
    site.world.zone.sets = [replace(OLD, values=("203.0.113.9",))]
    with pytest.raises(StaleApprovalError, match="which livemove did not set"):
        go(site, 1)


def test_the_watch_ends_with_the_answer_about_the_writes_and_acts_until_then(site: Site) -> None:
    world = site.world
    world.zone.sets = [replace(OLD, ttl=5, values=(TARGET,))]
    look = look_at_both_sites(world, {"since": "2026-11-23T18:30:00+00:00"})  # type: ignore[arg-type]
    for _ in range(30):
        site.pass_(1)
        look = look_at_both_sites(world, look.state)  # type: ignore[arg-type]
    assert not look.done
    assert len(look.state["samples"]) <= 12
    answered = {"option": "Proceed", "at": "2026-11-23T18:40:00+00:00"}
    world.ledger.write("approvals/switchover", {**answered, "at": "2026-11-22T18:40:00+00:00"})
    assert not look_at_both_sites(world, look.state).done  # type: ignore[arg-type]
    world.ledger.write("approvals/switchover", answered)
    assert look_at_both_sites(world, look.state).done  # type: ignore[arg-type]
    world.ledger.write("approvals/switchover", {})
    answer = {"chosen_options": ["Proceed"], "responded_at": datetime(2026, 11, 23, 18, 40, tzinfo=UTC)}
    MigrationGate._keep_answer(SimpleNamespace(gate="switchover"), world, answer)  # type: ignore[arg-type]
    assert look_at_both_sites(world, look.state).done  # type: ignore[arg-type]
    world.ledger.write("approvals/switchover", {})
    site.failing = 0.5
    site.pass_(1)
    assert "breach" in look_at_both_sites(world, look.state).state  # type: ignore[arg-type]
    assert world.zone.sets == [replace(OLD, ttl=5)]


def test_where_a_person_decides_the_watch_tells_a_breach_and_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = site.world
    world.with_(watch={"on_breach": "ask"})
    world.zone.sets = [replace(OLD, ttl=5, values=(TARGET,))]
    heard: list[str] = []
    monkeypatch.setattr(
        "livemove.traffic.sensors.shift.SpecNotifier",
        lambda **of: lambda context: heard.append(f"{of['moment']}: {context['exception']}"),
    )
    sensor, looks = WatchSensor(task_id="watch", service="shop"), []
    look = look_at_both_sites(world, {"since": "2026-11-23T18:30:00+00:00"})  # type: ignore[arg-type]
    for second in range(60):
        site.failing = 0.5 if 10 <= second < 20 or second >= 50 else 0.0
        site.pass_(1)
        look = look_at_both_sites(world, look.state)  # type: ignore[arg-type]
        if look.done:
            looks.append(second)
            again = sensor.goes_on({}, world, look.state)  # type: ignore[arg-type]
            assert again is not None
            look = replace(look, state=json.loads(json.dumps(again)))
        elif second in (15, 55):
            assert "; still: " in look.message
    # told when it began, not at every look, and again when it came back
    assert looks == [10, 50]
    assert len(heard) == 2
    assert heard[0].startswith("breach: At 100 % of the answers: ")
    assert world.zone.sets == [replace(OLD, ttl=5, values=(TARGET,))]
    assert standing_breach(world)  # type: ignore[arg-type]
    newest = world.ledger.load(WatchLook)
    assert newest
    assert newest.breach
    world.ledger.write("approvals/switchover", {"option": "Proceed", "at": "2026-11-23T18:40:00+00:00"})
    look = look_at_both_sites(world, look.state)  # type: ignore[arg-type]
    assert look.done
    assert sensor.goes_on({}, world, look.state) is None  # type: ignore[arg-type]
    sensor.finish(world, look.state)  # type: ignore[arg-type]


@pytest.mark.parametrize("now", [Side.TARGET, RefusedError("committed, not open"), Side.SOURCE])
def test_a_watch_that_is_cleared_after_the_writes_moved_is_over_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, now: Side | RefusedError
) -> None:
    def owner(world: MemoryWorld) -> Side:
        if isinstance(now, RefusedError):
            raise now
        return now

    monkeypatch.setattr("livemove.control.adapters.state.owner", owner)
    for sensor, look in ((WatchSensor, look_at_both_sites), (ShiftSensor, look_at_shift)):
        task = sensor(task_id="t", service="shop")
        seen = look(site.world, task.begin(site.world))  # type: ignore[arg-type]
        assert seen.done is (now is not Side.SOURCE)
        if seen.done:
            task.finish(site.world, seen.state)  # type: ignore[arg-type]


def test_what_is_normal_is_measured_for_the_specs_time(site: Site) -> None:
    look = look_at_baseline(site.world, {})  # type: ignore[arg-type]
    for _ in range(3):
        assert not look.done
        site.pass_(1)
        look = look_at_baseline(site.world, look.state)  # type: ignore[arg-type]
    assert look.done
    assert (site.world.ledger.read("baseline") or {})["rate"] == 100


def test_the_triggerer_sees_the_breach_puts_the_record_back_and_the_task_fails_for_good(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way from task to triggerer and back, with everything that Airflow keeps in between as JSON."""
    monkeypatch.setattr("livemove.control.adapters.state.owner", lambda world: Side.SOURCE)
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: site.world)
    monkeypatch.setattr(polling, "ServiceContext", lambda *_, **__: site.world)

    async def second(seconds: float) -> None:
        site.pass_(1)

    monkeypatch.setattr(polling.asyncio, "sleep", second)
    sensor = ShiftSensor(task_id="shift", service="shop")
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({"params": {}, "run_id": "r"})
    site.failing = 0.05
    _, arguments = deferred.value.trigger.serialize()
    trigger = polling.PollingTrigger(**json.loads(json.dumps(arguments)))

    async def event() -> Any:
        async for seen in trigger.run():
            return seen.payload
        raise AssertionError("no event")

    told = json.loads(json.dumps(asyncio.run(event())))
    assert site.world.zone.sets == [replace(OLD, ttl=5)]
    with raises(AirflowFailException, "clear switch_dns.baseline"):
        sensor.resume({}, told)
