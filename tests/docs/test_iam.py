"""The policies in include/iam allow every call that livemove makes, and name only actions that AWS knows."""

from __future__ import annotations

import ast
import fnmatch
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from livemove.model.spec import project_root

IAM = project_root() / "include" / "iam"
PLUGINS = project_root() / "plugins" / "livemove"
TERRAFORM = project_root() / "include" / "terraform"
LARGEST_POLICY = 6144
"""Characters without white space; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

RECEIVERS = {"secrets": "secretsmanager"}
"""Names by which the code holds a client, where they are not the service's own."""
S3 = {
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
"""Calls of S3 that another action allows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
NO_CALL = {"iam:PassRole", "s3:ListBucket", "s3:PutBucketPublicAccessBlock"}
"""Actions that are no API call of that name."""
TYPES: dict[str, tuple[str, ...]] = {
    "aws_cloudwatch_log_group": (
        "logs:CreateLogGroup",
        "logs:DescribeLogGroups",
        "logs:PutRetentionPolicy",
        "logs:DeleteLogGroup",
    ),
    "aws_db_instance": (
        "rds:CreateDBInstance",
        "rds:DescribeDBInstances",
        "rds:ModifyDBInstance",
        "rds:DeleteDBInstance",
        "rds:CreateDBSnapshot",
        "rds:ListTagsForResource",
    ),
    "aws_db_parameter_group": (
        "rds:CreateDBParameterGroup",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeDBParameters",
        "rds:ModifyDBParameterGroup",
        "rds:DeleteDBParameterGroup",
    ),
    "aws_db_subnet_group": (
        "rds:CreateDBSubnetGroup",
        "rds:DescribeDBSubnetGroups",
        "rds:DeleteDBSubnetGroup",
    ),
    "aws_dms_replication_instance": (
        "dms:CreateReplicationInstance",
        "dms:DescribeReplicationInstances",
        "dms:ModifyReplicationInstance",
        "dms:DeleteReplicationInstance",
        "dms:ListTagsForResource",
    ),
    "aws_dms_replication_subnet_group": (
        "dms:CreateReplicationSubnetGroup",
        "dms:DescribeReplicationSubnetGroups",
        "dms:DeleteReplicationSubnetGroup",
    ),
    "aws_eip": (
        "ec2:AllocateAddress",
        "ec2:AssociateAddress",
        "ec2:DescribeAddresses",
        "ec2:DisassociateAddress",
        "ec2:ReleaseAddress",
    ),
    "aws_iam_instance_profile": (
        "iam:CreateInstanceProfile",
        "iam:AddRoleToInstanceProfile",
        "iam:GetInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:DeleteInstanceProfile",
    ),
    "aws_iam_role": (
        "iam:CreateRole",
        "iam:GetRole",
        "iam:ListRolePolicies",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:DeleteRole",
        "iam:TagRole",
    ),
    "aws_iam_role_policy": ("iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy"),
    "aws_iam_role_policy_attachment": (
        "iam:AttachRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:DetachRolePolicy",
    ),
    "aws_instance": (
        "ec2:RunInstances",
        "iam:PassRole",
        "ec2:DescribeInstances",
        "ec2:DescribeVolumes",
        "ec2:ModifyInstanceAttribute",
        "ec2:TerminateInstances",
    ),
    "aws_internet_gateway": (
        "ec2:CreateInternetGateway",
        "ec2:AttachInternetGateway",
        "ec2:DetachInternetGateway",
        "ec2:DeleteInternetGateway",
    ),
    "aws_key_pair": ("ec2:ImportKeyPair", "ec2:DescribeKeyPairs", "ec2:DeleteKeyPair"),
    "aws_route": ("ec2:CreateRoute", "ec2:ReplaceRoute", "ec2:DescribeRouteTables", "ec2:DeleteRoute"),
    "aws_route_table": ("ec2:CreateRouteTable", "ec2:DescribeRouteTables", "ec2:DeleteRouteTable"),
    "aws_route_table_association": (
        "ec2:AssociateRouteTable",
        "ec2:ReplaceRouteTableAssociation",
        "ec2:DisassociateRouteTable",
    ),
    "aws_secretsmanager_secret": (
        "secretsmanager:CreateSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
        "secretsmanager:DeleteSecret",
        "secretsmanager:TagResource",
    ),
    "aws_secretsmanager_secret_version": (
        "secretsmanager:PutSecretValue",
        "secretsmanager:GetSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ),
    "aws_security_group": (
        "ec2:CreateSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:DescribeSecurityGroups",
        "ec2:DeleteSecurityGroup",
    ),
    "aws_subnet": ("ec2:CreateSubnet", "ec2:DescribeSubnets", "ec2:DeleteSubnet"),
    "aws_vpc": (
        "ec2:CreateVpc",
        "ec2:ModifyVpcAttribute",
        "ec2:DescribeVpcAttribute",
        "ec2:DeleteVpc",
        "ec2:CreateTags",
    ),
    "aws_vpc_endpoint": (
        "ec2:CreateVpcEndpoint",
        "ec2:DescribeVpcEndpoints",
        "ec2:DeleteVpcEndpoints",
        "route53:AssociateVPCWithHostedZone",
    ),
    "aws_vpc_security_group_egress_rule": (
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:DescribeSecurityGroupRules",
        "ec2:ModifySecurityGroupRules",
        "ec2:RevokeSecurityGroupEgress",
    ),
    "aws_vpc_security_group_ingress_rule": (
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:DescribeSecurityGroupRules",
        "ec2:ModifySecurityGroupRules",
        "ec2:RevokeSecurityGroupIngress",
    ),
    "aws_vpn_gateway_attachment": ("ec2:AttachVpnGateway", "ec2:DescribeVpnGateways", "ec2:DetachVpnGateway"),
    "aws_vpn_gateway_route_propagation": (
        "ec2:EnableVgwRoutePropagation",
        "ec2:DescribeRouteTables",
        "ec2:DisableVgwRoutePropagation",
    ),
    "data aws_ami": ("ec2:DescribeImages", "ec2:GetInstanceUefiData"),
    "data aws_availability_zones": ("ec2:DescribeAvailabilityZones",),
    "data aws_route53_zone": (
        "route53:ListHostedZones",
        "route53:GetHostedZone",
        "route53:ListTagsForResource",
    ),
    # asked of nobody, or of STS, which needs no permission
    "data aws_caller_identity": (),
    "data aws_iam_policy_document": (),
    "data aws_partition": (),
    "data aws_region": (),
}
"""What Terraform calls for each type of resource of include/terraform."""
TERRAFORM_POLICIES = ("terraform-data", "terraform-network", "terraform-roles")
POLICIES = ("boundary", "worker", *TERRAFORM_POLICIES)
OURS = ("aws:ResourceTag/Service", "aws:ResourceTag/livemove")
LONG_WORDS = {
    "ACCOUNT_ID": "123456789012",
    "BUCKET": "commercial-property-listings-of-the-company-livemove-production",
    "PREFIX": "commercial-property-listings-and-images1",
    "PUBLIC_NAME": "www.commercial-property-listings.example.co.kr",
    "REGION": "ap-northeast-2",
    "SERVICE": "commercial_property_listings_and_images1",
    "ZONE_ID": "Z0123456789ABCDEFGHIJ0123456789",
}
"""The longest that a spec, S3 and Route 53 allow, or what a long name of a company is like."""
PLACEHOLDERS = {"ACCOUNT_ID", "BUCKET", "PREFIX", "PUBLIC_NAME", "REGION", "SERVICE", "ZONE_ID"}


def policy(name: str) -> Any:
    return json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))


def actions(name: str) -> set[str]:
    """Of a policy; `terraform`: of all that Terraform needs together."""
    names = TERRAFORM_POLICIES if name == "terraform" else (name,)
    return {a for n in names for s in policy(n)["Statement"] for a in _list(s["Action"])}


def filled(name: str) -> str:
    """A policy's text with long words in the place of the placeholders."""
    text = (IAM / f"{name}.json").read_text(encoding="utf-8")
    for word, value in LONG_WORDS.items():
        text = re.sub(rf"\b{word}\b", value, text)
    return text


def statements(action: str) -> list[Any]:
    """Every statement, of whichever policy but the boundary, that allows this action."""
    return [
        s
        for name in POLICIES[1:]
        for s in policy(name)["Statement"]
        if any(fnmatch.fnmatchcase(action, a) for a in _list(s["Action"]))
    ]


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def allowed(action: str, name: str) -> bool:
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in actions(name))


