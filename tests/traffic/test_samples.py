"""Requests are counted while anything is waited for: never too often, and never so that a wait would fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livemove.dag import OBSERVERS
from livemove.model.errors import UnreachableError
from livemove.model.spec import Server, Side
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import look_and_notice
from livemove.traffic.adapters import samples as sampling
from livemove.traffic.adapters.counters import Count
from tests.doubles.worlds import MemoryWorld


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryWorld]:
    sampling._paces.clear()
    monkeypatch.setattr(sampling, "target_exists", lambda world: True)
    monkeypatch.setattr(sampling, "_behind", lambda world: 0.5)
    monkeypatch.setattr(MemoryWorld, "host", lambda self, server: None, raising=False)
    monkeypatch.setattr("livemove.schema.adapters.ddl_watch.notice_ddl", lambda world, awaited: "")
    yield MemoryWorld()
    sampling._paces.clear()


def nothing(world: MemoryWorld, state: object) -> PollResult:
    return PollResult(False, "nothing yet")


def count(monkeypatch: pytest.MonkeyPatch, **requests: int | None) -> None:
    def read(world: MemoryWorld, server: Server, host: object) -> Count:
        n = requests[server.name]
        if n is None:
            raise UnreachableError(f"{server.name} is silent")
        return Count(n, 0, n / 100)

    monkeypatch.setattr(sampling, "read_count", read)


def look(world: MemoryWorld) -> None:
    assert (
        look_and_notice(world, {}, look=f"{__name__}.nothing", observers=OBSERVERS).message == "nothing yet"
    )  # type: ignore[arg-type]


def test_each_wait_leaves_the_requests_of_both_sites(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(monkeypatch, idc_web=100, cloud_web=None)
    look(world)
    sampling._paces.clear()
    world.clock.sleep(5)
    count(monkeypatch, idc_web=160, cloud_web=None)
    look(world)
    (point,) = world.ledger.kept["trail/traffic"]["points"]
    assert (point["s"], point["behind"]) == (5, 0.5)
    assert point[str(Side.SOURCE)] == {"requests": 60, "errors": 0, "seconds": 0.6}
    assert point[str(Side.TARGET)] is None, "one that does not answer did not answer nothing"


def test_a_look_that_comes_too_soon_asks_nobody(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    count(monkeypatch, idc_web=100, cloud_web=0)
    look(world)
    before = dict(world.ledger.kept["trail/traffic"])
    world.clock.sleep(500)
    look(world)
    assert world.ledger.kept["trail/traffic"] == before


def test_a_long_wait_is_looked_at_seldom_and_a_new_one_closely(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[float] = []
    now = [0.0]
    monkeypatch.setattr(sampling, "_look", lambda world: looked.append(now[0]))
    monkeypatch.setattr(sampling.time, "monotonic", lambda: now[0])
    for second in range(4 * 3600):
        now[0] = float(second)
        sampling.sample_requests(world, "soak")  # type: ignore[arg-type]
    assert len([t for t in looked if t < 60]) > 20
    assert 55 < len([t for t in looked if t >= 3 * 3600]) <= 61
    looked.clear()
    for _ in range(60):
        now[0] += 1
        sampling.sample_requests(world, "propagation")  # type: ignore[arg-type]
    assert len(looked) > 20


def test_whatever_goes_wrong_the_wait_goes_on(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(world: MemoryWorld) -> bool:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(sampling, "target_exists", broken)
    look(world)
    assert world.ledger.kept == {}
