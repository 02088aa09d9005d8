"""The hosted zone in Route 53: the Zone port over boto3.

A change is one batch: DELETE of exactly what is there, CREATE of all that shall. Route 53 makes all of it
or nothing, and refuses a DELETE that does not match to the last value, so a writer in between is never
overwritten (an UPSERT would do that), and no cache sees a moment without the name.
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from livemove.dns.adapters.delegation import address_of
from livemove.dns.adapters.resolvers import DnsResolvers
from livemove.dns.record import address_records, same, text
from livemove.model.errors import DnsError, StaleApprovalError, UnreachableError
from livemove.model.ports import RecordSet, Resolvers
from livemove.model.spec import Dns

THROTTLED = ("Throttling", "ThrottlingException", "PriorRequestNotComplete", "ServiceUnavailable")
"""Codes that pass: five requests a second and account, and one change at a time for each zone."""
PLAIN = ("Name", "Type", "TTL", "ResourceRecords", "SetIdentifier", "Weight", "HealthCheckId")
LOST = "unknown"
"""Id of a change whose answer was lost: it is in the zone, and nothing can be asked about it."""


class Route53Zone:
    """The public hosted zone that holds the service's name."""

    provider = "Route 53"
    weights = True
    by_hand = False

    def __init__(self, client: Any, dns: Dns, resolvers: Resolvers | None = None) -> None:
        from livemove.runtime.clock import SystemClock

        self.client, self.dns = client, dns
        self.resolvers = resolvers or DnsResolvers(SystemClock())

    @cached_property
    def zone_id(self) -> str:
        wanted = _plain(self.dns.zone)
        with _explained(f"the hosted zone {wanted}"):
            page = self.client.list_hosted_zones_by_name(DNSName=wanted)
        zones = [
            z
            for z in page["HostedZones"]
            if _plain(z["Name"]) == wanted and not z.get("Config", {}).get("PrivateZone")
        ]
        if len(zones) != 1:
            ids = ", ".join(z["Id"] for z in zones)
            raise DnsError(
                f"Route 53 has {len(zones) or 'no'} public hosted zone named {wanted} {ids}".rstrip(),
                wanted="exactly one, in the account of the spec's aws connection",
                next_step="check dns.zone in the spec and the account of aws.connection",
            )
        return str(zones[0]["Id"]).removeprefix("/hostedzone/")

    def records(self, name: str) -> list[RecordSet]:
        return [_record(s) for s in self._sets() if _plain(s["Name"]) == _plain(name)]

    def pointing_at(self, addresses: Collection[str]) -> list[RecordSet]:
        found = [_record(s) for s in self._sets() if s["Type"] in ("A", "AAAA")]
        return [r for r in found if set(r.values) & set(addresses)]

    def change(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> str:
        live = self._live(before, after)
        if same(live, after):
            return LOST
        if not same(live, before):
            raise StaleApprovalError(
                f"{(*after, *before)[0].name} is {text(live)}",
                wanted=text(before),
                next_step="find out who changed it; then clear the gate before this task with downstream",
            )
        kept = [r for r in live if any(same([r], [a]) for a in after)]
        batch = [_change("DELETE", r) for r in live if r not in kept]
        batch += [_change("CREATE", r) for r in after if not any(same([r], [k]) for k in kept)]
        try:
            with _explained(f"changing {(*after, *before)[0].name}"):
                done = self.client.change_resource_record_sets(
                    HostedZoneId=self.zone_id, ChangeBatch={"Comment": "livemove", "Changes": batch}
                )
        except DnsError:
            # a try whose answer was lost on the way is refused when the SDK repeats it
            if same(self._live(before, after), after):
                return LOST
            raise
        return str(done["ChangeInfo"]["Id"]).removeprefix("/change/")

    def in_sync(self, change_id: str) -> bool:
        if change_id == LOST:
            return True  # the propagation sensor asks every authority itself
        with _explained(f"the change {change_id}"):
            info = self.client.get_change(Id=change_id)["ChangeInfo"]
        return bool(info["Status"] == "INSYNC")

    def authorities(self) -> list[str]:
        with _explained("the zone's name servers"):
            zone = self.client.get_hosted_zone(Id=self.zone_id)
        names = [_plain(n) for n in zone.get("DelegationSet", {}).get("NameServers", [])]
        return [a for n in names for a in address_of(n, self.dns, self.resolvers)]

    def _live(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> tuple[RecordSet, ...]:
        of = after or before
        found, kinds = self.records(of[0].name), {r.type for r in of} | {"A"}
        if not found and not (before and after):
            return ()  # it is made or taken away
        if kinds <= {"A", "AAAA"}:
            return address_records(found, self.dns)
        return tuple(r for r in found if r.type in kinds)

    def _sets(self) -> list[dict[str, Any]]:
        with _explained(f"the records of {self.dns.zone}"):
            pages = self.client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone_id)
            return [s for page in pages for s in page["ResourceRecordSets"]]


def _change(action: str, r: RecordSet) -> dict[str, Any]:
    more: dict[str, Any] = json.loads(r.routing) if r.routing else {}
    if r.set_id:
        more["SetIdentifier"] = r.set_id
    if r.weight is not None:
        more["Weight"] = r.weight
    if r.health_check:
        more["HealthCheckId"] = r.health_check
    if "AliasTarget" not in more:
        more |= {"TTL": r.ttl, "ResourceRecords": [{"Value": v} for v in r.values]}
    return {"Action": action, "ResourceRecordSet": {"Name": r.name, "Type": r.type, **more}}


def _record(found: dict[str, Any]) -> RecordSet:
    other = {k: v for k, v in found.items() if k not in PLAIN}
    weight = found.get("Weight")
    return RecordSet(
        _plain(found["Name"]),
        found["Type"],
        int(found.get("TTL") or 0),
        tuple(r["Value"] for r in found.get("ResourceRecords", ())),
        set_id=found.get("SetIdentifier", ""),
        weight=None if weight is None else int(weight),
        health_check=found.get("HealthCheckId", ""),
        routing=json.dumps(other, sort_keys=True) if other else "",
    )


def _plain(name: str) -> str:
    # Route 53 writes a wildcard's star as an octal escape
    return name.rstrip(".").lower().replace("\\052", "*")


@contextmanager
def _explained(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as e:
        code = e.response["Error"]["Code"] if isinstance(e, ClientError) else ""
        if code in THROTTLED:
            raise UnreachableError(
                f"Route 53 did not get to {what}: {e}",
                wanted="an answer after the SDK's own tries",
                next_step="nothing was changed; it is tried again, or clear this task",
            ) from e
        raise DnsError(
            f"Route 53 did not give {what}: {e}",
            next_step=(
                "check the aws connection's permissions (route53:List*, Get*, ChangeResourceRecordSets); then"
                " retry"
            ),
        ) from e
