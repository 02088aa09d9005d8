"""Zones outside Route 53, by signed dynamic updates or by a person, on two real Knots and their parent."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab import lock
from lab.addresses import here
from lab.checks import program
from lab.dns import authority, resolvers
from lab.processes import Registry
from livemove.dns.adapters.manual_zone import ManualZone, wanted_text
from livemove.dns.adapters.public_record import intended_change
from livemove.dns.adapters.resolvers import DnsResolvers
from livemove.dns.adapters.rfc2136 import Rfc2136Zone
from livemove.dns.adapters.zone_reader import look
from livemove.dns.operators import (
    ChangeRecordOperator,
    LowerTtlOperator,
    RestoreTtlOperator,
    RollbackRecordOperator,
)
from livemove.dns.record import same
from livemove.dns.sensors import look_at_change, look_at_old_ttl, look_at_propagation
from livemove.dns.zone_checks import judge
from livemove.model.approvals import checksum
from livemove.model.errors import DnsError, StaleApprovalError, UnreachableError
from livemove.model.ports import RecordSet
from livemove.model.spec import Dns
from livemove.runtime.clock import SystemClock
from livemove.runtime.operator import LivemoveOperator
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises

pytestmark = pytest.mark.servers
ZONE, NAME = "shop.test", "www.shop.test"
SECRET = base64.b64encode(b"k" * 32).decode()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A primary that takes updates, its secondary, the parent zone's server, and four caches."""
    octet = next(n for n in range(101 + os.getpid() % 60, 190) if lock.holder(n) is None)
    with pytest.MonkeyPatch.context() as patch:
        state: Path = tmp_path_factory.mktemp("ns")
        patch.setenv("LIVEMOVE_LAB_STATE", str(state))
        patch.setenv("LIVEMOVE_LAB_OCTET", str(octet))
        (state / "dns").mkdir()
        authority.key_file().write_text(SECRET)
        registry = Registry(state)
        authority.delegate(registry, ZONE)
        for server in authority.authorities():
            server.start(registry)
        authority.publish(
            ZONE,
            [
                {"name": NAME, "type": "A", "ttl": 3, "values": ["192.0.2.1"]},
                {"name": "img.shop.test", "type": "A", "ttl": 300, "values": ["192.0.2.1"]},
                {"name": "*.wild.shop.test", "type": "A", "ttl": 300, "values": ["192.0.2.1"]},
                {"name": "chain.shop.test", "type": "CNAME", "ttl": 300, "values": ["www.shop.test."]},
            ],
        )
        resolvers.start(registry, (ZONE,))
        yield registry
        registry.stop_all(grace=3)


def dns(**more: Any) -> Dns:
    a = here()
    return Dns(
        name=NAME,
        zone=ZONE,
        ttl=60,
        provider="rfc2136",
        primary=f"{a.authorities[0]}@{a.dns}",
        connection="c",
        resolvers=tuple(f"{r}@{a.dns}" for r in a.resolvers),
        public_resolvers=False,
        authority_port=a.dns,
    ).model_copy(update=more)


def asking() -> DnsResolvers:
    return DnsResolvers(SystemClock(), timeout=1)


@pytest.fixture
def zone(lab: Registry) -> Rfc2136Zone:
    return Rfc2136Zone(dns(), (authority.KEY, SECRET, "hmac-sha256"), asking())


def a_sets(zone: Any) -> list[RecordSet]:
    return [r for r in zone.records(NAME) if r.type in ("A", "AAAA")]


def until(true: Any) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_update_is_in_sync_when_the_secondary_has_it_too(zone: Rfc2136Zone) -> None:
    before = a_sets(zone)
    after = [
        RecordSet(NAME, "A", 60, ("198.51.100.1", "198.51.100.2")),
        RecordSet(NAME, "AAAA", 60, ("2001:db8::1",)),
    ]
    change = zone.change(before, after)
    until(lambda: zone.in_sync(change))
    assert same(a_sets(zone), after)
    for server in zone.authorities():
        assert asking().ask(server, NAME, recurse=False).addresses == after[0].values
    assert zone.change(before, after) == change  # twice is once
    until(lambda: zone.in_sync(zone.change(after, before)))
    assert same(a_sets(zone), before)


