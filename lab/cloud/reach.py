"""Who reaches whom: security groups, route tables and endpoints of one VPC, as values.

A host answers another one when a rule of the sender's groups lets the packet out, a route leads there, a rule
of the receiver's groups lets it in, and a route leads back (groups are stateful, routes are not). An AWS
service is a host like any other where an interface endpoint with private DNS answers for its name: then the
endpoint's groups decide, for the whole VPC.
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

HTTPS = 443
INTERNET = IPv4Address("198.51.100.1")
"""Stands for any public address (RFC 5737)."""


@dataclass(frozen=True)
class Rule:
    """One rule of a security group; it names networks or another group. Ports None: all."""

    network: IPv4Network | None = None
    group: str | None = None
    first: int | None = None
    last: int | None = None

    def fits(self, peer: Host, port: int) -> bool:
        if self.first is not None and self.last is not None and not self.first <= port <= self.last:
            return False
        if self.group is not None:
            return self.group in peer.groups
        wide = self.network
        return wide is not None and all(n.subnet_of(wide) for n in peer.networks)


@dataclass(frozen=True)
class Host:
    """Somebody who sends or answers. Without subnets: outside the VPC, where no group and route is ours."""

    name: str
    networks: tuple[IPv4Network, ...]
    """Its address, or the subnets in which it may be."""
    groups: frozenset[str] = frozenset()
    subnets: tuple[str, ...] = ()
    public: bool = False
    """Has a public address, so an internet gateway takes its packets."""


@dataclass(frozen=True)
class Route:
    network: IPv4Network
    gateway: str
    """`local`, or an id: igw-, vgw- ..."""


@dataclass(frozen=True)
class Endpoint:
    """A VPC endpoint: of an interface its host, of a gateway the route tables that know it."""

    id: str
    service: str
    """The last part of the service's name: secretsmanager, s3."""
    host: Host | None = None
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Network:
    """One VPC, and the networks behind its VPN gateways."""

    vpc: IPv4Network
    ingress: Mapping[str, Sequence[Rule]]
    egress: Mapping[str, Sequence[Rule]]
    tables: Mapping[str, str]
    """Subnet -> its route table."""
    routes: Mapping[str, Sequence[Route]]
    """Route table -> its routes, propagated ones with it."""
    endpoints: Sequence[Endpoint] = ()
    private: tuple[IPv4Network, ...] = ()
    """Networks that no internet gateway leads to."""

    def dropped(self, sender: Host, receiver: Host, port: int) -> str | None:
        """Why a connection gets no answer; None when it does."""
        return next(self._against(sender, receiver, port), None)

    def dropped_to_service(self, sender: Host, service: str) -> str | None:
        """The same for the API of an AWS service, by the name that the VPC resolves."""
        for endpoint in self.endpoints:
            if endpoint.service == service and endpoint.host is not None:
                return self.dropped(sender, endpoint.host, HTTPS)
        if any(
            e.service == service and {self.tables.get(s, "") for s in sender.subnets} <= e.tables
            for e in self.endpoints
        ):
            return self._closed(sender, Host(service, (IPv4Network(INTERNET),)), HTTPS)
        return self.dropped(sender, Host(f"{service} on the internet", (IPv4Network(INTERNET),)), HTTPS)

    def _against(self, sender: Host, receiver: Host, port: int) -> Iterator[str]:
        for why in (
            self._closed(sender, receiver, port),
            self._no_way(sender, receiver),
            self._not_admitted(sender, receiver, port),
            self._no_way(receiver, sender),
        ):
            if why:
                yield why

    def _closed(self, sender: Host, receiver: Host, port: int) -> str | None:
        if not sender.subnets or self._any(self.egress, sender, receiver, port):
            return None
        return f"no security group of {sender.name} lets {port}/tcp out to {receiver.name}"

    def _not_admitted(self, sender: Host, receiver: Host, port: int) -> str | None:
        if not receiver.subnets or self._any(self.ingress, receiver, sender, port):
            return None
        return f"no security group of {receiver.name} admits {port}/tcp from {sender.name}"

    def _any(self, rules: Mapping[str, Sequence[Rule]], mine: Host, peer: Host, port: int) -> bool:
        return any(rule.fits(peer, port) for group in mine.groups for rule in rules.get(group, ()))

    def _no_way(self, sender: Host, receiver: Host) -> str | None:
        """Why no route leads from there to here; a host outside the VPC finds its way."""
        if not sender.subnets or receiver.subnets:
            return None
        for subnet in sender.subnets:
            table = self.tables.get(subnet, "")
            for network in receiver.networks:
                gateway = self._gateway(table, network)
                if gateway is None:
                    return f"the route table {table} of {sender.name} has no route to {receiver.name}"
                if gateway.startswith("igw-") and not sender.public:
                    return f"{sender.name} has no public address, and {gateway} takes no other"
                if gateway.startswith("igw-") and any(network.subnet_of(p) for p in self.private):
                    return (
                        f"the route table {table} sends {receiver.name}, a private address, to the internet"
                    )
        return None

    def _gateway(self, table: str, network: IPv4Network) -> str | None:
        known = [r for r in self.routes.get(table, ()) if network.subnet_of(r.network)]
        return max(known, key=lambda r: r.network.prefixlen).gateway if known else None
