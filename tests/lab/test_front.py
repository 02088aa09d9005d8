"""Answers by weights, as Route 53 gives them: a real Knot behind the front, asked by UDP and TCP."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import pytest

from lab import lock
from lab.dns import authority
from lab.processes import Registry

pytestmark = pytest.mark.servers
OLD, NEW = "192.0.2.1", "198.51.100.1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[authority.Authority]:
    octet = next(n for n in range(20 + os.getpid() % 60, 100) if lock.holder(n) is None)
    with pytest.MonkeyPatch.context() as patch:
        state: Path = tmp_path_factory.mktemp("front")
        patch.setenv("LIVEMOVE_LAB_STATE", str(state))
        patch.setenv("LIVEMOVE_LAB_OCTET", str(octet))
        (state / "dns").mkdir()
        authority.weights_file().write_text("{}")
        registry = Registry(state)
        for one in authority.authorities():
            one.start(registry)
        yield authority.authorities()[0]
        registry.stop_all(grace=3)


def publish(weight: int) -> None:
    halves = [(OLD, 100 - weight), (NEW, weight)]
    weighted = [
        {"name": "www.shop.test", "type": "A", "ttl": 7, "values": [v], "weight": w} for v, w in halves
    ]
    plain = {"name": "other.shop.test", "type": "A", "ttl": 9, "values": [OLD, NEW], "weight": None}
    authority.publish("shop.test", [*weighted, plain])


def ask(server: authority.Authority, name: str = "www.shop.test", *, tcp: bool = False) -> tuple[str, ...]:
    query = dns.message.make_query(name, "A", use_edns=0)
    by = dns.query.tcp if tcp else dns.query.udp
    answer = by(query, server.address, port=server.port, timeout=3)
    assert [s.ttl for s in answer.answer] == [9 if name.startswith("other") else 7]
    return tuple(sorted(r.address for s in answer.answer for r in s))


def test_one_set_an_answer_by_its_weight(server: authority.Authority) -> None:
    publish(25)
    seen = Counter(ask(server) for _ in range(400))
    assert set(seen) == {(OLD,), (NEW,)}
    # six standard deviations around 100
    assert 48 < seen[NEW,] < 152


def test_weight_0_is_never_given_and_everything_else_is_knots_own(server: authority.Authority) -> None:
    publish(0)
    assert {ask(server) for _ in range(50)} == {(OLD,)}
    publish(100)
    assert {ask(server, tcp=True) for _ in range(20)} == {(NEW,)}
    assert ask(server, "other.shop.test") == (OLD, NEW)
