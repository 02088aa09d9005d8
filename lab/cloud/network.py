"""The VPC that Terraform made, read out of moto: its hosts, its rules, and what the lab's doors let in.

Where what is enforced: lab/README.md, "The network". A database's door drops the first packet of whoever may
not come (lab/door.py); a call of an AWS service gets no answer when its signer's host may not reach it
(gate.py); DMS asks here before it reads a secret or writes to S3.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from moto.dms.models import dms_backends
from moto.ec2.models import ec2_backends
from moto.rds.models import rds_backends

from lab.addresses import ACCOUNT, REGION, Addresses
from lab.cloud.base import Cloud
from lab.cloud.patching import quietly
from lab.cloud.reach import Endpoint, Host, Network, Route, Rule
from lab.door import rules_file

log = logging.getLogger(__name__)

LOOK = 0.3
"""Seconds between two looks at what Terraform has changed."""
MARIADB = 3306


def install(cloud: Cloud) -> None:
    threading.Thread(target=_follow, args=(cloud,), name="network", daemon=True).start()


def vpn_networks(a: Addresses) -> tuple[IPv4Network, ...]:
    """What lies behind the VPN: the data centre, and the worker, who is whoever binds no address."""
    return IPv4Network(a.ip(1, 0) + "/24"), IPv4Network("127.0.0.1")


# Hosts ----------------------------------------------------------------------------------------------
def instance_host(instance_id: str) -> Host | None:
    """The web server of that id; None when it is in no group, that is, not made by Terraform."""
    instance = _ec2().get_instance(instance_id)
    groups = frozenset(g.id for g in instance.security_groups)
    addresses = (IPv4Network(instance.private_ip),)
    return Host(instance_id, addresses, groups, (instance.subnet_id,), bool(instance.public_ip))


def database_host(db: Any) -> Host | None:
    """An RDS instance; None without groups or subnets of its own."""
    group = getattr(db, "db_subnet_group", None)
    if not db.vpc_security_group_ids or group is None:
        return None
    subnets = tuple(str(s["SubnetIdentifier"]) for s in group.subnets)
    return Host(
        db.db_instance_identifier,
        _cidrs(subnets),
        frozenset(db.vpc_security_group_ids),
        subnets,
        bool(db.publicly_accessible),
    )


def replication_host(instance: Any) -> Host | None:
    """A DMS replication instance; None without groups or subnets of its own."""
    group = getattr(instance, "subnet_group", None)
    groups = frozenset(g["VpcSecurityGroupId"] for g in instance.vpc_security_groups)
    if group is None or not groups:
        return None
    subnets = tuple(group.subnetIds)
    return Host(instance.id, _cidrs(subnets), groups, subnets, bool(instance.publicly_accessible))


def of(host: Host, a: Addresses) -> Network:
    """The network around that host, as it is at this moment."""
    ec2 = _ec2()
    vpc = ec2.get_subnet(host.subnets[0]).vpc_id
    groups = {g.id: g for g in ec2.groups[vpc].values()}
    tables = [t for t in ec2.route_tables.values() if t.vpc_id == vpc]
    main = next((t.id for t in tables if t.main_association_id), "")
    subnets = [s.id for zone in ec2.subnets.values() for s in zone.values() if s.vpc_id == vpc]
    of_subnet = {s: t.id for t in tables for s in t._associations.values()}
    return Network(
        IPv4Network(ec2.get_vpc(vpc).cidr_block),
        {i: [*_rules(g.ingress_rules)] for i, g in groups.items()},
        {i: [*_rules(g.egress_rules)] for i, g in groups.items()},
        {s: of_subnet.get(s, main) for s in subnets},
        {t.id: [*_routes(t, vpc, a)] for t in tables},
        [_endpoint(e) for e in ec2.vpc_end_points.values() if e.vpc_id == vpc],
        () if _is_public(vpc) else vpn_networks(a),
    )


def dropped_to_service(host: Host | None, service: str, a: Addresses) -> str | None:
    """Why that host gets no answer from the service; a host in no VPC of Terraform's always does."""
    return of(host, a).dropped_to_service(host, service) if host is not None else None


def _ec2() -> Any:
    return ec2_backends[ACCOUNT][REGION]


def _cidrs(subnets: tuple[str, ...]) -> tuple[IPv4Network, ...]:
    return tuple(IPv4Network(_ec2().get_subnet(s).cidr_block) for s in subnets)


