"""The lab's network drops what AWS's would drop: groups, routes and endpoints as Terraform makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pymysql
import pytest

from lab.addresses import VPN_GATEWAY, Addresses
from lab.cloud.reach import Endpoint as VpcEndpoint
from lab.cloud.reach import Host, Network, Route, Rule
from tests.conftest import Endpoint
from tests.lab_cloud.waiting import until

ANY = Rule(IPv4Network("0.0.0.0/0"))
VPC = IPv4Network("10.20.0.0/16")
PUBLIC, PRIVATE = IPv4Network("10.20.0.0/24"), IPv4Network("10.20.10.0/24")
IDC = Host("idc", (IPv4Network("192.168.10.5"),))
WEB = Host("web", (IPv4Network("10.20.0.7"),), frozenset({"web"}), ("public",), public=True)
DMS = Host("dms", (PRIVATE,), frozenset({"dms"}), ("private",))
RDS = Host("rds", (PRIVATE,), frozenset({"rds"}), ("private",))
ENDPOINT = Host("secretsmanager", (PRIVATE,), frozenset({"endpoint"}), ("private",))
VPN_ROUTE = Route(IPv4Network("192.168.10.0/24"), "vgw-1")


def network(**other: Any) -> Network:
    made: dict[str, Any] = {
        "vpc": VPC,
        "ingress": {
            "rds": [Rule(group="web", first=3306, last=3306), Rule(group="dms", first=3306, last=3306)],
            "endpoint": [Rule(group="dms", first=443, last=443)],
        },
        "egress": {"web": [ANY], "dms": [ANY]},
        "tables": {"public": "rtb-public", "private": "rtb-private"},
        "routes": {
            "rtb-public": [Route(VPC, "local"), Route(IPv4Network("0.0.0.0/0"), "igw-1")],
            "rtb-private": [Route(VPC, "local")],
        },
        "endpoints": [VpcEndpoint("vpce-1", "secretsmanager", ENDPOINT)],
        "private": (IPv4Network("192.168.0.0/16"),),
    }
    return Network(**{**made, **other})


def test_a_private_name_leads_everybody_to_the_endpoint_whose_group_decides() -> None:
    assert "admits 443/tcp from web" in (network().dropped_to_service(WEB, "secretsmanager") or "")
    assert network().dropped_to_service(DMS, "secretsmanager") is None
    whole = {"endpoint": [Rule(VPC, first=443, last=443)]}
    assert network(ingress=whole).dropped_to_service(WEB, "secretsmanager") is None


def test_without_the_endpoint_a_private_host_reaches_no_service() -> None:
    assert network(endpoints=[]).dropped_to_service(WEB, "secretsmanager") is None
    assert "no route" in (network(endpoints=[]).dropped_to_service(DMS, "secretsmanager") or "")


def test_a_gateway_endpoint_serves_the_subnets_whose_tables_know_it() -> None:
    assert "no route" in (network().dropped_to_service(DMS, "s3") or "")
    s3 = VpcEndpoint("vpce-2", "s3", tables=frozenset({"rtb-private"}))
    assert network(endpoints=[s3]).dropped_to_service(DMS, "s3") is None


def test_a_database_admits_groups_and_networks_that_a_route_leads_back_to() -> None:
    assert network().dropped(WEB, RDS, 3306) is None
    assert "admits 3307/tcp" in (network().dropped(WEB, RDS, 3307) or "")
    assert "admits 3306/tcp from idc" in (network().dropped(IDC, RDS, 3306) or "")
    admitted = {"rds": [Rule(IPv4Network("192.168.10.0/24"), first=3306, last=3306)]}
    assert "no route" in (network(ingress=admitted).dropped(IDC, RDS, 3306) or "")
    routes = {"rtb-private": [Route(VPC, "local"), VPN_ROUTE]}
    assert network(ingress=admitted, routes=routes).dropped(IDC, RDS, 3306) is None


def test_an_internet_gateway_takes_no_private_address() -> None:
    assert "a private address" in (network().dropped(WEB, IDC, 3306) or "")
    routes = {"rtb-public": [Route(VPC, "local"), Route(IPv4Network("0.0.0.0/0"), "igw-1"), VPN_ROUTE]}
    assert network(routes=routes).dropped(WEB, IDC, 3306) is None


def test_a_closed_egress_is_closed() -> None:
    assert "lets 3306/tcp out" in (network(egress={}).dropped(WEB, RDS, 3306) or "")


# The lab's endpoint -----------------------------------------------------------------------------------
class World:
    """The network of include/terraform, in short, made at the lab's endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.ec2 = endpoint.client("ec2")
        self.addresses = Addresses(int(endpoint.url.split(".")[1]), True)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [self._subnet("10.20.0.0/24", "a"), self._subnet("10.20.1.0/24", "c")]
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.table = self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=self.table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        for subnet in self.subnets:
            self.ec2.associate_route_table(RouteTableId=self.table, SubnetId=subnet)
        self.web, self.database, self.endpoint = (self._group(n) for n in ("web", "database", "endpoint"))

    def _subnet(self, cidr: str, zone: str) -> str:
        made = self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=f"ap-northeast-2{zone}"
        )
        return str(made["Subnet"]["SubnetId"])

    def _group(self, name: str) -> str:
        return str(
            self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]
        )

    def admit(self, group: str, port: int, **who: Any) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **who}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])

    def server(self, name: str = "web") -> str:
        nic = {
            "DeviceIndex": 0,
            "SubnetId": self.subnets[0],
            "AssociatePublicIpAddress": True,
            "Groups": [self.web],
        }
        image = self.ec2.describe_images(Owners=["099720109477"])["Images"][-1]["ImageId"]
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
        made = self.ec2.run_instances(
            ImageId=image, MinCount=1, MaxCount=1, NetworkInterfaces=[nic], TagSpecifications=tags
        )
        return str(made["Instances"][0]["InstanceId"])


