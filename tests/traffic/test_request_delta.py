"""What users met around a move, from the servers' own counters."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.model.errors import UnreachableError
from livemove.model.ledger import RequestsAround as Requests
from livemove.model.ledger import StepTaken, SwitchoverRecord
from livemove.model.spec import Side
from livemove.traffic.adapters import request_delta as around
from livemove.traffic.adapters.counters import Count
from livemove.traffic.adapters.request_delta import RequestsAround, between
from tests.doubles.worlds import MemoryWorld


def move(*steps: int, fenced_ms: int | None = 300) -> SwitchoverRecord:
    taken = [StepTaken(step=n, name="a step", ms=1) for n in steps]
    return SwitchoverRecord(epoch=2, from_=Side.SOURCE, to=Side.TARGET, steps=taken, fenced_ms=fenced_ms)


MOVE = move(0, 1)


def test_all_servers_together() -> None:
    before = {"a": Count(100, 1, 2.0), "b": Count(10, 0, 1.0)}
    after = {"a": Count(150, 4, 3.0), "b": Count(15, 0, 1.0)}
    assert between(before, after) == {"requests": 55, "errors": 3, "not_counted": []}


def test_who_does_not_tell_is_named_and_not_guessed() -> None:
    before = {"a": Count(100, 1), "b": Count(10, None), "c": None, "d": Count(900)}
    after = {"a": Count(150, 4), "b": Count(15, None), "c": Count(7), "d": Count(3)}
    assert between(before, after) == {"requests": 55, "errors": None, "not_counted": ["c", "d"]}


class Counted(MemoryWorld):
    def hosts(self) -> list[Any]:
        return [object()] * len(self.spec.servers)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Counted:
    numbers = iter(range(100, 10_000, 100))

    def read(world: object, server: Any, host: object) -> Count:
        if server.name == "idc_web":
            raise UnreachableError("gone")
        return Count(next(numbers), 0)

    monkeypatch.setattr(around, "read_count", read)
    return Counted()


def test_it_is_kept_beside_the_move(world: Counted) -> None:
    counting = RequestsAround(world)  # type: ignore[arg-type]
    world.clock.sleep(4)
    counting.keep(MOVE)
    assert world.ledger.load(Requests, epoch=2) == Requests(
        epoch=2, requests=100, errors=0, not_counted=["idc_web"], seconds=4.0
    )


@pytest.mark.parametrize("part", [move(7), move(), move(10, fenced_ms=None), move(0, fenced_ms=None)])
def test_a_move_of_which_only_a_part_lay_in_between_is_not_counted(
    world: Counted, part: SwitchoverRecord
) -> None:
    RequestsAround(world).keep(part)  # type: ignore[arg-type]
    assert world.ledger.documents("users/") == []


def test_counters_that_tell_of_a_minute_ago_are_not_asked(world: Counted) -> None:
    world.with_(drain={"source": "cloudwatch"})
    RequestsAround(world).keep(MOVE)  # type: ignore[arg-type]
    assert world.ledger.documents("users/") == []
