"""EC2: an instance is a directory with a web host's programs, at a public address of the lab.

An instance first gets a passing public address, as in a subnet that maps one at launch; attaching an
Elastic IP prepares the host again at that one, before any release is deployed. User data is kept in the
host's directory and not run: it would install packages on the machine that rehearses; cloud-init is at work
for a while all the same, and what user data installs is not there before.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import signal
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.responses import EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import AMIS
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.models.route_tables import RouteTable
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpn_gateway import VpnGatewayBackend
from moto.ec2.responses import EC2Response

from lab.addresses import ACCOUNT, REGION, VPN_GATEWAY
from lab.cloud import pace
from lab.cloud.base import Cloud
from lab.cloud.patching import background, quietly, wrap

log = logging.getLogger(__name__)

UBUNTU = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260601"


def install(cloud: Cloud) -> None:
    _offer_current_ubuntu()
    _describe_group_rules()
    _offer_vpn_gateway()
    _propagate_routes()
    _hand_out_addresses(cloud)
    _bring_up_and_down(cloud)


def ready(cloud: Cloud, instance_id: str) -> bool:
    """True once the host's directory is prepared: then the SSM agent counts as online."""
    return (cloud.host_directory(instance_id) / ".prepared").exists()


def address_of(instance_id: str) -> str:
    """The public address from which the host speaks."""
    return str(ec2_backends[ACCOUNT][REGION].get_instance(instance_id).public_ip or "")


def _offer_current_ubuntu() -> None:
    old = next(a for a in AMIS if "ubuntu-xenial" in str(a.get("name") or ""))
    AMIS.append(
        {**old, "ami_id": "ami-0a22040000000001", "name": UBUNTU, "creation_date": datetime(2026, 6, 1)}
    )


def _describe_group_rules() -> None:
    # moto looks at ip_range only, so a rule that references a group would lose its description
    def description(rule: Any) -> str | None:
        return (rule.ip_range or {}).get("Description") or (rule.source_group or {}).get("Description")

    SecurityGroupRule.description = property(description)


def _offer_vpn_gateway() -> None:
    """The company's VPN stands, its gateway is not attached yet; one is attached to one VPC at most.

    https://docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html
    """
    backend = ec2_backends[ACCOUNT][REGION]
    gateway = backend.create_vpn_gateway(gateway_type="ipsec.1")
    backend.vpn_gateways[VPN_GATEWAY] = backend.vpn_gateways.pop(gateway.id)
    gateway.id = VPN_GATEWAY

    @wrap(VpnGatewayBackend, "attach_vpn_gateway")
    def attach(original: Any, self: Any, vpn_gateway_id: str, vpc_id: str) -> Any:
        others = [v for v in self.get_vpn_gateway(vpn_gateway_id).attachments if v != vpc_id]
        if others:
            raise EC2ClientError(
                "VpnGatewayAttachmentLimitExceeded",
                f"The maximum number of VPC attachments (1) for {vpn_gateway_id} has been reached",
            )
        return original(self, vpn_gateway_id, vpc_id)


def _propagate_routes() -> None:
    """A route table takes over the routes of a VPN gateway that is attached to its VPC; not in moto."""

    def gateways(table: Any) -> set[str]:
        found: set[str] = table.__dict__.setdefault("livemove_propagating", set())
        return found

    def enable(self: Any) -> EmptyResult:
        table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
        gateway = self._get_param("GatewayId")
        if table.vpc_id not in self.ec2_backend.get_vpn_gateway(gateway).attachments:
            raise EC2ClientError("Gateway.NotAttached", f"{gateway} is not attached to {table.vpc_id}")
        gateways(table).add(gateway)
        return EmptyResult()

    def disable(self: Any) -> EmptyResult:
        table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
        gateways(table).discard(self._get_param("GatewayId"))
        return EmptyResult()

    EC2Response.enable_vgw_route_propagation = enable
    EC2Response.disable_vgw_route_propagation = disable
    RouteTable.propagating_vgws = property(lambda table: [{"GatewayId": g} for g in sorted(gateways(table))])