def _rules(rules: Any) -> Iterator[Rule]:
    for r in rules:
        ports = (None, None) if r.ip_protocol == "-1" else (r.from_port, r.to_port)
        if r.ip_protocol not in ("-1", "tcp"):
            continue
        if r.cidr_ipv4:
            yield Rule(IPv4Network(r.cidr_ipv4), None, *ports)
        elif r.source_group:
            yield Rule(None, r.source_group.get("GroupId"), *ports)


def _routes(table: Any, vpc: str, a: Addresses) -> Iterator[Route]:
    for r in table.routes:
        if r.destination_cidr_block:
            gateway = "local" if r.local else str(getattr(r.gateway, "id", "") or "other")
            yield Route(IPv4Network(r.destination_cidr_block), gateway)
    for gateway in getattr(table, "livemove_propagating", ()):
        found = _ec2().vpn_gateways.get(gateway)
        if found is not None and vpc in found.attachments:
            yield from (Route(n, gateway) for n in vpn_networks(a))


def _endpoint(e: Any) -> Endpoint:
    service = e.service_name.rsplit(".", 1)[-1]
    if (e.vpc_endpoint_type or "Gateway").lower() == "gateway":
        return Endpoint(e.id, service, None, frozenset(e.route_table_ids))
    if not e.private_dns_enabled:
        return Endpoint(e.id, f"{e.id}.{service}")
    subnets = tuple(e.subnet_ids or ())
    host = Host(f"{e.id} ({service})", _cidrs(subnets), frozenset(e.security_group_ids), subnets)
    return Endpoint(e.id, service, host)


def _is_public(vpc: str) -> bool:
    """With `public_allow_list` the two databases meet on the internet."""
    return any(
        host.public and _ec2().get_subnet(host.subnets[0]).vpc_id == vpc
        for db in rds_backends[ACCOUNT][REGION].databases.values()
        if (host := database_host(db))
    )


# Doors ----------------------------------------------------------------------------------------------
def _follow(cloud: Cloud) -> None:
    end = threading.Event()
    while not end.wait(LOOK):
        _write_doors(cloud)


@quietly
def _write_doors(cloud: Cloud) -> None:
    a = cloud.addresses
    databases = [
        (db, host)
        for db in list(rds_backends[ACCOUNT][REGION].databases.values())
        if (host := database_host(db))
    ]
    callers = [*_callers(a)]
    for db, host in databases:
        network = of(host, a)
        hosts = {address: network.dropped(c, host, int(db.port)) is None for address, c in callers}
        outside = list(_outside(network, host, int(db.port)))
        _keep(rules_file(cloud.state, f"rds-{db.db_instance_identifier}"), hosts, outside)
    # the data centre's own firewall is not what is looked at here: only whether the VPC has a way to it
    idc = Host("the data centre's database", (IPv4Network(a.idc),))
    hosts = {address: of(c, a).dropped(c, idc, MARIADB) is None for address, c in callers}
    _keep(rules_file(cloud.state, "idc-mariadb"), hosts, ["0.0.0.0/0"])


def _callers(a: Addresses) -> Iterator[tuple[str, Host]]:
    """(loopback address, host) of everybody in the VPC who speaks to databases."""
    for reservation in _ec2().all_reservations():
        for instance in reservation.instances:
            if instance.public_ip and instance._state.name == "running" and (h := instance_host(instance.id)):
                yield str(instance.public_ip), h
    for instance in list(dms_backends[ACCOUNT][REGION].replication_instances.values()):
        if h := replication_host(instance):
            yield a.dms, h


def _outside(network: Network, host: Host, port: int) -> Iterator[str]:
    """Networks outside the VPC that are let in, and to which a route leads back."""
    for group in host.groups:
        for rule in network.ingress.get(group, ()):
            if rule.network is None or (
                rule.first is not None and not rule.first <= port <= (rule.last or 0)
            ):
                continue
            if network._no_way(host, Host("", (rule.network,))) is None:
                yield str(rule.network)


def _keep(path: Path, hosts: dict[str, bool], networks: list[str]) -> None:
    text = json.dumps({"hosts": hosts, "networks": sorted(networks)}, sort_keys=True)
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
    log.info("the door of %s: %s", path.stem, text)
