"""From the parent zone down to the name servers: what the parent delegates to, with which TTL and glue.

The parent's servers are asked by address; a cache would only repeat what it has kept. RFC 1034 4.2.1, RFC
9471 (glue).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livemove.model.errors import DnsError
from livemove.model.ports import Resolvers
from livemove.model.spec import Dns


@dataclass(frozen=True)
class Delegation:
    """What the parent says about the zone; `error` says why it could not be asked."""

    parent: str
    names: tuple[str, ...] = ()
    ttl: int = 0
    """Seconds for which a cache keeps the names of the zone's servers."""
    glue: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signed: bool = False
    """The parent has a DS record: an answer without a valid signature is refused by validating caches."""
    error: str = ""


def delegation(dns: Dns, resolvers: Resolvers, servers: Sequence[str]) -> Delegation:
    """Follow the delegation of dns.zone; `servers` are the caches that find the parent's own servers."""
    parent = dns.zone.rstrip(".").partition(".")[2] or "."
    why = f"no cache knows the name servers of {parent}"
    for server in servers:
        listed = resolvers.ask(server, parent, "NS")
        for name in listed.addresses:
            found = resolvers.ask(server, name, "A")
            for address in found.addresses:
                referral = _referral(f"{address}@{dns.authority_port}", dns.zone, parent)
                if not referral.error:
                    return referral
                why = referral.error
    return Delegation(parent, error=why)


def _referral(server: str, zone: str, parent: str) -> Delegation:
    from livemove.dns.adapters.resolvers import question

    try:
        reply = question(server, zone, "NS", recurse=False)
        signed = bool(question(server, zone, "DS", recurse=False).answer)
    except OSError as e:
        return Delegation(parent, error=f"the parent's server {server} does not answer: {e}")
    sets = [s for s in (*reply.authority, *reply.answer) if s.rdtype == 2]
    if not sets:
        return Delegation(parent, error=f"the parent's server {server} does not delegate {zone}")
    names = tuple(sorted(str(r.target).rstrip(".").lower() for s in sets for r in s))
    glue: dict[str, tuple[str, ...]] = {}
    for s in reply.additional:
        if s.rdtype in (1, 28):
            owner = str(s.name).rstrip(".").lower()
            glue[owner] = tuple(sorted({*glue.get(owner, ()), *(str(r.address) for r in s)}))
    return Delegation(parent, names, min(s.ttl for s in sets), glue, signed)


def address_of(name: str, dns: Dns, resolvers: Resolvers) -> list[str]:
    """Addresses of one of the zone's name servers, with the spec's port; DnsError when it has none."""
    port = "" if dns.authority_port == 53 else f"@{dns.authority_port}"
    return [f"{a}{port}" for a in _addresses(name, dns, resolvers)]


def _addresses(name: str, dns: Dns, resolvers: Resolvers) -> tuple[str, ...]:
    from livemove.dns.public_resolvers import caches

    errors = []
    for server in caches(dns):
        answer = resolvers.ask(server, name)
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
