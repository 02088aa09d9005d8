"""Waiting for watermarks: how long one took, never without a limit, and two after each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from livemove.model.errors import LivemoveError
from livemove.model.spec import Side
from livemove.runtime.deadlines import Deadline
from livemove.runtime.watermarks import (
    LIMIT,
    by_waiting,
    by_watermark,
    require_arrival,
    wait_for_watermark,
    watermark_trip,
)
from tests.doubles.memory import HandClock
from tests.raising import raises


@dataclass
class Way:
    """Owner and follower in one: what is written arrives after `delay` seconds."""

    clock: HandClock = field(default_factory=HandClock)
    delay: float = 0.0
    written: dict[tuple[Side, str, int], object] = field(default_factory=dict)

    def write_watermark(self, reads: Side, stream: str, number: int) -> None:
        self.written[reads, stream, number] = self.clock.now() + timedelta(seconds=self.delay)

    def has_watermark(self, reads: Side, stream: str, number: int) -> bool:
        due = self.written.get((reads, stream, number))
        return due is not None and due <= self.clock.now()  # type: ignore[operator]


def trip(way: Way, seconds: float, every: float = 0.5) -> float | None:
    limit = Deadline(way.clock, seconds)
    return watermark_trip(way, way, Side.SOURCE, "s", 1, limit, every=every)  # type: ignore[arg-type]


def test_a_trip_takes_as_long_as_the_row_did() -> None:
    assert trip(Way(), 10) == 0
    assert trip(Way(delay=2), 10) == 2


def test_a_row_that_does_not_come_has_no_trip() -> None:
    way = Way(delay=60)
    assert trip(way, 10) is None
    assert way.clock.now() >= Way().clock.now() + timedelta(seconds=10)


def test_a_row_that_nobody_wrote_is_waited_for_in_vain() -> None:
    way = Way()
    way.write_watermark(Side.SOURCE, "s", 1)
    limit = Deadline(way.clock, 3)
    assert not wait_for_watermark(way, Side.SOURCE, "s", 2, limit)  # type: ignore[arg-type]
    assert not wait_for_watermark(way, Side.TARGET, "s", 1, limit)  # type: ignore[arg-type]
    assert wait_for_watermark(way, Side.SOURCE, "s", 1, limit)  # type: ignore[arg-type]


def test_arrival_is_two_rows_within_one_limit() -> None:
    way = Way(delay=6)
    arrived = by_watermark(way, way, Side.SOURCE, way.clock)  # type: ignore[arg-type]
    assert arrived(20)
    assert len(way.written) == 2
    assert not arrived(10)
    # a later call never takes an earlier one's rows for its own
    assert sorted(number for _, _, number in way.written) == [1, 2, 3, 4]


def test_a_follower_that_is_too_far_behind_is_not_judged() -> None:
    way = Way(delay=LIMIT)
    with raises(LivemoveError, "shop.orders"):
        require_arrival(by_watermark(way, way, Side.SOURCE, way.clock), "shop.orders")  # type: ignore[arg-type]


def test_without_a_watermark_table_each_call_waits_its_time() -> None:
    clock = HandClock()
    began, arrived = clock.now(), by_waiting(clock, (2.0, 4.0))
    assert all(arrived(limit) for limit in (60, 3, 60))
    assert (clock.now() - began).total_seconds() == 2 + 3 + 4
