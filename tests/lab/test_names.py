"""Knot and unbound as the lab starts them: a change reaches both authorities; caches behave as in reality."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.addresses import here
from lab.dns import authority, resolvers
from lab.processes import Registry

pytestmark = pytest.mark.servers
NAME = "www.shop.test"


def record(address: str, *, ttl: int = 1, name: str = NAME, **more: object) -> dict[str, object]:
    return {"name": name + ".", "type": "A", "ttl": ttl, "values": [address], **more}


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.05)


@pytest.fixture
def authorities(lab: Registry) -> list[authority.Authority]:
    servers = authority.authorities()
    for server in servers:
        server.start(lab)
    return servers


def test_published_zone_is_served_by_both_authorities_with_the_labs_own_ns(
    authorities: list[authority.Authority],
) -> None:
    a = here()
    theirs = {"name": "shop.test.", "type": "NS", "ttl": 60, "values": ["ns-1.awsdns-1.com."]}
    first = authority.publish("shop.test.", [record("192.0.2.1", ttl=20), theirs])
    second = authority.publish("shop.test", [record("192.0.2.2", ttl=5)])
    assert second > first
    for server in authorities:
        assert resolvers.lookup(NAME, server.address, server.port) == (["192.0.2.2"], 5)
        assert resolvers.lookup("ns2.shop.test", server.address, server.port)[0] == [a.authorities[1]]
        assert server.serial("shop.test") == second
        assert server.serial("other.test") is None


def test_changes_at_the_same_time_are_all_in_the_end_served(
    authorities: list[authority.Authority],
) -> None:
    authority.publish("shop.test", [])
    with ThreadPoolExecutor(4) as pool:
        serials = list(pool.map(lambda n: authority.publish("shop.test", [record(f"192.0.2.{n}")]), range(8)))
    assert len(set(serials)) == 8
    last = f"192.0.2.{serials.index(max(serials))}"
    for server in authorities:
        assert resolvers.lookup(NAME, server.address, server.port)[0] == [last]


def test_a_record_of_weight_zero_is_not_served(authorities: list[authority.Authority]) -> None:
    authority.publish(
        "shop.test", [record("192.0.2.1", weight=0, set="old"), record("192.0.2.2", weight=255, set="new")]
    )
    assert resolvers.lookup(NAME, authorities[0].address, authorities[0].port)[0] == ["192.0.2.2"]


def test_honest_resolvers_flip_when_the_ttl_is_over_and_the_stretcher_keeps_the_old_answer(
    lab: Registry, authorities: list[authority.Authority]
) -> None:
    a = here()
    authority.publish("shop.test", [record("192.0.2.1")])
    resolvers.start(lab, ("shop.test",))
    *honest, stretcher = a.resolvers
    for address in a.resolvers:
        assert resolvers.lookup(NAME, address, a.dns)[0] == ["192.0.2.1"]
    assert resolvers.lookup(NAME, stretcher, a.dns)[1] > 15
    authority.publish("shop.test", [record("192.0.2.2")])
    for address in honest:
        until(lambda address=address: resolvers.lookup(NAME, address, a.dns)[0] == ["192.0.2.2"])  # type: ignore[misc]
    assert resolvers.lookup(NAME, stretcher, a.dns)[0] == ["192.0.2.1"]


def test_resolvers_never_ask_the_real_dns(lab: Registry) -> None:
    a = here()
    resolvers.start(lab, ("shop.test",))
    assert resolvers.lookup("www.example.com", a.resolvers[0], a.dns) == ([], 0)
    log = (lab.logs / "resolver-1.log").read_text()
    assert "error" not in log.lower()