@pytest.fixture(scope="module")
def world(aws_endpoint: Endpoint) -> Iterator[World]:
    made = World(aws_endpoint)
    yield made
    with_vpn = made.ec2.describe_vpn_gateways(VpnGatewayIds=[VPN_GATEWAY])["VpnGateways"][0]
    for attachment in with_vpn["VpcAttachments"]:
        made.ec2.detach_vpn_gateway(VpnGatewayId=VPN_GATEWAY, VpcId=attachment["VpcId"])


@pytest.fixture(scope="module")
def server(aws_endpoint: Endpoint, world: World) -> Iterator[str]:
    made = world.server()
    yield made
    world.ec2.terminate_instances(InstanceIds=[made])


def on(endpoint: Endpoint, server: str, command: str) -> dict[str, Any]:
    ssm = endpoint.client("ssm")
    sent = ssm.send_command(
        InstanceIds=[server], DocumentName="AWS-RunShellScript", Parameters={"commands": [command]}
    )["Command"]["CommandId"]

    def ended() -> dict[str, Any] | None:
        got: dict[str, Any] = ssm.get_command_invocation(CommandId=sent, InstanceId=server)
        return None if got["Status"] in ("Pending", "InProgress") else got

    return until(ended, "the command's end", 60)


def test_a_web_server_that_the_endpoints_group_does_not_admit_gets_no_answer(
    aws_endpoint: Endpoint, world: World, server: str
) -> None:
    on(aws_endpoint, server, "cloud-init status --wait")
    secret = aws_endpoint.client("secretsmanager").create_secret(Name="net/app", SecretString="open sesame")
    ask = (
        f"aws secretsmanager get-secret-value --secret-id {secret['ARN']} --query SecretString --output text"
    )
    assert on(aws_endpoint, server, ask)["StandardOutputContent"] == "open sesame\n"
    world.ec2.create_vpc_endpoint(
        VpcId=world.vpc,
        ServiceName="com.amazonaws.ap-northeast-2.secretsmanager",
        VpcEndpointType="Interface",
        SubnetIds=world.subnets,
        SecurityGroupIds=[world.endpoint],
        PrivateDnsEnabled=True,
    )
    dropped = on(aws_endpoint, server, ask)
    assert dropped["ResponseCode"] == 255
    assert "Connect timeout on endpoint URL" in dropped["StandardErrorContent"]
    world.admit(world.endpoint, 443, IpRanges=[{"CidrIp": "10.20.0.0/16"}])
    assert on(aws_endpoint, server, ask)["StandardOutputContent"] == "open sesame\n"