def test_a_stranger_between_look_and_update_is_not_overwritten(
    zone: Rfc2136Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = a_sets(zone)
    believed = [replace(before[0], values=("203.0.113.9",))]
    monkeypatch.setattr(zone, "records", lambda name: believed)
    with pytest.raises(StaleApprovalError):
        zone.change(believed, [replace(before[0], values=("198.51.100.1",))])
    monkeypatch.undo()
    assert same(a_sets(zone), before)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (
            (authority.KEY, base64.b64encode(b"x" * 32).decode(), "hmac-sha256"),
            "TSIG signature|refused to change",
        ),
        (("nobody", SECRET, "hmac-sha256"), "TSIG signature|refused to change"),
        ((authority.KEY, SECRET, "hmac-sha512"), "TSIG signature|refused to change"),
    ],
)
def test_a_wrong_key_is_told_and_changes_nothing(
    lab: Registry, zone: Rfc2136Zone, key: tuple[str, str, str], why: str
) -> None:
    before = a_sets(zone)
    with pytest.raises(DnsError, match=why):
        Rfc2136Zone(dns(), key, asking()).change(before, [replace(before[0], values=("198.51.100.1",))])
    assert same(a_sets(zone), before)


def test_a_key_that_is_no_base64(lab: Registry) -> None:
    with raises(DnsError, "k"):
        Rfc2136Zone(dns(), ("k", "not base64!", "hmac-sha256"), asking())


def test_a_wildcard_is_no_record_to_change(lab: Registry) -> None:
    name = "a.wild.shop.test"
    zone = Rfc2136Zone(dns(name=name), (authority.KEY, SECRET, "hmac-sha256"), asking())
    believed = zone.records(name)
    assert believed[0].values == ("192.0.2.1",)
    with pytest.raises(StaleApprovalError):
        zone.change(believed, [replace(believed[0], values=("198.51.100.1",))])


def test_a_cache_is_no_primary_and_silence_is_told(lab: Registry) -> None:
    with raises(DnsError, dns().resolvers[0]):
        Rfc2136Zone(
            dns(primary=dns().resolvers[0]), (authority.KEY, SECRET, "hmac-sha256"), asking()
        ).records(NAME)
    with pytest.raises(UnreachableError):
        Rfc2136Zone(
            dns(primary=f"{here().ip(5, 99)}@9"), (authority.KEY, SECRET, "hmac-sha256"), asking()
        ).records(NAME)


def test_the_zone_can_be_listed_with_the_key_only(zone: Rfc2136Zone) -> None:
    names = {r.name for r in zone.pointing_at(["192.0.2.1"]) or ()}
    assert {NAME, "img.shop.test"} <= names
    other = Rfc2136Zone(dns(), ("nobody", SECRET, "hmac-sha256"), asking())
    assert other.pointing_at(["192.0.2.1"]) is None


class Surveyed(MemoryWorld):
    resolvers = property(lambda self: asking())  # type: ignore[assignment]


def survey(zone: Any, **more: Any) -> Any:
    world = Surveyed(zone=zone)
    world.with_(dns=dns(**more).model_dump())
    return judge(look(world, tuple(a_sets(zone))))  # type: ignore[arg-type]


def test_the_survey_follows_the_delegation_and_finds_who_else_is_there(zone: Rfc2136Zone) -> None:
    verdict = survey(zone)
    assert verdict.against == (
        (
            "*.wild.shop.test A, img.shop.test A points at the same host and would stay there (dns.stays"
            " names those that shall)"
        ),
    )
    assert verdict.notes[0] == "test delegates to ns1.shop.test, ns2.shop.test (TTL 3600 s)"
    assert not survey(zone, stays=("img.shop.test", "*.wild.shop.test")).against


def test_an_authority_that_is_dead_or_lame_stops_the_move(lab: Registry, zone: Rfc2136Zone) -> None:
    second = authority.authorities()[1]
    stays = ("img.shop.test", "*.wild.shop.test")
    try:
        lab.stop(second.name)
        assert f"authority {second.address}: no answer" in survey(zone, stays=stays).against[0]
    finally:
        second.start(lab)
    until(lambda: second.serial(ZONE) is not None)
    assert not survey(zone, stays=stays).against


def test_a_person_changes_the_zone_and_the_authorities_prove_it(zone: Rfc2136Zone) -> None:
    """The person is another client with a key; the hand zone itself only asks."""
    hand = ManualZone(dns(provider="manual"), asking())
    before = a_sets(hand)
    assert same(before, a_sets(zone))
    after = [replace(before[0], ttl=60, values=("198.51.100.7",))]
    change = hand.change(before, after)
    assert change == wanted_text(after) == "www.shop.test. 60 A 198.51.100.7"
    assert not hand.in_sync(change)
    with pytest.raises(StaleApprovalError):
        hand.change([replace(before[0], ttl=7)], after)
    zone.change(before, after)
    until(lambda: hand.in_sync(change))
    zone.change(after, before)
    until(lambda: hand.in_sync(wanted_text(before)))
    assert [r.type for r in hand.records("chain.shop.test")] == ["CNAME"]


