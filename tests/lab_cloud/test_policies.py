"""IAM at the lab's endpoint: the worker may what include/iam says, and a refusal names the action.

One action is taken away at a time; the step that needs it stops, with AWS's words in its error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab import secrets_file
from lab.addresses import ACCOUNT, REGION
from lab.cloud import worker
from lab.cloud.policies import Need, denied
from livemove.control.adapters.setup import credentials
from livemove.dns.adapters.route53 import Route53Zone
from livemove.model.ledger import Outputs
from livemove.model.ports import Link, RecordSet
from livemove.model.spec import Side, load_spec, project_root
from livemove.preflight.adapters.vpn import read_vpn
from livemove.provisioning.adapters.variables import dms_roles
from livemove.provisioning.operators import _begun
from livemove.replication.adapters.dms import DmsReplicator
from livemove.runtime.clock import SystemClock
from livemove.runtime.s3_ledger import S3Ledger, ensure_bucket
from livemove.runtime.ssm import SsmHost
from tests.conftest import Endpoint

SPEC = load_spec(project_root() / "include" / "migrations" / "shop.yaml")
DENIALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
SETTINGS = project_root() / "include" / SPEC.replication.settings
KEY = secrets_file.access_key()
BUCKET = SPEC.aws.bucket
Client = Callable[[str], Any]


# What the evaluator says ------------------------------------------------------------------------------
def allow(action: Any, resource: Any = "*", **condition: Any) -> Any:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}
    return {"Statement": [statement]}


READS = json.dumps({"Version": "2012-10-17", **allow("s3:GetObject", "*")})
S3 = "arn:aws:s3:::b/shop/*"
ALL_A = {"ForAllValues:StringEquals": {"k": ["A"]}}


@pytest.mark.parametrize(
    ("policy", "need", "yes"),
    [
        (allow("ec2:Describe*"), Need("ec2:DescribeVpcs"), True),
        (allow("ec2:Describe*"), Need("ec2:CreateVpc"), False),
        (
            allow("s3:GetObject", S3),
            Need("s3:GetObject", "arn:aws:s3:::b/shop/x/y"),
            True,
        ),
        (allow("s3:GetObject", S3), Need("s3:GetObject", "arn:aws:s3:::b/other"), False),
        (
            allow("a:B", StringEquals={"k": "x"}),
            Need("a:B", "*", {"k": "x"}),
            True,
        ),
        (allow("a:B", StringEquals={"k": "x"}), Need("a:B"), False),
        (allow("a:B", StringEqualsIfExists={"k": "x"}), Need("a:B"), True),
        (allow("a:B", StringEqualsIfExists={"k": "x"}), Need("a:B", "*", {"k": "y"}), False),
        (allow("a:B", StringLike={"k": "dms.*"}), Need("a:B", "*", {"k": "dms.eu.amazonaws.com"}), True),
        (allow("a:B", **ALL_A), Need("a:B", "*", {"k": ["A"]}), True),
        (
            allow("a:B", **ALL_A),
            Need("a:B", "*", {"k": ["A", "B"]}),
            False,
        ),
    ],
)
def test_a_statement_allows_by_action_resource_and_conditions(policy: Any, need: Need, yes: bool) -> None:
    assert (denied([policy], [need]) is None) is yes
    assert denied([policy], [need], frozenset({need.action})) == need


def test_an_operator_that_nobody_knows_is_never_a_yes() -> None:
    with pytest.raises(ValueError, match="NumericLessThan"):
        denied([allow("a:B", NumericLessThan={"k": "1"})], [Need("a:B")])


# At the endpoint --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def register(aws_endpoint: Endpoint) -> Iterator[Callable[..., None]]:
    def make(*without: str) -> None:
        worker.register(
            aws_endpoint.state,
            key=KEY,
            service=SPEC.service,
            bucket=BUCKET,
            name=SPEC.dns.name,
            zone=SPEC.dns.zone,
            without=without,
        )

    route53 = aws_endpoint.client("route53")
    made = route53.create_hosted_zone(Name=f"{SPEC.dns.zone}.", CallerReference="policies")
    zone = made["HostedZone"]["Id"]
    for name in (SPEC.dns.name, f"mail.{SPEC.dns.zone}"):
        record = {"Name": name, "Type": "A", "TTL": 20, "ResourceRecords": [{"Value": "192.0.2.9"}]}
        changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    make()
    yield make
    worker.file(aws_endpoint.state).unlink()


@pytest.fixture
def client(aws_endpoint: Endpoint, register: Callable[..., None]) -> Client:
    register()
    return lambda service: aws_endpoint.client(service, KEY)


def world(client: Client) -> Any:
    outputs = Outputs(
        database_identifier="shop",
        replication_instance_arn=f"arn:aws:dms:{REGION}:{ACCOUNT}:rep:SHOP",
        dms_secrets_role_arn=f"arn:aws:iam::{ACCOUNT}:role/shop-dms-secrets",
    )
    return SimpleNamespace(spec=SPEC, aws=client, outputs=outputs, clock=SystemClock())


def replicate(client: Client) -> None:
    there = world(client)
    login = {"username": "u", "password": "p", "host": "127.0.0.1", "port": 3306}
    DmsReplicator(
        client("dms"),
        client("secretsmanager"),
        service=SPEC.service,
        schemas=SPEC.source.schemas,
        settings=SETTINGS.read_text,
        outputs=lambda: there.outputs,
        clock=SimpleNamespace(sleep=print, now=there.clock.now),
    ).prepare(Link(SPEC.service, 1, Side.SOURCE), full_load=False, reader=login, applier=login)


def look_at_the_gateway(client: Client) -> None:
    problems: dict[str, str] = {}
    read_vpn(world(client), problems)
    raise LookupError(problems)


def move_the_name(client: Client, name: str = SPEC.dns.name) -> None:
    zone = Route53Zone(client("route53"), SPEC.dns.model_copy(update={"name": name}))
    before = zone.records(name)
    zone.change(before, [RecordSet(name, "A", 20, ("192.0.2.1",))])


STEPS: dict[str, Callable[[Client], Any]] = {
    "s3:CreateBucket": lambda c: ensure_bucket(c("s3"), BUCKET),
    "s3:PutObject": lambda c: S3Ledger(c("s3"), BUCKET, SPEC.service).put_file("x", b"x"),
    "iam:GetRole": lambda c: dms_roles(world(c)),
    "rds:DescribeDBSnapshots": lambda c: _begun(c("rds"), "shop", SystemClock().now()),
    "secretsmanager:CreateSecret": lambda c: credentials(world(c), Side.SOURCE, "livemove_read"),
    "dms:DescribeEndpoints": replicate,
    "dms:CreateEndpoint": replicate,
    "dms:AddTagsToResource": replicate,
    "iam:PassRole": replicate,
    "ec2:DescribeVpnGateways": look_at_the_gateway,
    "route53:ChangeResourceRecordSets": move_the_name,
    "route53:ListHostedZonesByName": move_the_name,
    "ssm:DescribeInstanceInformation": lambda c: SsmHost(
        c("ssm"), "cloud_web", "i-00000000000000000", "", SystemClock()
    ).run("true"),
}


@pytest.mark.parametrize("action", STEPS)
def test_without_one_action_its_step_stops_and_names_it(
    action: str, client: Client, register: Callable[..., None]
) -> None:
    register(action)
    with pytest.raises(Exception, match=f"perform: {action} on resource"):
        STEPS[action](client)


def refused(action: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ClientError, match=f"perform: {action} on resource") as e:
        call()
    assert e.value.response["Error"]["Code"] in DENIALS


def test_nobody_elses_things_are_touched(aws_endpoint: Endpoint, client: Client) -> None:
    owner, ec2 = aws_endpoint.client("ec2"), client("ec2")
    foreign = owner.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    ours = [{"Key": "Service", "Value": SPEC.service}]
    refused("ec2:CreateTags", lambda: ec2.create_tags(Resources=[foreign], Tags=ours))
    refused("ec2:DeleteVpc", lambda: ec2.delete_vpc(VpcId=foreign))
    refused("ec2:CreateVpc", lambda: ec2.create_vpc(CidrBlock="10.98.0.0/16"))
    made = ec2.create_vpc(
        CidrBlock="10.98.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": ours}]
    )["Vpc"]["VpcId"]
    ec2.delete_vpc(VpcId=made)


def test_a_role_is_made_inside_the_boundary_or_not_at_all(client: Client) -> None:
    iam, trust = client("iam"), json.dumps({"Version": "2012-10-17", "Statement": []})
    name = {"RoleName": "shop-web", "AssumeRolePolicyDocument": trust}
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/shop-boundary"
    refused("iam:CreateRole", lambda: iam.create_role(**name))
    other = f"arn:aws:iam::{ACCOUNT}:policy/other"
    refused("iam:CreateRole", lambda: iam.create_role(**name, PermissionsBoundary=other))
    iam.create_role(**name, PermissionsBoundary=boundary)
    iam.put_role_policy(RoleName="shop-web", PolicyName="reads", PolicyDocument=READS)
    refused(
        "iam:UpdateAssumeRolePolicy",
        lambda: iam.update_assume_role_policy(RoleName="shop-web", PolicyDocument=trust),
    )
    refused(
        "iam:DeleteRolePermissionsBoundary",
        lambda: iam.delete_role_permissions_boundary(RoleName="shop-web"),
    )
    refused(
        "iam:AttachRolePolicy",
        lambda: iam.attach_role_policy(
            RoleName="shop-web", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        ),
    )
    iam.delete_role_policy(RoleName="shop-web", PolicyName="reads")
    iam.delete_role(RoleName="shop-web")


def test_only_the_one_name_is_changed(client: Client) -> None:
    with pytest.raises(Exception, match="perform: route53:ChangeResourceRecordSets"):
        move_the_name(client, f"mail.{SPEC.dns.zone}")
    move_the_name(client)


def test_a_command_goes_to_servers_of_the_service_only(aws_endpoint: Endpoint, client: Client) -> None:
    ec2 = aws_endpoint.client("ec2")
    image = ec2.describe_images(Owners=["099720109477"])["Images"][-1]["ImageId"]
    other = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    command = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["true"]}}
    refused("ssm:SendCommand", lambda: client("ssm").send_command(InstanceIds=[other], **command))
    ec2.create_tags(Resources=[other], Tags=[{"Key": "Service", "Value": SPEC.service}])
    client("ssm").send_command(InstanceIds=[other], **command)
    ec2.terminate_instances(InstanceIds=[other])
