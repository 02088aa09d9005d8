"""A scratch record beside the public name: made, seen in sync, answered by every name server, removed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livemove.dns.adapters.zones import resolvers_of, zone_of
from livemove.model.errors import DnsError
from livemove.model.ports import Finding, RecordSet, Resolvers, Zone
from livemove.preflight.result import ok
from livemove.runtime.deadlines import Deadline, growing, poll_until

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
ADDRESS, TTL = "192.0.2.1", 60
"""Of a network that is for documentation only (RFC 5737)."""
IN_SYNC_SECONDS = 300.0


def name_of(public_name: str) -> str:
    """`worker.json` of include/iam allows this name and the public one, no other."""
    return f"_livemove-trial.{public_name}"


def try_record(world: ServiceContext) -> tuple[list[Finding], dict[str, int]]:
    """With Route 53. Another provider's key may be limited to the public name: there nothing is tried."""
    zone, dns = zone_of(world), world.spec.dns
    if dns.provider != "route53":
        return [ok("trial.record", f"not tried: the zone is at {zone.provider}")], {}
    record = RecordSet(name_of(dns.name), "A", TTL, (ADDRESS,))
    remove_record(zone, dns.name)
    deadline = Deadline(world.clock, IN_SYNC_SECONDS)
    change = zone.change((), (record,))
    try:
        synced = poll_until(lambda: zone.in_sync(change), deadline, every=growing(0.5, 1.5, 10))
        if not synced:
            raise _late(record, "INSYNC", deadline)
        measured = {"in_sync": round(deadline.waited * 1000)}
        resolvers = resolvers_of(world)
        behind = poll_until(
            lambda: _without(zone, resolvers, record), deadline, every=growing(0.5, 1.5, 10), done=_none
        )
        if behind:
            raise _late(record, f"an answer of {', '.join(behind)}", deadline)
        measured["served"] = round(deadline.waited * 1000)
    finally:
        remove_record(zone, dns.name)
    return [ok("trial.record", f"{record.name} was made, answered everywhere and removed")], measured


def remove_record(zone: Zone, public_name: str) -> bool:
    """Whether there was one."""
    there = tuple(zone.records(name_of(public_name)))
    if there:
        zone.change(there, ())
    return bool(there)


def _without(zone: Zone, resolvers: Resolvers, record: RecordSet) -> list[str]:
    """Name servers that do not answer it yet."""
    return [
        server
        for server in zone.authorities()
        if resolvers.ask(server, record.name, "A", recurse=False).addresses != record.values
    ]


def _none(listed: list[str]) -> bool:
    return not listed


def _late(record: RecordSet, what: str, deadline: Deadline) -> DnsError:
    return DnsError(
        f"{record.name} did not get {what} within {deadline.seconds:.0f} s",
        wanted="a change that every name server of the zone answers",
        next_step="see the zone's delegation set in Route 53, and whether this worker reaches those servers",
    )
