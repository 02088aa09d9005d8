"""What each wait looks at, over in-memory ports and a clock wound by hand."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from livemove.errors import DnsError
from livemove.operators.base import LivemoveOperator
from livemove.operators.record import LowerTtlOperator
from livemove.sensors import traffic
from livemove.sensors.propagation import look_at_change, look_at_old_ttl, look_at_propagation
from livemove.sensors.traffic import look_at_traffic
from livemove.sensors.window import SoakSensor, look_at_soak, look_at_window
from livemove.spec import Side
from tests.doubles.worlds import TARGET, MemoryWorld


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
    with pytest.raises(DnsError, match=r"clear replicate\.lower_ttl"):
        look_at_old_ttl(world, {})  # type: ignore[arg-type]


def test_route_53_is_asked_until_it_is_in_sync(world: MemoryWorld) -> None:
    assert look_at_change(world, {}).done  # type: ignore[arg-type]
    world.ledger.write("dns/change", {"change_id": "C1"})
    world.zone.delay = 1
    assert not look_at_change(world, {}).done  # type: ignore[arg-type]
    assert look_at_change(world, {}).done  # type: ignore[arg-type]


def test_propagation_asks_authorities_and_caches_and_keeps_each_flip(world: MemoryWorld) -> None:
    caches = world.spec.dns.resolvers
    world.says = {"192.0.2.53": ((TARGET,), 5), **dict.fromkeys(caches, (("192.0.2.1",), 4))}
    look = look_at_propagation(world, {}, expected="target")  # type: ignore[arg-type]
    assert "1 of 5 name servers answer" in look.says
    assert look.again_in == pytest.approx(4.3)
    world.says |= dict.fromkeys(caches[:3], ((TARGET,), 5)) | {caches[3]: (("192.0.2.1",), 19)}
    look = look_at_propagation(world, look.state, expected="target")  # type: ignore[arg-type]
    rows = (world.ledger.read("propagation") or {})["rows"]
    assert (
        [r["server"] for r in rows if not r["flipped_at"]]
        == [r["server"] for r in rows if r["stretches"]]
        == [caches[3]]
    )
    world.says[caches[3]] = ((TARGET,), 20)
    assert look_at_propagation(world, look.state, expected="target").done  # type: ignore[arg-type]


def test_after_a_rollback_the_old_answer_is_the_wanted_one(world: MemoryWorld) -> None:
    lowered(world)
    world.says = dict.fromkeys(("192.0.2.53", *world.spec.dns.resolvers), (("192.0.2.1",), 5))
    assert look_at_propagation(world, {}, expected="source").done  # type: ignore[arg-type]
    assert not look_at_propagation(world, {}, expected="target").done  # type: ignore[arg-type]


def test_the_window_says_when_it_opens_and_looks_again_in_time(world: MemoryWorld) -> None:
    assert look_at_window(world, {}).says == "The window is open all day"  # type: ignore[arg-type]
    world.with_(window={"opens": time(3, 31), "closes": time(5)})  # it is 03:30 in Seoul
    look = look_at_window(world, {})  # type: ignore[arg-type]
    assert not look.done
    assert "it opens 2026-11-24 03:31" in look.says
    assert look.again_in == 60
    world.clock.sleep(60)
    assert look_at_window(world, {}).done  # type: ignore[arg-type]


def test_the_soak_counts_from_the_switchover_also_in_a_second_try(world: MemoryWorld) -> None:
    world.with_(soak=100)
    start = world.clock.now() - timedelta(seconds=70)
    world.ledger.write(
        "switchover/2", {"epoch": 2, "to": "target", "fenced_ms": 90, "started_at": start.isoformat()}
    )
    state = SoakSensor(task_id="soak", service="shop").begin(world)  # type: ignore[arg-type]
    assert look_at_soak(world, state).again_in == 30  # type: ignore[arg-type]
    world.clock.sleep(30)
    assert look_at_soak(world, state).done  # type: ignore[arg-type]


def test_the_drain_is_kept_for_the_gate_and_leaves_no_samples_behind(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"idc_web": 100, "cloud_web": 0}
    sites = {"idc_web": Side.SOURCE, "cloud_web": Side.TARGET}
    monkeypatch.setattr(traffic, "_count", lambda world: (sites, dict(counts)))
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