def kdig(server: str, name: str = NAME) -> tuple[tuple[str, ...], int]:
    """What an independent tool says: (values, TTL)."""
    address, _, port = server.partition("@")
    asked = [program("kdig"), f"@{address}", "-p", port or "53", "+noall", "+answer", "+ttl", name, "A"]
    lines = [
        x.split()
        for x in subprocess.run(
            asked, capture_output=True, text=True, timeout=20, check=True
        ).stdout.splitlines()
        if x and x[0] != ";"
    ]
    return tuple(sorted(x[4] for x in lines)), min(int(x[1]) for x in lines)


def test_what_we_see_is_what_kdig_sees(zone: Rfc2136Zone) -> None:
    servers = [*zone.authorities(), *dns().resolvers]
    for server in servers:
        ours = asking().ask(server, "img.shop.test", recurse=server in dns().resolvers)
        theirs = kdig(server, "img.shop.test")
        assert ours.addresses == theirs[0]
        assert 0 <= ours.ttl - theirs[1] <= 1  # kdig asked a moment later


def test_two_updates_at_once_leave_one_whole_record(zone: Rfc2136Zone) -> None:
    before = a_sets(zone)
    results: list[str] = []

    def move(value: str) -> None:
        try:
            Rfc2136Zone(dns(), (authority.KEY, SECRET, "hmac-sha256"), asking()).change(
                before, [replace(before[0], values=(value,))]
            )
            results.append(value)
        except StaleApprovalError:
            results.append("refused")

    threads = [threading.Thread(target=move, args=(f"198.51.100.{n}",)) for n in (1, 2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    live = a_sets(zone)
    assert results.count("refused") == 1
    assert live[0].values[0] in results
    zone.change(live, before)


# The tasks of the story, on these servers ------------------------------------------------------------
TARGET = "198.51.100.1"


class Story:
    """The record's tasks and waits, one after the other, as the DAG runs them."""

    def __init__(self, zone: Any, monkeypatch: pytest.MonkeyPatch, **dns_: Any) -> None:
        self.world = Surveyed(zone=zone)
        self.world.clock = SystemClock()  # type: ignore[assignment]
        self.world.with_(dns=dns(stays=("img.shop.test", "*.wild.shop.test"), ttl=2, **dns_).model_dump())
        monkeypatch.setattr(LivemoveOperator, "world", lambda self_, context: self.world)

    def run(self, operator: type[LivemoveOperator]) -> Any:
        return operator(task_id="t", service="shop").execute({})

    def wait(self, look: Any, **arguments: Any) -> Any:
        state: dict[str, Any] = {}
        deadline = time.monotonic() + 60
        while True:
            seen = look(self.world, state, **arguments)
            if seen.done:
                return seen
            assert time.monotonic() < deadline, seen.message
            state = seen.state
            time.sleep(min(seen.again_in or 1, 2))

    def approve(self) -> None:
        shown = intended_change(self.world)  # type: ignore[arg-type]
        answer = {"option": "Proceed", "warnings": 0, "sha256": checksum(shown.document)}
        self.world.ledger.write("approvals/switch_dns", answer)

    def there(self) -> None:
        self.run(LowerTtlOperator)
        self.wait(look_at_old_ttl)
        self.approve()
        self.run(ChangeRecordOperator)
        self.wait(look_at_change)
        self.wait(look_at_propagation, expected="target")

    def back(self) -> None:
        self.run(RollbackRecordOperator)
        self.wait(look_at_propagation, expected="source")
        self.run(RestoreTtlOperator)


def test_the_whole_story_of_the_record_by_dynamic_updates(
    zone: Rfc2136Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = a_sets(zone)
    story = Story(zone, monkeypatch)
    story.there()
    rows = (story.world.ledger.read("propagation") or {})["rows"]
    assert len(rows) == 6
    assert {r["answer"] for r in rows} == {TARGET}
    # what the sensor ended with is what another tool sees
    assert {kdig(r["server"])[0] for r in rows} == {(TARGET,)}
    story.back()
    assert same(a_sets(zone), before)


def test_the_whole_story_by_a_persons_hand(zone: Rfc2136Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the hand zone asks for, somebody with another client enters a moment later."""
    before = a_sets(zone)
    hand = ManualZone(dns(provider="manual"), asking())
    asked = hand.change

    def entered(old: Any, new: Any) -> str:
        change = asked(old, new)
        threading.Timer(0.5, lambda: zone.change(a_sets(zone), new)).start()
        return change

    monkeypatch.setattr(hand, "change", entered)
    story = Story(hand, monkeypatch, provider="manual")
    assert story.run(LowerTtlOperator)["at"] is None
    story.wait(look_at_old_ttl)
    story.approve()
    story.run(ChangeRecordOperator)
    assert "Somebody has to enter this" in look_at_change(story.world, {}).message  # type: ignore[arg-type]
    story.wait(look_at_change)
    story.wait(look_at_propagation, expected="target")
    story.back()
    until(lambda: same(a_sets(zone), before))
