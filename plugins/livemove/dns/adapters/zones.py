"""The zone and the resolvers of a service; imported when used, for they load dnspython and the AWS SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.model.ports import Resolvers, Zone

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def resolvers_of(world: ServiceContext) -> Resolvers:
    return world.port("resolvers", lambda: _resolvers(world))


def zone_of(world: ServiceContext) -> Zone:
    """The zone, at the provider that the spec names.

    A further provider is one more branch here, one more module beside this one and one more word in the spec.
    """
    return world.port("zone", lambda: _zone(world))


def _resolvers(world: ServiceContext) -> Resolvers:
    from livemove.dns.adapters.resolvers import DnsResolvers

    return DnsResolvers(world.clock)


def _zone(world: ServiceContext) -> Zone:
    dns, resolvers = world.spec.dns, resolvers_of(world)
    if dns.provider == "rfc2136":
        from livemove.dns.adapters.rfc2136 import Rfc2136Zone, key_of

        return Rfc2136Zone(dns, key_of(world.secret(dns.connection or "")), resolvers)
    if dns.provider == "manual":
        from livemove.dns.adapters.manual_zone import ManualZone

        return ManualZone(dns, resolvers)
    from livemove.dns.adapters.route53 import Route53Zone

    return Route53Zone(world.aws("route53"), dns, resolvers)
