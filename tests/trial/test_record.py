"""A scratch record beside the public name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from livemove.model.errors import DnsError
from livemove.model.ports import Answer, RecordSet
from livemove.trial.adapters.record import ADDRESS, name_of, remove_record, try_record
from tests.doubles.memory import HandClock
from tests.doubles.worlds import OLD, MemoryWorld
from tests.raising import raises


class Served:
    """Name servers that answer what the zone has, `late` questions later."""

    def __init__(self, world: Any, late: int = 0) -> None:
        self.world, self.late = world, late

    def ask(self, server: str, name: str, type: str = "A", *, recurse: bool = True) -> Answer:
        self.late -= 1
        sets = self.world.zone.records(name) if self.late < 0 else []
        return Answer(server, tuple(v for s in sets for v in s.values), 60, self.world.clock.now())


class World(MemoryWorld):
    late = 0

    @property
    def resolvers(self) -> Any:
        if not hasattr(self, "_served"):
            self._served = Served(self, self.late)
        return self._served


@pytest.fixture
def world() -> World:
    return World().with_(dns={"provider": "route53"})  # type: ignore[return-value]


def test_a_record_is_made_answered_and_removed(world: World) -> None:
    world.zone.delay = 3
    findings, measured = try_record(world)  # type: ignore[arg-type]
    assert [str(f.severity) for f in findings] == ["ok"]
    assert measured["served"] >= measured["in_sync"] > 0
    assert world.zone.sets == [OLD]
    made, removed = world.zone.changes
    assert made == ((), (RecordSet(name_of(world.spec.dns.name), "A", 60, (ADDRESS,)),))
    assert removed == (made[1], ())


def test_one_that_an_earlier_trial_left_goes_first(world: World) -> None:
    left = RecordSet(name_of(world.spec.dns.name), "A", 5, ("192.0.2.9",))
    world.zone.sets.append(left)
    try_record(world)  # type: ignore[arg-type]
    assert world.zone.sets == [OLD]
    assert world.zone.changes[0] == ((left,), ())


@pytest.mark.parametrize("what", ["INSYNC", "192.0.2.53"])
def test_one_that_is_not_there_in_time_is_said_and_removed(world: World, what: str) -> None:
    if what == "INSYNC":
        world.zone.delay = 10_000
    else:
        world.late = 10_000
    with raises(DnsError, what):
        try_record(world)  # type: ignore[arg-type]
    assert world.zone.sets == [OLD]


def test_another_provider_is_left_alone(world: World) -> None:
    world.with_(dns={"provider": "manual"})
    findings, measured = try_record(world)  # type: ignore[arg-type]
    assert "not tried" in findings[0].measured
    assert (measured, world.zone.changes) == ({}, [])


def test_removing_twice_is_removing_once(world: World) -> None:
    world.zone.sets.append(replace(OLD, name=name_of("www.shop.test")))
    assert remove_record(world.zone, "www.shop.test") is True
    assert remove_record(world.zone, "www.shop.test") is False
    assert isinstance(world.clock, HandClock)
