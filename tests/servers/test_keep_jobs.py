"""Jobs beside the owner only, before both sites serve."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.control.adapters import state as standing
from livemove.model.errors import UnreachableError
from livemove.model.ports import Reply
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator
from livemove.servers.adapters import servers
from livemove.servers.operators.servers import KeepJobsOperator
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises


class Fleet:
    said: list[str] = []
    fails = ""

    def __init__(self, site: Side) -> None:
        self.site = site

    @classmethod
    def of(cls, world: Any, site: Side) -> Fleet:
        return cls(site)

    def _do(self, what: str) -> list[Reply]:
        self.said.append(f"{self.site} {what}")
        return [Reply(f"{self.site}_web", self.said[-1] != self.fails, what, {})]

    def jobs_off(self) -> list[Reply]:
        return self._do("off")

    def jobs_on(self, owner: Side) -> list[Reply]:
        return self._do("on")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    world = MemoryWorld().with_(site_state={"jobs": "source"})
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    monkeypatch.setattr(servers, "Servers", Fleet)
    monkeypatch.setattr(standing, "owner", lambda world: Side.SOURCE)
    monkeypatch.setattr(Fleet, "said", [])
    monkeypatch.setattr(Fleet, "fails", "")
    return world


def run() -> Any:
    return KeepJobsOperator(task_id="t", service="shop").execute({})


def test_they_stop_at_the_other_site_before_they_run_at_the_owners(world: MemoryWorld) -> None:
    assert run() == {"target_web": "off", "source_web": "on"}
    assert Fleet.said == ["target off", "source on"]


def test_where_both_sites_run_them_nothing_is_touched(world: MemoryWorld) -> None:
    world.with_(site_state={"jobs": "both"})
    assert run() == {}
    assert Fleet.said == []


def test_a_server_that_keeps_its_jobs_stops_the_story(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fleet, "fails", "target off")
    with raises(UnreachableError, "target_web", "off"):
        run()
