"""The virtual private gateway of the spec is there, and not attached to a VPC of others.

A gateway is attached to one VPC at most; detaching it elsewhere ends what goes through it there.
https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, warning

CHECK = "vpn"


def check(facts: Facts) -> list[Finding]:
    infra = facts.spec.infra
    if infra.connectivity != "vpn":
        return []
    wanted = infra.vpn_gateway_id
    if wanted is None:
        return [ok(CHECK, "no gateway in the spec: the routes to the data centre are yours to add")]
    if "vpn" in facts.problems:
        return [
            warning(
                CHECK,
                f"{wanted} was not looked at: {facts.problems['vpn']}",
                "a gateway that is free",
                "give the worker ec2:DescribeVpnGateways, or look at it in the VPC console",
            )
        ]
    if facts.vpn is None or facts.vpn.state != "available":
        state = facts.vpn.state if facts.vpn else "not there"
        return [
            error(
                CHECK,
                f"{wanted} is {state} in {facts.spec.aws.region}",
                "an available virtual private gateway of this account and region",
                "correct infra.vpn_gateway_id, or leave it out and add the routes by hand",
            )
        ]
    if facts.vpn.elsewhere:
        return [
            error(
                CHECK,
                f"{wanted} is attached to {', '.join(facts.vpn.elsewhere)}, which is not this service's VPC",
                "a gateway that is attached to no other VPC",
                "name another gateway, or connect the new VPC by a transit gateway or a peering: leave"
                " infra.vpn_gateway_id out and add the routes to Terraform's route tables by hand",
            )
        ]
    return [ok(CHECK, f"{wanted} is available")]
