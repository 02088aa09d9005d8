"""Arrival at the follower: two watermark rows, within the time that is given."""

from __future__ import annotations

import pytest

from livemove.model.errors import LivemoveError
from livemove.model.spec import Side
from livemove.runtime import watermarks
from tests.doubles.memory import HandClock
from tests.doubles.moving import Universe


@pytest.fixture
def world() -> Universe:
    return Universe()


def test_two_watermarks_have_come_when_it_has_arrived(world: Universe) -> None:
    source, target = world.db[Side.SOURCE], world.db[Side.TARGET]
    arrived = watermarks.by_watermark(source, target, Side.SOURCE, world.clock)
    for calls in (1, 2):
        assert arrived(60)
        assert len(target.marks) == 2 * calls


def test_a_watermark_that_does_not_come_is_waited_for_no_longer_than_asked(
    world: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(1000))
    monkeypatch.setattr(watermarks.time, "monotonic", lambda: float(next(times)))
    world.replicator.apply = lambda: None  # type: ignore[method-assign]
    source, target = world.db[Side.SOURCE], world.db[Side.TARGET]
    assert not watermarks.by_watermark(source, target, Side.SOURCE, world.clock)(5)
    assert next(times) < 10


def test_a_follower_that_is_too_far_behind_is_not_judged() -> None:
    limits: list[float] = []

    def never(limit: float) -> bool:
        limits.append(limit)
        return False

    with pytest.raises(LivemoveError):
        watermarks.insist(never, "shop.orders")
    assert limits == [watermarks.LIMIT]


def test_without_watermarks_each_look_waits_its_time() -> None:
    clock = HandClock()
    began, arrived = clock.now(), watermarks.by_waiting(clock, (2.0, 4.0))
    assert all(arrived(limit) for limit in (60, 3, 60))
    assert (clock.now() - began).total_seconds() == 2 + 3 + 4
