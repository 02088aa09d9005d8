"""Reads the virtual private gateway that the spec names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livemove.model.errors import LivemoveError
from livemove.preflight.facts import VpnGatewayFact

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

ABSENT = ("InvalidVpnGatewayID.NotFound", "InvalidVpnGatewayID.Malformed", "InvalidVpnGatewayId.Malformed")


def read_vpn(world: ServiceContext, problems: dict[str, str]) -> VpnGatewayFact | None:
    """The gateway and the VPCs of others that it is attached to; None when it is not there or not named."""
    from botocore.exceptions import BotoCoreError, ClientError

    name = world.spec.infra.vpn_gateway_id
    if name is None or world.spec.infra.connectivity != "vpn":
        return None
    try:
        ec2 = world.aws("ec2")
        found = ec2.describe_vpn_gateways(VpnGatewayIds=[name])["VpnGateways"]
        attached = [
            a["VpcId"]
            for gateway in found
            for a in gateway.get("VpcAttachments", ())
            if a.get("State") in ("attaching", "attached")
        ]
        return VpnGatewayFact(found[0]["State"], _of_others(ec2, world.spec.service, attached))
    except ClientError as e:
        if e.response["Error"]["Code"] not in ABSENT:
            problems["vpn"] = str(e)
    except (LivemoveError, BotoCoreError) as e:
        problems["vpn"] = e.found if isinstance(e, LivemoveError) else str(e)
    return None


def _of_others(ec2: Any, service: str, vpcs: list[str]) -> tuple[str, ...]:
    if not vpcs:
        return ()
    seen = ec2.describe_vpcs(VpcIds=vpcs)["Vpcs"]
    ours = {v["VpcId"] for v in seen if {"Key": "Service", "Value": service} in v.get("Tags", ())}
    return tuple(v for v in vpcs if v not in ours)
