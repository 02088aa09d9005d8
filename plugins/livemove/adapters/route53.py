"""The hosted zone in Route 53: the Zone port over boto3.

Reads what stands there before it changes anything. Between that read and the UPSERT lies one call:
Route 53 has no compare-and-set for UPSERT, so another writer in that moment goes unseen.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from livemove.adapters.resolvers import DnsResolvers
from livemove.errors import DnsError, WorldMovedError
from livemove.ports import RecordSet, Resolvers
from livemove.spec import Dns


class Route53Zone:
    """The public hosted zone that holds the service's name."""

    def __init__(self, client: Any, dns: Dns, resolvers: Resolvers | None = None) -> None:
        from livemove.adapters.world import SystemClock

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
        wanted, found = _plain(name), []
        with _explained(f"the records of {wanted}"):
            pages = self.client.get_paginator("list_resource_record_sets").paginate(
                HostedZoneId=self.zone_id, PaginationConfig={"StartingToken": None}
            )
            for page in pages:
                found += [s for s in page["ResourceRecordSets"] if _plain(s["Name"]) == wanted]
        return [_record(s) for s in found]

    def change(self, before: RecordSet, after: RecordSet) -> str:
        live = [r for r in self.records(before.name) if r.type == before.type]
        if not any(_same(r, before) for r in live):
            raise WorldMovedError(
                f"{before.name} {before.type} is {'; '.join(map(_text, live)) or 'gone'}",
                wanted=_text(before),
                next_step="find out who changed it; then clear the gate before this task with downstream",
            )
        batch = {
            "Comment": "livemove",
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": after.name,
                        "Type": after.type,
                        "TTL": after.ttl,
                        "ResourceRecords": [{"Value": v} for v in after.values],
                    },
                }
            ],
        }
        with _explained(f"changing {after.name}"):
            done = self.client.change_resource_record_sets(HostedZoneId=self.zone_id, ChangeBatch=batch)
        return str(done["ChangeInfo"]["Id"]).removeprefix("/change/")

    def in_sync(self, change_id: str) -> bool:
        with _explained(f"the change {change_id}"):
            info = self.client.get_change(Id=change_id)["ChangeInfo"]
        return bool(info["Status"] == "INSYNC")

    def authorities(self) -> list[str]:
        with _explained("the zone's name servers"):
            zone = self.client.get_hosted_zone(Id=self.zone_id)
        names = [_plain(n) for n in zone.get("DelegationSet", {}).get("NameServers", [])]
        port = "" if self.dns.authority_port == 53 else f"@{self.dns.authority_port}"
        return [f"{address}{port}" for name in names for address in self._addresses(name)]

    def _addresses(self, name: str) -> tuple[str, ...]:
        errors = []
        for server in self.dns.resolvers:
            answer = self.resolvers.ask(server, name)
            if answer.addresses:
                return answer.addresses
            errors.append(f"{server}: {answer.error}")
        try:
            return tuple(sorted({str(a[4][0]) for a in socket.getaddrinfo(name, None, socket.AF_INET)}))
        except OSError as e:
            raise DnsError(
                f"The zone's name server {name} has no address: {'; '.join(errors)}; this machine: {e}",
                wanted="an address, so that the authorities themselves can be asked",
                next_step="check dns.resolvers in the spec",
            ) from e


def _record(found: dict[str, Any]) -> RecordSet:
    kind = "alias" if "AliasTarget" in found else "routed" if "SetIdentifier" in found else ""
    if kind:
        raise DnsError(
            f"{_plain(found['Name'])} {found['Type']} is an {kind} record set {found.get('SetIdentifier', '')}".rstrip(),
            wanted="a simple record set with addresses and a TTL",
            next_step="replace it by a simple one with the same addresses before the migration",
        )
    values = tuple(r["Value"] for r in found["ResourceRecords"])
    return RecordSet(_plain(found["Name"]), found["Type"], int(found["TTL"]), values)


def _plain(name: str) -> str:
    # Route 53 writes a wildcard's star as an octal escape
    return name.rstrip(".").lower().replace("\\052", "*")


def _same(a: RecordSet, b: RecordSet) -> bool:
    return (a.type, a.ttl, set(a.values)) == (b.type, b.ttl, set(b.values))


def _text(r: RecordSet) -> str:
    return f"{', '.join(r.values)} with TTL {r.ttl}"


@contextmanager
def _explained(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as e:
        raise DnsError(
            f"Route 53 did not give {what}: {e}",
            next_step="check the aws connection's permissions (route53:List*, Get*, ChangeResourceRecordSets); then retry",
        ) from e
