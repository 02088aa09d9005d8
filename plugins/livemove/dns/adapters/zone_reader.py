"""Collects what the zone's authorities and its parent say: the facts behind `dns/zone_checks.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.dns.adapters.delegation import delegation
from livemove.dns.adapters.zones import resolvers_of, zone_of
from livemove.dns.public_resolvers import caches
from livemove.dns.record import ADDRESSES, ELSEWHERE, Records, addresses
from livemove.dns.zone_checks import NameServerAnswers, Survey
from livemove.model.ports import Resolvers
from livemove.runtime.parallel import both, in_parallel

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

TYPES = ("SOA", *ADDRESSES, *ELSEWHERE, "CAA")


def look(world: ServiceContext, live: Records) -> Survey:
    """Every question goes to an authority itself; the parent's servers are found through the caches."""
    dns, zone, resolvers = world.spec.dns, zone_of(world), resolvers_of(world)
    servers = list(dict.fromkeys(zone.authorities()))
    parent, voices = both(
        lambda: delegation(dns, resolvers, caches(dns)[:3]),
        lambda: in_parallel(servers, lambda s: _voice(resolvers, s, dns.name, dns.zone), 8),
    )
    listed = resolvers.ask(servers[0], dns.zone, "NS", recurse=False) if servers else None
    names = tuple(sorted(n.rstrip(".").lower() for n in listed.addresses)) if listed else ()
    old = {a for t in ADDRESSES for a in addresses(live, t)}
    return Survey(
        live=live,
        provider=zone.provider,
        weights=zone.weights,
        voices=voices,
        parent=parent.parent,
        parent_names=parent.names,
        parent_ttl=parent.ttl,
        parent_error=parent.error,
        glue=parent.glue,
        own_names=names,
        own_addresses={n: _own(resolvers, servers[0], n) for n in names},
        ds=parent.signed,
        others=zone.pointing_at(old),
        stays=dns.stays,
    )


def _voice(resolvers: Resolvers, server: str, name: str, zone: str) -> NameServerAnswers:
    return NameServerAnswers(
        server, {t: resolvers.ask(server, zone if t == "SOA" else name, t, recurse=False) for t in TYPES}
    )


def _own(resolvers: Resolvers, server: str, name: str) -> tuple[str, ...]:
    return resolvers.ask(server, name, "A", recurse=False).addresses
