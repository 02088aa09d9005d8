"""What Route 53 refuses is refused, whole; what it takes is taken, whole."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.cloud.route53_rules import apply
from tests.conftest import Endpoint
from tests.raising import raises


def simple(value: str = "192.0.2.1", **more: Any) -> dict[str, Any]:
    return {"Name": "www.shop.test.", "Type": "A", "TTL": 60, "ResourceRecords": [value], **more}


def weighted(id_: str, weight: int, value: str = "192.0.2.1") -> dict[str, Any]:
    return simple(value, SetIdentifier=id_, Weight=weight)


def do(action: str, s: dict[str, Any]) -> dict[str, Any]:
    return {"Action": action, "ResourceRecordSet": s}


OLD = simple()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([do("CREATE", simple())], "but it already exists"),
        ([do("CREATE", weighted("new", 5))], "a non-simple RRSet with the same name and type exists"),
        ([do("UPSERT", weighted("new", 5))], "a non-simple RRSet with the same name and type exists"),
        ([do("DELETE", simple("192.0.2.9"))], "do not match the current values"),
        ([do("DELETE", simple(TTL=61))], "do not match the current values"),
        ([do("DELETE", {**simple(), "Name": "nobody.shop.test."})], "but it was not found"),
        ([do("DELETE", OLD), do("DELETE", OLD)], "but it was not found"),
        (
            [do("DELETE", OLD), do("CREATE", weighted("a", 5)), do("CREATE", weighted("a", 6))],
            "already exists",
        ),
        ([do("DELETE", OLD), do("CREATE", weighted("a", 256))], "Weight must be between 0 and 255"),
        ([do("DELETE", OLD), do("CREATE", simple(SetIdentifier="a"))], "Expected exactly one of"),
        (
            [
                do("DELETE", OLD),
                do("CREATE", weighted("a", 5)),
                do("CREATE", simple(SetIdentifier="b", Region="x")),
            ],
            "together",
        ),
        (
            [do("CREATE", {"Name": "www.shop.test.", "Type": "CNAME", "TTL": 5, "ResourceRecords": ["x."]})],
            "CNAME",
        ),
        ([do("CREATE", {"Name": "a.shop.test.", "Type": "A"})], "but found none in Change"),
    ],
)
def test_a_batch_with_one_thing_wrong_changes_nothing(changes: list[dict[str, Any]], why: str) -> None:
    _, against = apply([OLD], changes)
    assert why in " ".join(against)


def test_simple_becomes_weighted_and_back_in_one_batch_each() -> None:
    halves = [weighted("old", 95), weighted("new", 5, "198.51.100.1")]
    sets, against = apply([OLD], [do("DELETE", OLD), *(do("CREATE", h) for h in halves)])
    assert (sets, against) == (halves, [])
    sets, against = apply(sets, [*(do("DELETE", h) for h in halves), do("CREATE", OLD)])
    assert (sets, against) == ([OLD], [])


def test_the_endpoint_refuses_in_route_53s_words_and_keeps_the_zone(aws_endpoint: Endpoint) -> None:
    client = aws_endpoint.client("route53")
    zone = client.create_hosted_zone(Name="rules.test.", CallerReference="rules")["HostedZone"]["Id"]

    def put(*changes: dict[str, Any]) -> None:
        client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": list(changes)})

    def full(value: str, **more: Any) -> dict[str, Any]:
        return {
            "Name": "www.rules.test",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": value}],
            **more,
        }

    def kept() -> Any:
        listed = client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return [s for s in listed if s["Name"].startswith("www")]

    put(do("CREATE", full("192.0.2.1")))
    before = kept()
    with raises(ClientError, "InvalidChangeBatch", "non-simple RRSet"):
        put(do("CREATE", full("198.51.100.1", SetIdentifier="new", Weight=5)))
    assert kept() == before
    halves = [
        full("192.0.2.1", SetIdentifier="old", Weight=95),
        full("198.51.100.1", SetIdentifier="new", Weight=5),
    ]
    put(do("DELETE", full("192.0.2.1")), *(do("CREATE", h) for h in halves))
    assert [(s["SetIdentifier"], s["Weight"]) for s in kept()] == [("old", 95), ("new", 5)]