def _hand_out_addresses(cloud: Cloud) -> None:
    @wrap(NetworkInterface, "check_auto_public_ip")
    def passing(original: Any, self: Any) -> None:
        before = self.public_ip
        original(self)
        if self.public_ip and self.public_ip != before:
            self.public_ip = cloud.next_passing()

    @wrap(ElasticAddressBackend, "allocate_address")
    def allocate(original: Any, self: Any, domain: str, address: str | None = None, tags: Any = None) -> Any:
        return original(self, domain, address or cloud.next_elastic(), tags)

    @wrap(ElasticAddressBackend, "associate_address")
    def associate(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        address = original(self, *args, **kwargs)
        instance = address.instance or (address.eni.instance if address.eni else None)
        if instance is not None:
            background(_prepare, cloud, instance.id, address.public_ip)
        return address


def _bring_up_and_down(cloud: Cloud) -> None:
    @wrap(InstanceBackend, "run_instances")
    def run(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        # the provider sends the groups inside the interface when it asks for a public address
        for nic in kwargs.get("nics") or []:
            if nic.get("Groups") and not kwargs.get("security_group_ids"):
                kwargs["security_group_ids"] = list(nic["Groups"])
        reservation = original(self, *args, **kwargs)
        for instance in reservation.instances:
            _keep_user_data(cloud, instance)
            _name(cloud, instance.id, kwargs.get("tags") or {})
            background(_prepare, cloud, instance.id, instance.public_ip or "")
            background(_run_user_data, cloud, instance.id)
        return reservation

    @wrap(InstanceBackend, "terminate_instances")
    def terminate(original: Any, self: Any, instance_ids: list[str]) -> Any:
        result = original(self, instance_ids)
        for instance_id in instance_ids:
            background(_end, cloud, instance_id)
        return result


def _prepare(cloud: Cloud, instance_id: str, address: str) -> None:
    """Place the host's programs in its directory; it serves at `address` once a release is deployed."""
    directory = cloud.host_directory(instance_id)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        from lab.web.host import prepare_host
        from lab.web.users import me
        from lab.web.users import users as host_users
    except ImportError as e:
        log.warning("no web host can be prepared for %s: %s", instance_id, e)
    else:
        users = replace(host_users(cloud.state), login=me())  # SSM's commands are root's
        prepare_host(directory, instance_id, address, cloud.addresses.https, cloud.certificate, users=users)
    (directory / ".prepared").touch()
    log.info("host %s is ready at %s", instance_id, address or "no public address")


@quietly
def _keep_user_data(cloud: Cloud, instance: Any) -> None:
    if not instance.user_data:
        return
    directory = cloud.host_directory(instance.id)
    directory.mkdir(parents=True, exist_ok=True)
    text = instance.user_data.decode() if isinstance(instance.user_data, bytes) else str(instance.user_data)
    with contextlib.suppress(ValueError, UnicodeDecodeError):
        text = base64.b64decode(text, validate=True).decode()
    (directory / "user-data").write_text(text)
    log.info("user data of %s is kept in %s and not run", instance.id, directory)


@quietly
def _name(cloud: Cloud, instance_id: str, tags: dict[str, dict[str, str]]) -> None:
    """hosts/<Name> is the host as well: the lab's spec knows no ids (lab.specs)."""
    name = tags.get("instance", {}).get("Name")
    if name:
        link = cloud.host_directory(name)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(instance_id)


def _run_user_data(cloud: Cloud, instance_id: str) -> None:
    """What cloud-init does on AWS takes its time here, too; see lab/web/bin/cloud-init."""
    file = cloud.host_directory(instance_id) / "cloud-init"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("running\n")
    time.sleep(pace.CLOUD_INIT.lab)
    # somebody who rehearses a failure has written another word
    if file.read_text() == "running\n":
        file.write_text("done\n")


def _end(cloud: Cloud, instance_id: str) -> None:
    """End what runs on the host: what is on file for its directory, then what its commands left behind."""
    directory = str(cloud.host_directory(instance_id))
    for process in cloud.registry.all():
        if process.data.startswith(directory):
            cloud.registry.stop(process.name)
    for sig in (signal.SIGTERM, signal.SIGKILL):
        left = processes_of(instance_id, cloud.state)
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, sig)
        if left:
            time.sleep(1)
    (Path(directory) / ".prepared").unlink(missing_ok=True)
    log.info("host %s is gone", instance_id)


def processes_of(instance_id: str, state: Path) -> list[int]:
    """Processes that commands on that host started: their environment has its id and the lab's folder."""
    wanted = {f"INSTANCE_ID={instance_id}".encode(), f"LIVEMOVE_LAB_STATE={state}".encode()}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = set((folder / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue
        if wanted <= environment:
            found.append(int(folder.name))
    return found