@cache
def operations(service: str) -> dict[str, str]:
    """Method of a boto3 client -> name of the API call."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(n): n for n in model.operation_names}


@cache
def services() -> list[str]:
    """Those that plugins/ asks a service context for."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in PLUGINS.rglob("*.py"))
    return sorted(set(re.findall(r'\.aws\("(\w+)"\)', text)))


@cache
def calls() -> tuple[tuple[str, str, str], ...]:
    """(where, service, call) of each client method and paginator that plugins/ names."""
    return tuple(_calls())


def _calls() -> Iterator[tuple[str, str, str]]:
    for path in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(PLUGINS)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Attribute):
                yield from _call(where, node.attr, node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_paginator":
                assert isinstance(node.args[0], ast.Constant), f"{where}: a paginator must be named"
                assert isinstance(node.func, ast.Attribute)
                yield from _call(where, str(node.args[0].value), node.func.value)


def _call(where: str, method: str, receiver: ast.expr | None) -> Iterator[tuple[str, str, str]]:
    fits = [s for s in services() if method in operations(s)]
    named = _name_of(receiver)
    if named in fits:
        fits = [named]
    assert len(fits) < 2, (
        f"{where}: {method} may be a call of {' or '.join(fits)}; hold its client by the service's name"
    )
    for service in fits:
        yield where, service, operations(service)[method]


def _name_of(node: ast.expr | None) -> str:
    if isinstance(node, ast.Call):
        return str(getattr(node.args[0], "value", "")) if node.args else ""
    last = getattr(node, "attr", getattr(node, "id", ""))
    return RECEIVERS.get(last, last)


def test_every_call_of_the_plugins_is_allowed() -> None:
    found = calls()
    missing = [
        f"{where} calls {service}:{_action(service, call)}"
        for where, service, call in found
        if not allowed(f"{service}:{_action(service, call)}", "worker")
    ]
    assert not missing
    assert {s for _, s, _ in found} == set(services()), "a client whose calls are not seen"


def _action(service: str, call: str) -> str:
    return S3.get(call, call) if service == "s3" else call


def test_the_worker_may_nothing_that_is_not_called() -> None:
    called = {f"{service}:{_action(service, call)}" for _, service, call in calls()}
    called |= {
        "iam:PassRole",
        "dms:AddTagsToResource",
        "rds:AddTagsToResource",
    }  # by calls that carry a role or a tag
    assert actions("worker") <= called


def test_every_type_of_terraform_is_covered() -> None:
    used = set()
    for path in TERRAFORM.rglob("*.tf"):
        for kind, name in re.findall(r'^(resource|data) "(\w+)"', path.read_text(encoding="utf-8"), re.M):
            used.add(name if kind == "resource" else f"data {name}")
    assert used == set(TYPES)
    missing = {f"{t}: {a}" for t in used for a in TYPES[t] if not allowed(a, "terraform")}
    assert not missing


def test_every_call_that_terraform_was_seen_to_make_is_allowed() -> None:
    """terraform_calls.txt is the provider's log (TF_LOG_PROVIDER=DEBUG) of tests/terraform/test_apply.py.

    It has rpc.service and rpc.method, without sts:GetCallerIdentity, which needs no permission.
    """
    seen = (Path(__file__).parent / "terraform_calls.txt").read_text(encoding="utf-8").split()
    assert len(seen) > 50
    assert [call for call in seen if not allowed(call, "terraform")] == []


@pytest.mark.parametrize("name", ["worker", *TERRAFORM_POLICIES])
def test_every_action_is_one_of_aws(name: str) -> None:
    for action in actions(name) - NO_CALL:
        service, _, call = action.partition(":")
        known = set(operations(service).values())
        assert any(fnmatch.fnmatchcase(k, call) for k in known), f"{action} is no call of {service}"


@pytest.mark.parametrize("name", POLICIES)
def test_it_fits_into_a_managed_policy_with_a_long_name_filled_in(name: str) -> None:
    assert len(LONG_WORDS["BUCKET"]) == 63
    assert len(LONG_WORDS["SERVICE"]) == 40
    text = filled(name)
    json.loads(text)
    assert not [p for p in PLACEHOLDERS if re.search(rf"\b{p}\b", text)]
    assert len("".join(text.split())) <= LARGEST_POLICY


def test_a_role_is_made_and_changed_inside_the_boundary_only() -> None:
    """Who may write a role's policies or its trust without one administers the account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    boundary = {"iam:PermissionsBoundary": "arn:aws:iam::ACCOUNT_ID:policy/PREFIX-boundary"}
    for call in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"):
        for s in statements(f"iam:{call}"):
            assert s["Condition"]["StringEquals"] == boundary, (call, s["Sid"])
    for call in (
        "CreatePolicyVersion",
        "DeleteRolePermissionsBoundary",
        "SetDefaultPolicyVersion",
        "UpdateAssumeRolePolicy",
    ):
        assert statements(f"iam:{call}") == [], call
    for s in statements("iam:PassRole"):
        assert next(iter(s["Condition"].values())).keys() == {"iam:PassedToService"}


def test_every_role_of_terraform_carries_the_boundary() -> None:
    for path in (TERRAFORM / "modules").rglob("main.tf"):
        for role in re.findall(
            r'^resource "aws_iam_role" .*?^\}', path.read_text(encoding="utf-8"), re.S | re.M
        ):
            assert "permissions_boundary = var.permissions_boundary" in role, path


def test_no_tag_is_put_on_what_belongs_to_others() -> None:
    """Conditions on tags are worth nothing to somebody who may write the tags."""
    for action in ("ec2:CreateTags", "dms:AddTagsToResource"):
        for s in statements(action):
            keys = {k for operator in s["Condition"].values() for k in operator}
            only_rules = s["Resource"] == "arn:aws:ec2:REGION:ACCOUNT_ID:security-group-rule/*"
            assert only_rules or keys & {"ec2:CreateAction", *OURS}, s["Sid"]


def test_dms_deletes_and_changes_by_tag_only() -> None:
    changing = {
        a for n in POLICIES[1:] for a in actions(n) if re.match(r"dms:(Delete|Modify|Remove|Stop|Start)", a)
    }
    assert len(changing) > 8
    for action in changing:
        for s in statements(action):
            assert set(s["Condition"]["StringEquals"]) <= set(OURS), (action, s["Sid"])


@pytest.mark.parametrize("name", ["worker", *TERRAFORM_POLICIES])
def test_only_looking_is_allowed_on_everything(name: str) -> None:
    for s in policy(name)["Statement"]:
        if s["Resource"] == "*" and "Condition" not in s:
            changing = [a for a in _list(s["Action"]) if not re.search(r":(Describe|Get|List)", a)]
            # the private zone of a VPC endpoint is AWS's own, it has no ARN that one could know
            assert changing in ([], ["route53:AssociateVPCWithHostedZone"]), s["Sid"]


def test_the_guide_fills_in_every_placeholder(tmp_path: Path) -> None:
    guide = (project_root() / "docs" / "move-your-own-service.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"```sh\n(.*?)```", guide, re.S) if "include/iam" in b)
    for source in IAM.glob("*.json"):
        (tmp_path / "include" / "iam").mkdir(parents=True, exist_ok=True)
        (tmp_path / "include" / "iam" / source.name).write_text(source.read_text())
    subprocess.run(["sh", "-euc", block], cwd=tmp_path, check=True)
    for name in POLICIES:
        made = (tmp_path / f"livemove-{name}.json").read_text(encoding="utf-8")
        json.loads(made)
        assert not [p for p in PLACEHOLDERS if re.search(rf"\b{p}\b", made)]