def test_a_databases_door_follows_its_group_and_the_routes(
    aws_endpoint: Endpoint, world: World, server: str
) -> None:
    rds = aws_endpoint.client("rds")
    rds.create_db_subnet_group(
        DBSubnetGroupName="net", DBSubnetGroupDescription="net", SubnetIds=world.subnets
    )
    rds.create_db_instance(
        DBInstanceIdentifier="doors",
        DBInstanceClass="db.t3.medium",
        Engine="mariadb",
        EngineVersion="10.11",
        MasterUsername="admin",
        MasterUserPassword="master-password-1",
        AllocatedStorage=20,
        DBSubnetGroupName="net",
        VpcSecurityGroupIds=[world.database],
    )

    def available() -> Any:
        one = rds.describe_db_instances(DBInstanceIdentifier="doors")["DBInstances"][0]
        return one["Endpoint"]["Address"] if one["DBInstanceStatus"] == "available" else None

    address = until(available, "the database", 60)
    knock = f"python3 -c 'import socket; socket.create_connection((\"{address}\", 3306), 1)' && echo in"
    try:
        assert not _worker_gets_in(address)
        assert "timed out" in on(aws_endpoint, server, knock)["StandardErrorContent"]
        assert "(110)" in on(aws_endpoint, server, f"mariadb --host={address} -e 1")["StandardErrorContent"]
        world.admit(world.database, 3306, UserIdGroupPairs=[{"GroupId": world.web}])
        until(
            lambda: on(aws_endpoint, server, knock)["StandardOutputContent"] == "in\n", "the web server", 20
        )
        world.admit(world.database, 3306, IpRanges=[{"CidrIp": "127.0.0.1/32"}])
        assert not _worker_gets_in(address), "the packet comes in and its answer finds no way back"
        world.ec2.attach_vpn_gateway(VpnGatewayId=VPN_GATEWAY, VpcId=world.vpc)
        world.ec2.enable_vgw_route_propagation(RouteTableId=world.table, GatewayId=VPN_GATEWAY)
        until(lambda: _worker_gets_in(address), "the worker", 10)
    finally:
        rds.delete_db_instance(DBInstanceIdentifier="doors", SkipFinalSnapshot=True)


def _worker_gets_in(address: str) -> bool:
    try:
        pymysql.connect(host=address, user="admin", password="master-password-1", connect_timeout=1).close()
    except pymysql.err.MySQLError as e:
        if "timed out" in str(e):
            return False
        raise
    return True


def test_a_vpn_gateway_is_attached_to_one_vpc(aws_endpoint: Endpoint, world: World) -> None:
    world.ec2.attach_vpn_gateway(VpnGatewayId=VPN_GATEWAY, VpcId=world.vpc)
    other = world.ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    with pytest.raises(world.ec2.exceptions.ClientError, match="VpnGatewayAttachmentLimitExceeded"):
        world.ec2.attach_vpn_gateway(VpnGatewayId=VPN_GATEWAY, VpcId=other)


def test_rules_that_a_door_reads_are_written_for_the_data_centre_too(
    aws_endpoint: Endpoint, world: World, server: str
) -> None:
    file = aws_endpoint.state / "network" / "idc-mariadb.json"
    world.ec2.attach_vpn_gateway(VpnGatewayId=VPN_GATEWAY, VpcId=world.vpc)
    world.ec2.enable_vgw_route_propagation(RouteTableId=world.table, GatewayId=VPN_GATEWAY)
    until(lambda: True in json.loads(file.read_text())["hosts"].values(), "a way to the data centre", 10)
    world.ec2.disable_vgw_route_propagation(RouteTableId=world.table, GatewayId=VPN_GATEWAY)
    until(lambda: True not in json.loads(file.read_text())["hosts"].values(), "no way any more", 10)
