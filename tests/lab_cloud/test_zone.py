"""A record change is PENDING until the name servers have the zone, and they always get the newest one."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from lab.cloud import pace, route53
from lab.dns import authority
from tests.conftest import Endpoint


def record(value: str) -> SimpleNamespace:
    return SimpleNamespace(
        name="www.test.", type="A", ttl=5, records=[value], set_identifier=None, weight=None
    )


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(pace, "DNS_INSYNC", pace.Wait(0.0, ""))
    return SimpleNamespace(name="test.", rrsets=[record("1.1.1.1")])


def test_in_sync_only_after_the_name_servers_took_it(zone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr(authority, "publish", lambda name, records: served.append((name, records)))
    change = {"Id": "/change/C1", "Status": "PENDING"}
    route53._serve(zone, change, 0.0)
    assert change["Status"] == "INSYNC"
    assert [(name, r["values"]) for name, records in served for r in records] == [("test.", ["1.1.1.1"])]


def test_it_stays_pending_when_they_never_do(zone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no server")

    monkeypatch.setattr(authority, "publish", refuse)
    monkeypatch.setattr(route53, "ATTEMPTS", 1)
    change = {"Id": "/change/C1", "Status": "PENDING"}
    route53._serve(zone, change, 0.0)
    assert change["Status"] == "PENDING"


def test_a_slow_publication_never_puts_an_old_zone_over_a_newer_one(
    zone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    first_is_inside, let_it_go = threading.Event(), threading.Event()

    def publish(_: str, records: list[dict[str, Any]]) -> None:
        if not first_is_inside.is_set():
            first_is_inside.set()
            assert let_it_go.wait(10)
        served.append(records[0]["values"][0])

    monkeypatch.setattr(authority, "publish", publish)
    threads = [threading.Thread(target=route53._serve, args=(zone, {}, 0.0)) for _ in range(2)]
    threads[0].start()
    assert first_is_inside.wait(10)
    zone.rrsets = [record("2.2.2.2")]
    threads[1].start()
    let_it_go.set()
    for thread in threads:
        thread.join(10)
    assert served[-1] == "2.2.2.2"


def test_a_new_zone_has_its_own_name_servers(aws_endpoint: Endpoint) -> None:
    made = aws_endpoint.client("route53").create_hosted_zone(Name="fresh.test.", CallerReference="1")
    assert made["DelegationSet"]["NameServers"] == ["ns1.fresh.test", "ns2.fresh.test"]
