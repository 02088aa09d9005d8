"""Route 53 as the lab has it: moto's API, and Route 53's own refusals."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from livemove.dns.adapters.route53 import LOST, Route53Zone
from livemove.dns.record import at_share, same, share
from livemove.model.errors import DnsError, StaleApprovalError, UnreachableError
from livemove.model.ports import RecordSet
from livemove.model.spec import Dns
from tests.conftest import Endpoint
from tests.doubles.memory import HandClock, MemoryResolvers
from tests.raising import raises

numbers = itertools.count(1)
NEW = {"A": ("198.51.100.1",)}


@pytest.fixture
def client(aws_endpoint: Endpoint) -> Any:
    return aws_endpoint.client("route53")


@pytest.fixture
def dns() -> Dns:
    zone = f"r{os.getpid()}-{next(numbers)}.test"
    return Dns(name=f"www.{zone}", zone=zone, ttl=60, resolvers=("192.0.2.7",), public_resolvers=False)


@pytest.fixture
def www(dns: Dns) -> RecordSet:
    return RecordSet(dns.name, "A", 300, ("192.0.2.1", "192.0.2.2"))


def put(client: Any, zone: str, record: dict[str, Any], *, action: str = "CREATE") -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def simple(name: str, type: str, ttl: int, *values: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": type, "TTL": ttl, "ResourceRecords": [{"Value": v} for v in values], **more}


@pytest.fixture
def zone_id(client: Any, dns: Dns, www: RecordSet) -> str:
    made = client.create_hosted_zone(Name=f"{dns.zone}.", CallerReference=dns.zone)["HostedZone"]["Id"]
    put(client, made, simple(dns.name, "A", www.ttl, *www.values))
    put(client, made, simple(dns.name, "TXT", 30, '"hello"'))
    put(client, made, simple(f"www2.{dns.zone}", "A", 30, "192.0.2.9"))
    return str(made)


@pytest.fixture
def zone(client: Any, dns: Dns, zone_id: str) -> Route53Zone:
    return Route53Zone(client, dns)


def test_all_types_of_exactly_this_name(zone: Route53Zone, www: RecordSet) -> None:
    found = zone.records(f"{zone.dns.name.upper()}.")
    assert {r.type: r for r in found} == {"A": www, "TXT": RecordSet(www.name, "TXT", 30, ('"hello"',))}


def test_a_name_behind_more_records_than_one_page_holds(
    client: Any, zone: Route53Zone, www: RecordSet
) -> None:
    batch = [
        {"Action": "CREATE", "ResourceRecordSet": simple(f"a{n:03}.{zone.dns.zone}", "A", 30, "192.0.2.3")}
        for n in range(350)
    ]
    client.change_resource_record_sets(HostedZoneId=zone.zone_id, ChangeBatch={"Changes": batch})
    assert www in zone.records(www.name)
    assert len(zone.pointing_at(["192.0.2.3"])) == 350


def test_a_change_replaces_values_and_ttl_at_once_and_twice_is_once(
    zone: Route53Zone, www: RecordSet
) -> None:
    after = replace(www, ttl=60, values=("198.51.100.1",))
    change = zone.change([www], [after])
    assert after in zone.records(www.name)
    assert not zone.in_sync(change)  # nobody serves this zone here
    assert zone.change([www], [after]) == LOST
    assert zone.in_sync(LOST)


def test_every_step_there_and_back_is_taken_by_route_53(zone: Route53Zone, www: RecordSet) -> None:
    live: tuple[RecordSet, ...] = (www,)
    for percent in (5, 25, 100, 25, 5, 0):
        after = at_share(percent, (www,), NEW, 60)
        zone.change(live, after)
        live = tuple(r for r in zone.records(www.name) if r.type == "A")
        assert same(live, after)
        assert share(live, (www,), NEW) == percent


def test_what_a_stranger_routed_comes_back_to_the_last_detail(client: Any, zone: Route53Zone) -> None:
    name = f"w.{zone.dns.zone}"
    check = client.create_health_check(
        CallerReference=name, HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 443}
    )["HealthCheck"]["Id"]
    put(
        client,
        zone.zone_id,
        simple(name, "A", 30, "192.0.2.1", SetIdentifier="blue", Weight=10, HealthCheckId=check),
    )
    put(client, zone.zone_id, simple(name, "A", 30, "192.0.2.2", SetIdentifier="green", Weight=0))
    before = zone.records(name)
    assert {(r.set_id, r.weight, r.health_check) for r in before} == {("blue", 10, check), ("green", 0, "")}
    moved = [RecordSet(name, "A", 30, ("198.51.100.1",))]
    zone.change(before, moved)
    zone.change(moved, before)
    assert same(zone.records(name), before)


def test_regions_and_aliases_are_read_whole(client: Any, zone: Route53Zone) -> None:
    name = f"far.{zone.dns.zone}"
    put(client, zone.zone_id, simple(name, "A", 30, "192.0.2.1", SetIdentifier="kr", Region="ap-northeast-2"))
    before = zone.records(name)
    assert before[0].routing == '{"Region": "ap-northeast-2"}'
    zone.change(before, [RecordSet(name, "A", 30, ("198.51.100.1",))])
    zone.change(zone.records(name), before)
    assert zone.records(name) == before


@pytest.mark.parametrize("change", [{"ttl": 301}, {"values": ("192.0.2.1",)}, {"set_id": "x", "weight": 1}])
def test_a_record_that_is_not_as_believed_stays(
    zone: Route53Zone, www: RecordSet, change: dict[str, Any]
) -> None:
    with pytest.raises(StaleApprovalError):
        zone.change([replace(www, **change)], [replace(www, values=("198.51.100.1",))])
    assert www in zone.records(www.name)


def test_a_writer_between_look_and_change_is_not_overwritten(
    client: Any, zone: Route53Zone, www: RecordSet
) -> None:
    class Late:
        """The record changes just before our batch arrives."""

        def change_resource_record_sets(self, **asked: Any) -> Any:
            put(client, zone.zone_id, simple(www.name, "A", 300, "203.0.113.9"), action="UPSERT")
            return client.change_resource_record_sets(**asked)

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

    with raises(DnsError, "InvalidChangeBatch"):
        Route53Zone(Late(), zone.dns).change([www], [replace(www, values=("198.51.100.1",))])
    assert zone.records(www.name)[0].values == ("203.0.113.9",)


def test_a_change_whose_answer_was_lost_is_found_done(client: Any, zone: Route53Zone, www: RecordSet) -> None:
    class Deaf:
        """The first try went through, and the SDK repeats it."""

        def change_resource_record_sets(self, **asked: Any) -> Any:
            client.change_resource_record_sets(**asked)
            return client.change_resource_record_sets(**asked)

        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

    after = replace(www, values=("198.51.100.1",))
    assert Route53Zone(Deaf(), zone.dns).change([www], [after]) == LOST
    assert after in zone.records(www.name)


@pytest.mark.parametrize("code", ["Throttling", "PriorRequestNotComplete"])
def test_throttling_is_waited_out_by_the_sdk_and_after_that_by_whoever_waits(dns: Dns, code: str) -> None:
    from botocore.retries.standard import ThrottledRetryableChecker

    assert code in ThrottledRetryableChecker._THROTTLED_ERROR_CODES
    client = boto3.client(
        "route53",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"mode": "standard", "max_attempts": 1}),
    )
    with Stubber(client) as stub:
        stub.add_client_error("list_hosted_zones_by_name", code, "Rate exceeded", 400)
        with raises(UnreachableError, code):
            Route53Zone(client, dns).records(dns.name)


def test_a_zone_that_is_not_there_names_what_to_check(client: Any) -> None:
    with raises(DnsError, "nowhere.test", "dns.zone"):
        Route53Zone(client, Dns(name="www.nowhere.test", zone="nowhere.test")).records("www.nowhere.test")


def test_two_zones_of_one_name_are_not_guessed_between(client: Any, zone: Route53Zone) -> None:
    client.create_hosted_zone(Name=f"{zone.dns.zone}.", CallerReference=f"{zone.dns.zone}-2")
    with raises(DnsError, "2"):
        Route53Zone(client, zone.dns).records(zone.dns.name)


def test_authorities_are_the_delegations_servers_with_the_specs_port(client: Any, zone: Route53Zone) -> None:
    names = client.get_hosted_zone(Id=zone.zone_id)["DelegationSet"]["NameServers"]
    said = MemoryResolvers(HandClock(), {"192.0.2.7": (("192.0.2.53",), 60)})
    assert Route53Zone(client, zone.dns, said).authorities() == ["192.0.2.53"] * len(names)
    lifted = zone.dns.model_copy(update={"authority_port": 10053})
    assert set(Route53Zone(client, lifted, said).authorities()) == {"192.0.2.53@10053"}


def test_a_wildcard_is_known_by_its_star(client: Any, zone: Route53Zone) -> None:
    put(client, zone.zone_id, simple(f"*.{zone.dns.zone}", "A", 30, "192.0.2.4"))
    assert zone.records(f"*.{zone.dns.zone}")[0].values == ("192.0.2.4",)
    assert zone.records(f"any.{zone.dns.zone}") == []


def test_a_record_that_is_not_there_is_made_and_taken_away(zone: Route53Zone, www: RecordSet) -> None:
    scratch = replace(www, name=f"_scratch.{www.name}")
    zone.change((), (scratch,))
    assert zone.records(scratch.name) == [scratch]
    assert zone.change((), (scratch,)) == LOST, "twice is once"
    zone.change((scratch,), ())
    assert zone.records(scratch.name) == []
    assert zone.change((scratch,), ()) == LOST
    assert www in zone.records(www.name)


def test_neither_a_record_of_somebody_else_nor_one_that_changed_is_touched(
    zone: Route53Zone, www: RecordSet
) -> None:
    other = replace(www, values=("192.0.2.77",))
    with raises(StaleApprovalError, "192.0.2.1"):
        zone.change((), (other,))
    with raises(StaleApprovalError, "192.0.2.1"):
        zone.change((other,), ())
    assert www in zone.records(www.name)
