"""Route 53 as moto has it, over HTTP from a server in this process."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from livemove.adapters.route53 import Route53Zone
from livemove.errors import DnsError, WorldMovedError
from livemove.ports import RecordSet
from livemove.spec import Dns
from tests.doubles.memory import HandClock, MemoryResolvers

DNS = Dns(name="www.shop.test", zone="shop.test", ttl=60, resolvers=("192.0.2.7",))
WWW = RecordSet("www.shop.test", "A", 300, ("192.0.2.1", "192.0.2.2"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint: str) -> Any:
    urllib.request.urlopen(
        urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"), timeout=10
    ).close()
    return boto3.client("route53", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b")  # fmt: skip


def put(client: Any, zone: str, record: dict[str, Any], *, action: str = "CREATE") -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def simple(name: str, type: str, ttl: int, *values: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": type, "TTL": ttl, "ResourceRecords": [{"Value": v} for v in values], **more}


@pytest.fixture
def zone_id(client: Any) -> str:
    made = client.create_hosted_zone(Name="shop.test.", CallerReference="1")["HostedZone"]["Id"]
    client.create_hosted_zone(Name="other.shop.test.", CallerReference="2")
    put(client, made, simple(WWW.name, "A", WWW.ttl, *WWW.values))
    put(client, made, simple(WWW.name, "TXT", 30, '"hello"'))
    put(client, made, simple("www2.shop.test", "A", 30, "192.0.2.9"))
    return str(made)


@pytest.fixture
def zone(client: Any, zone_id: str) -> Route53Zone:
    return Route53Zone(client, DNS)


def test_all_types_of_exactly_this_name(zone: Route53Zone) -> None:
    found = zone.records("WWW.shop.test.")
    assert {r.type: r for r in found} == {"A": WWW, "TXT": RecordSet(WWW.name, "TXT", 30, ('"hello"',))}


def test_a_name_behind_more_records_than_one_page_holds(client: Any, zone_id: str, zone: Route53Zone) -> None:
    batch = [{"Action": "CREATE", "ResourceRecordSet": simple(f"a{n:03}.shop.test", "A", 30, "192.0.2.3")} for n in range(350)]  # fmt: skip
    client.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": batch})
    assert WWW in zone.records(WWW.name)


def test_a_change_replaces_values_and_ttl_at_once(zone: Route53Zone) -> None:
    after = replace(WWW, ttl=60, values=("198.51.100.1",))
    change = zone.change(WWW, after)
    assert after in zone.records(WWW.name)
    assert zone.in_sync(change)


def test_the_order_of_values_is_no_difference(zone: Route53Zone) -> None:
    zone.change(replace(WWW, values=WWW.values[::-1]), replace(WWW, ttl=60))


@pytest.mark.parametrize(
    "believed", [replace(WWW, ttl=301), replace(WWW, values=("192.0.2.1",)), replace(WWW, name="nobody.shop.test")]
)  # fmt: skip
def test_a_record_that_is_not_as_believed_stays(zone: Route53Zone, believed: RecordSet) -> None:
    with pytest.raises(WorldMovedError):
        zone.change(believed, replace(believed, values=("198.51.100.1",)))
    assert WWW in zone.records(WWW.name)
    assert zone.records("nobody.shop.test") == []


def test_a_zone_that_is_not_there_names_what_to_check(client: Any) -> None:
    with pytest.raises(DnsError, match=r"no public hosted zone named nowhere\.test.*dns\.zone"):
        Route53Zone(client, Dns(name="www.nowhere.test", zone="nowhere.test")).records("www.nowhere.test")


def test_two_zones_of_one_name_are_not_guessed_between(client: Any, zone_id: str) -> None:
    client.create_hosted_zone(Name="shop.test.", CallerReference="3")
    with pytest.raises(DnsError, match="has 2 public hosted zone"):
        Route53Zone(client, DNS).records(WWW.name)


def test_a_weighted_record_is_refused_before_anything_is_changed(client: Any, zone_id: str) -> None:
    put(client, zone_id, simple("w.shop.test", "A", 30, "192.0.2.1", SetIdentifier="blue", Weight=10))
    with pytest.raises(DnsError, match="routed record set blue"):
        Route53Zone(client, DNS).records("w.shop.test")


def test_authorities_are_the_delegations_servers_with_the_specs_port(client: Any, zone: Route53Zone) -> None:
    names = client.get_hosted_zone(Id=zone.zone_id)["DelegationSet"]["NameServers"]
    said = MemoryResolvers(HandClock(), {"192.0.2.7": (("192.0.2.53",), 60)})
    assert Route53Zone(client, DNS, said).authorities() == ["192.0.2.53"] * len(names)
    lifted = DNS.model_copy(update={"authority_port": 10053})
    assert set(Route53Zone(client, lifted, said).authorities()) == {"192.0.2.53@10053"}
