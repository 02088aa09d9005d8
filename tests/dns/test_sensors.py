"""What each wait looks at, over in-memory ports and a clock wound by hand."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from livemove.dns.operators import LowerTtlOperator
from livemove.dns.sensors import look_at_change, look_at_old_ttl, look_at_propagation
from livemove.model.errors import DnsError, ReplicationError, UnreachableError
from livemove.model.ledger import WayBack
from livemove.model.ports import CommandResult
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.switchover import sensors as window
from livemove.switchover.sensors import SoakSensor, look_at_soak, look_at_window
from livemove.traffic.sensors import drain as traffic
from livemove.traffic.sensors.drain import DrainedSensor, look_at_traffic
from tests.doubles.worlds import TARGET, MemoryWorld
from tests.raising import raises


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    world = MemoryWorld()
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    return world


def lowered(world: MemoryWorld) -> None:
    LowerTtlOperator(task_id="t", service="shop").execute({})


def test_the_old_ttl_is_waited_for_exactly(world: MemoryWorld) -> None:
    lowered(world)
    world.clock.sleep(299)
    look = look_at_old_ttl(world, {})  # type: ignore[arg-type]
    assert (look.done, look.again_in) == (False, 1)
    world.clock.sleep(1)
    assert look_at_old_ttl(world, {}).done  # type: ignore[arg-type]


def test_without_a_lowered_ttl_the_wait_says_what_to_clear(world: MemoryWorld) -> None:
    with raises(DnsError, "clear replicate.lower_ttl"):
        look_at_old_ttl(world, {})  # type: ignore[arg-type]


def test_route_53_is_asked_until_it_is_in_sync(world: MemoryWorld) -> None:
    assert look_at_change(world, {}).done  # type: ignore[arg-type]
    world.ledger.write("dns/change", {"change_id": "C1", "before": []})
    world.zone.delay = 1
    assert not look_at_change(world, {}).done  # type: ignore[arg-type]
    assert look_at_change(world, {}).done  # type: ignore[arg-type]


def test_propagation_asks_authorities_and_caches_and_keeps_each_flip(world: MemoryWorld) -> None:
    caches = world.spec.dns.resolvers
    world.message = {"192.0.2.53": ((TARGET,), 5), **dict.fromkeys(caches, (("192.0.2.1",), 4))}
    look = look_at_propagation(world, {}, expected="target")  # type: ignore[arg-type]
    assert "1 of 5 name servers answer" in look.message
    assert look.again_in == pytest.approx(4.3)
    world.message |= dict.fromkeys(caches[:3], ((TARGET,), 5)) | {caches[3]: (("192.0.2.1",), 19)}
    look = look_at_propagation(world, look.state, expected="target")  # type: ignore[arg-type]
    rows = (world.ledger.read("propagation") or {})["rows"]
    assert (
        [r["server"] for r in rows if not r["flipped_at"]]
        == [r["server"] for r in rows if r["stretches"]]
        == [caches[3]]
    )
    world.message[caches[3]] = ((TARGET,), 20)
    assert look_at_propagation(world, look.state, expected="target").done  # type: ignore[arg-type]


def test_after_a_rollback_the_old_answer_is_the_wanted_one(world: MemoryWorld) -> None:
    lowered(world)
    world.message = dict.fromkeys(("192.0.2.53", *world.spec.dns.resolvers), (("192.0.2.1",), 5))
    assert look_at_propagation(world, {}, expected="source").done  # type: ignore[arg-type]
    assert not look_at_propagation(world, {}, expected="target").done  # type: ignore[arg-type]


def test_a_rollback_before_the_record_was_touched_wants_what_stands_there(world: MemoryWorld) -> None:
    world.message = dict.fromkeys(("192.0.2.53", *world.spec.dns.resolvers), (("192.0.2.1",), 300))
    assert look_at_propagation(world, {}, expected="source").done  # type: ignore[arg-type]


def test_the_window_says_when_it_opens_and_looks_again_in_time(world: MemoryWorld) -> None:
    assert look_at_window(world, {}).message == "The window is open all day"  # type: ignore[arg-type]
    world.with_(window={"opens": time(3, 31), "closes": time(5)})  # it is 03:30 in Seoul
    look = look_at_window(world, {})  # type: ignore[arg-type]
    assert not look.done
    assert "it opens 2026-11-24 03:31" in look.message
    assert look.again_in == 60
    world.clock.sleep(60)
    assert look_at_window(world, {}).done  # type: ignore[arg-type]


def test_a_window_with_a_load_limit_opens_when_the_sites_are_quiet(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"idc_web": 100, "cloud_web": 0}
    monkeypatch.setattr(traffic, "count", lambda world: ({}, dict(counts)))
    world.with_(window={"max_requests": 30.0})
    look = look_at_window(world, {})  # type: ignore[arg-type]
    assert "the load is measured" in look.message
    for served, done in ((200, False), (100, True)):
        world.clock.sleep(5)
        counts["idc_web"] += served
        look = look_at_window(world, look.state)  # type: ignore[arg-type]
        assert look.done is done
    assert "20.0 requests/s (at most 30)" in look.message
    world.clock.sleep(5)
    counts["idc_web"] = 250  # it restarted, and is not quiet
    look = look_at_window(world, look.state)  # type: ignore[arg-type]
    assert not look.done
    assert "50.0 requests/s" in look.message


def test_the_old_sites_long_connections_are_told_to_end(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Told:
        name = "idc_web"

        def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
            told.append(command)
            return CommandResult(0, "12 connections", "")

    servers = list(world.spec.servers)
    commands = servers[0].commands.model_copy(update={"close_idle": "nginx -s reload"})
    servers[0] = servers[0].model_copy(update={"commands": commands})
    world.spec = world.spec.model_copy(update={"servers": tuple(servers)})
    world.hosts = lambda site: [Told()]  # type: ignore[attr-defined]
    assert DrainedSensor(task_id="t", service="shop").begin(world) == {}  # type: ignore[arg-type]
    assert told == ["nginx -s reload"]


def test_by_hand_the_old_ttl_counts_from_when_the_authorities_have_the_new_one(world: MemoryWorld) -> None:
    world.zone.by_hand, world.zone.delay = True, 1
    lowered(world)
    look = look_at_old_ttl(world, {})  # type: ignore[arg-type]
    assert "Somebody has to enter this" in look.message
    world.clock.sleep(1000)
    assert not look_at_old_ttl(world, {}).done  # type: ignore[arg-type]
    world.clock.sleep(300)
    assert look_at_old_ttl(world, {}).done  # type: ignore[arg-type]


WELL: dict[str, object] = {
    "epoch": 2,
    "state": "running",
    "losses": [],
    "lag_ms": 40,
    "message": "Reverse replication runs, 40 ms behind. A rollback loses nothing",
}


class Soaking:
    """A soak of 100 s that began 70 s after the move; `sees`: what each look finds of reverse replication."""

    def __init__(self, world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.sees = world.with_(soak=100), dict(WELL)
        start = world.clock.now() - timedelta(seconds=70)
        world.ledger.write(
            "switchover/2",
            {"epoch": 2, "from": "source", "to": "target", "fenced_ms": 90, "started_at": start.isoformat()},
        )
        monkeypatch.setattr(window, "way_back_look", self._look)

    def _look(self, world: MemoryWorld) -> WayBack:
        if "silent" in self.sees:
            raise UnreachableError("the source does not answer")
        return WayBack.model_validate(self.sees)

    def look(self) -> PollResult:
        state = SoakSensor(task_id="soak", service="shop").begin(self.world)  # type: ignore[arg-type]
        return look_at_soak(self.world, state)  # type: ignore[arg-type]


@pytest.fixture
def soaking(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> Soaking:
    return Soaking(world, monkeypatch)


def test_the_soak_counts_from_the_switchover_also_in_a_second_try(soaking: Soaking) -> None:
    look = soaking.look()
    assert look.again_in == 30
    assert look.message.endswith("Reverse replication runs. A rollback loses nothing")
    kept = soaking.world.ledger.read("soak") or {}
    assert (kept["epoch"], kept["counted"], kept["of"]) == (2, 70, 100)
    soaking.world.clock.sleep(30)
    assert soaking.look().done
    assert "40 ms behind" in soaking.look().message


@pytest.mark.parametrize("trouble", [{"lag_ms": None}, {"state": "starting"}, {"silent": True}])
def test_the_soak_does_not_count_while_the_return_path_is_behind(
    soaking: Soaking, trouble: dict[str, object]
) -> None:
    assert soaking.look().again_in == 30
    soaking.sees = {**WELL, **trouble}
    soaking.world.clock.sleep(20)
    assert "and this time does not count" in soaking.look().message
    soaking.world.clock.sleep(500)
    assert not soaking.look().done
    soaking.sees = WELL
    soaking.world.clock.sleep(25)  # when in these 25 s it caught up is not known
    assert soaking.look().again_in == 30
    soaking.world.clock.sleep(30)
    assert soaking.look().done


@pytest.mark.parametrize(
    "trouble",
    [
        {"state": "failed", "message": "Reverse replication is failed: Last Error 1062"},
        {"losses": ["shop.orders: Table error"], "message": "A rollback would lose writes: shop.orders"},
    ],
)
def test_a_failed_return_path_ends_the_soak_and_keeps_what_counted(
    soaking: Soaking, trouble: dict[str, object]
) -> None:
    soaking.look()
    soaking.sees = {**WELL, **trouble}
    soaking.world.clock.sleep(20)
    with raises(ReplicationError, "clear switchover.return_path") as failed:
        soaking.look()
    assert str(trouble["message"]) in str(failed.value)
    assert "70 s of 100 s are kept" in str(failed.value)
    soaking.sees = WELL
    assert soaking.look().again_in == 30


def test_a_soak_of_an_earlier_move_does_not_count_for_this_one(soaking: Soaking) -> None:
    soaking.world.ledger.write(
        "soak", {"epoch": 1, "counted": 99.0, "at": "2026-11-22T18:00:00+00:00", "current": True}
    )
    assert soaking.look().again_in == 30


def test_the_drain_is_kept_for_the_gate_and_leaves_no_samples_behind(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"idc_web": 100, "cloud_web": 0}
    sites = {"idc_web": Side.SOURCE, "cloud_web": Side.TARGET}
    monkeypatch.setattr(traffic, "count", lambda world: (sites, dict(counts)))
    look = look_at_traffic(world, {})  # type: ignore[arg-type]
    for _ in range(5):
        assert not look.done
        assert look.again_in == 1
        world.clock.sleep(1)
        counts["cloud_web"] += 10
        look = look_at_traffic(world, look.state)  # type: ignore[arg-type]
    assert look.done
    assert "samples" not in look.state
    kept = world.ledger.read("drain") or {}
    assert kept["done"]
    assert kept["share"] == 0.0
    assert kept["rates"] == {"source": 0.0, "target": 10.0}
