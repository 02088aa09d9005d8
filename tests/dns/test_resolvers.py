"""Real Knot and unbound on a lab network of their own: UDP, TCP, SERVFAIL, silence, stretched TTLs."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import lock
from lab.addresses import here
from lab.dns import authority, resolvers
from lab.processes import Registry
from livemove.dns import propagation
from livemove.dns.adapters.resolvers import DnsResolvers
from livemove.runtime.clock import SystemClock

pytestmark = pytest.mark.servers
ZONE, NAME = "shop.test", "www.shop.test"
MANY = [f"192.0.2.{n}" for n in range(1, 121)]


def record(name: str, kind: str, ttl: int, *values: str) -> authority.Record:
    return {"name": name, "type": kind, "ttl": ttl, "values": list(values)}


BASE = [
    record("alias.shop.test", "CNAME", 2, "www.shop.test."),
    record("many.shop.test", "A", 60, *MANY),
    record("text.shop.test", "TXT", 60, '"hello"'),
]


def serve(address: str, *, ttl: int = 3) -> None:
    authority.publish(ZONE, [*BASE, record(NAME, "A", ttl, address)])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Both authorities and all four caches on an octet that no lab holds."""
    octet = next(n for n in range(20 + os.getpid() % 60, 100) if lock.holder(n) is None)
    with pytest.MonkeyPatch.context() as patch:
        state: Path = tmp_path_factory.mktemp("dns")
        patch.setenv("LIVEMOVE_LAB_STATE", str(state))
        patch.setenv("LIVEMOVE_LAB_OCTET", str(octet))
        patch.setattr(resolvers, "STRETCHED_TTL", 7)
        registry = Registry(state)
        for server in authority.authorities():
            server.start(registry)
        serve("192.0.2.1")
        resolvers.start(registry, (ZONE,))
        yield registry
        registry.stop_all(grace=3)


@pytest.fixture
def ask(lab: Registry) -> DnsResolvers:
    return DnsResolvers(SystemClock(), timeout=0.5)


def place(address: str) -> str:
    return f"{address}@{here().dns}"


def honest() -> str:
    return place(here().resolvers[0])


def stretching() -> str:
    return place(here().resolvers[-1])


def test_an_authority_gives_its_own_answer_with_the_whole_ttl(ask: DnsResolvers) -> None:
    serve("192.0.2.1", ttl=33)
    answer = ask.ask(place(here().authorities[0]), NAME, recurse=False)
    assert (answer.addresses, answer.ttl, answer.error) == (("192.0.2.1",), 33, "")


def test_an_answer_too_long_for_udp_comes_whole_over_tcp(ask: DnsResolvers) -> None:
    assert set(ask.ask(honest(), "many.shop.test").addresses) == set(MANY)


def test_a_chain_lives_as_long_as_its_shortest_link(ask: DnsResolvers) -> None:
    serve("192.0.2.1", ttl=300)
    answer = ask.ask(place(here().authorities[0]), "alias.shop.test", recurse=False)
    assert answer.addresses == ("192.0.2.1",)
    assert answer.ttl == 2


def test_a_name_that_is_not_there_and_one_without_an_address_are_errors_apart(ask: DnsResolvers) -> None:
    assert ask.ask(honest(), "nobody.shop.test").error == "NXDOMAIN"
    assert ask.ask(honest(), "text.shop.test").error == "no A record"


def test_a_server_that_refuses_is_not_one_with_an_old_answer(ask: DnsResolvers) -> None:
    answer = ask.ask(honest(), "www.example.org")
    assert (answer.addresses, answer.error) == ((), "REFUSED")


def test_a_port_where_nobody_listens_and_a_server_that_is_silent(ask: DnsResolvers) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((here().ip(6, 99), 0))
        answer = ask.ask(f"{here().ip(6, 99)}@{silent.getsockname()[1]}", NAME)
    assert answer.error == "no answer within 0.5 s"
    assert ask.ask(f"{here().ip(6, 98)}@9", NAME).error.startswith("no answer")


def test_a_lost_packet_is_asked_again(ask: DnsResolvers) -> None:
    """The first question gets no answer; the second is passed on."""
    relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    relay.bind((here().ip(6, 97), 0))

    def forward() -> None:
        relay.recvfrom(4096)
        question, client = relay.recvfrom(4096)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as on:
            on.settimeout(3)
            on.sendto(question, (here().authorities[0], here().dns))
            relay.sendto(on.recv(4096), client)

    thread = threading.Thread(target=forward, daemon=True)
    thread.start()
    with relay:
        assert ask.ask(f"{here().ip(6, 97)}@{relay.getsockname()[1]}", NAME).addresses
        thread.join(5)


def test_a_cache_whose_authorities_are_dead_says_servfail(lab: Registry, ask: DnsResolvers) -> None:
    try:
        for server in authority.authorities():
            lab.stop(server.name)
        assert ask.ask(honest(), "uncached.shop.test").error in ("SERVFAIL", "no answer within 0.5 s")
    finally:
        for server in authority.authorities():
            server.start(lab)


def test_caches_flip_when_their_old_answer_ends_and_the_stretcher_is_named(ask: DnsResolvers) -> None:
    caches = [honest(), stretching()]
    serve("192.0.2.1", ttl=3)
    _until(ask, caches, ["192.0.2.1"])
    serve("198.51.100.1", ttl=3)
    rows: dict[str, propagation.Row] = {}
    authorities = [place(a) for a in here().authorities]
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        answers = [ask.ask(s, NAME, recurse=s in caches) for s in [*authorities, *caches]]
        rows = propagation.fold(rows, answers, wanted=["198.51.100.1"], record_ttl=3, authorities=authorities)
        seen = propagation.judge(rows, wanted=["198.51.100.1"], now=SystemClock().now())
        if seen.done:
            break
        time.sleep(seen.again_in or 1)
    assert seen.done, seen.message
    assert [r.server for r in rows.values() if r.stretches] == [stretching()]
    flipped = {r.server: r.flipped_at or "" for r in rows.values()}
    assert max(flipped[a] for a in authorities) <= flipped[honest()] < flipped[stretching()]


def _until(ask: DnsResolvers, servers: list[str], wanted: list[str]) -> None:
    deadline = time.monotonic() + 30
    while any(set(ask.ask(s, NAME).addresses) != set(wanted) for s in servers):
        assert time.monotonic() < deadline
        time.sleep(0.2)
