"""What a call of AWS needs: its action on each resource, with tags and other values that conditions look at.

One function for each service that livemove and its Terraform call; which resource types an action is checked
on, and which keys it knows, is the Service Authorization Reference's word.
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from moto.dms.models import dms_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from lab.addresses import ACCOUNT, REGION
from lab.cloud.policies import Need

Parameters = Mapping[str, Any]
CANONICAL = "099720109477"


def of(service: str, call: str, p: Parameters) -> list[Need]:
    """Everything that this call needs. A service without rules of its own is asked for the bare action."""
    known: dict[str, Callable[[str, Parameters], Iterator[Need]]] = {
        "ec2": _ec2,
        "rds": _rds,
        "dms": _dms,
        "iam": _iam,
        "s3": _s3,
        "secretsmanager": _secrets,
        "logs": _logs,
        "route53": _route53,
        "ssm": _ssm,
    }
    if service == "monitoring":
        return [Need(f"cloudwatch:{call}")]
    if service == "sts":
        return []
    return list(known.get(service, _bare(service))(call, p))


def _bare(service: str) -> Callable[[str, Parameters], Iterator[Need]]:
    def need(call: str, p: Parameters) -> Iterator[Need]:
        yield Need(f"{service}:{call}")

    return need


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _request(tags: Any) -> dict[str, str]:
    return {f"aws:RequestTag/{t['Key']}": str(t.get("Value", "")) for t in tags or ()}


def _resource(tags: Any) -> dict[str, str]:
    return {f"aws:ResourceTag/{t['Key']}": str(t.get("Value", "")) for t in tags or ()}


# EC2 ------------------------------------------------------------------------------------------------
PREFIXES = {
    "vpc": "vpc",
    "subnet": "subnet",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "igw": "internet-gateway",
    "rtb": "route-table",
    "vpce": "vpc-endpoint",
    "vgw": "vpn-gateway",
    "i": "instance",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "ami": "image",
    "vol": "volume",
    "key": "key-pair",
}
MADE = {
    "AllocateAddress": ["elastic-ip"],
    "AuthorizeSecurityGroupEgress": ["security-group-rule"],
    "AuthorizeSecurityGroupIngress": ["security-group-rule"],
    "CreateInternetGateway": ["internet-gateway"],
    "CreateRouteTable": ["route-table"],
    "CreateSecurityGroup": ["security-group"],
    "CreateSubnet": ["subnet"],
    "CreateVpc": ["vpc"],
    "CreateVpcEndpoint": ["vpc-endpoint"],
    "ImportKeyPair": ["key-pair"],
    "RunInstances": ["instance", "volume", "network-interface"],
}
"""What a call makes; it is checked on these with the tags of the request."""
ID = re.compile(r"([a-z]+)-[0-9a-f]+")


def _ec2(call: str, p: Parameters) -> Iterator[Need]:
    action = f"ec2:{call}"
    if call.startswith(("Describe", "Get")):
        yield Need(action)
        return
    tags = {t["ResourceType"]: t.get("Tags") for t in p.get("TagSpecifications") or ()}
    if call in ("CreateTags", "DeleteTags"):
        for name in p["Resources"]:
            yield Need(action, _ec2_arn(name), {**_request(p.get("Tags")), **_ec2_tags(name)})
        return
    for kind in MADE.get(call, ()):
        asked = _request(tags.get(kind))
        yield Need(action, _arn("ec2", f"{kind}/*"), asked)
        if asked:
            yield Need("ec2:CreateTags", _arn("ec2", f"{kind}/*"), {**asked, "ec2:CreateAction": call})
    for name in sorted(set(_ids(p))):
        if name.startswith("ami-"):
            image = {"ec2:Owner": str(_owner(name))}
            yield Need(action, f"arn:aws:ec2:{REGION}::image/{name}", image)
        else:
            yield Need(action, _ec2_arn(name), _ec2_tags(name))
    if role := (p.get("IamInstanceProfile") or {}).get("Name"):
        yield _pass(_role_of_profile(role), "ec2.amazonaws.com")


def _ids(value: Any) -> Iterator[str]:
    """Every id in the parameters whose resource type is known."""
    if isinstance(value, str):
        if (found := ID.fullmatch(value)) and found[1] in PREFIXES:
            yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "KeyName" and (pair := _key_pair(inner)):
                yield pair
            elif key == "AssociationId":
                yield from _association(str(inner))
            else:
                yield from _ids(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _ids(inner)


def _association(name: str) -> Iterator[str]:
    """Of a route table its table and subnet, of an address the address."""
    ec2 = ec2_backends[ACCOUNT][REGION]
    for table in ec2.route_tables.values():
        if name in table._associations:
            yield from (table.id, table._associations[name])
    for address in ec2.addresses:
        if address.association_id == name:
            yield str(address.allocation_id)


def _key_pair(name: str) -> str | None:
    found = ec2_backends[ACCOUNT][REGION].keypairs.get(name)
    return str(found.id) if found else None


def _ec2_arn(name: str) -> str:
    return _arn("ec2", f"{PREFIXES.get(name.rpartition('-')[0], name)}/{name}")


def _ec2_tags(name: str) -> dict[str, str]:
    tags: Mapping[str, str] = ec2_backends[ACCOUNT][REGION].tags.get(name) or {}
    return {f"aws:ResourceTag/{k}": str(v) for k, v in tags.items()}


def _owner(image: str) -> str:
    found = ec2_backends[ACCOUNT][REGION].amis.get(image)
    return str(found.owner_id) if found else ""


# The others -----------------------------------------------------------------------------------------
def _rds(call: str, p: Parameters) -> Iterator[Need]:
    action, asked = f"rds:{call}", _request(p.get("Tags"))
    names = {
        "DBInstanceIdentifier": "db",
        "DBSnapshotIdentifier": "snapshot",
        "FinalDBSnapshotIdentifier": "snapshot",
        "DBParameterGroupName": "pg",
        "DBSubnetGroupName": "subgrp",
    }
    resources = [_arn("rds", f"{kind}:{p[key]}") for key, kind in names.items() if p.get(key)]
    if p.get("ResourceName"):
        resources.append(str(p["ResourceName"]))
    for resource in resources or ["*"]:
        yield Need(action, resource, asked)
        if asked and not call.endswith("TagsToResource"):
            yield Need("rds:AddTagsToResource", resource, asked)
        if call == "DeleteDBInstance" and ":snapshot:" in resource:
            yield Need("rds:CreateDBSnapshot", resource)


DMS_MADE = {
    "CreateEndpoint": "endpoint",
    "CreateReplicationInstance": "rep",
    "CreateReplicationSubnetGroup": "subgrp",
    "CreateReplicationTask": "task",
    "ImportCertificate": "cert",
}


def _dms(call: str, p: Parameters) -> Iterator[Need]:
    action, asked = f"dms:{call}", _request(p.get("Tags"))
    arns = [str(v) for k, v in p.items() if k.endswith("Arn") and ":dms:" in str(v)]
    if call == "DeleteReplicationSubnetGroup":
        arns.append(_arn("dms", f"subgrp:{p['ReplicationSubnetGroupIdentifier']}"))
    if call in DMS_MADE:
        # only of a task the reference says that it is checked by itself; the others have no resource
        yield Need(action, _arn("dms", "task:*") if call == "CreateReplicationTask" else "*", asked)
        if asked:
            yield Need("dms:AddTagsToResource", _arn("dms", f"{DMS_MADE[call]}:*"), asked)
    if call not in DMS_MADE or call == "CreateReplicationTask":
        looking = call.startswith("Describe") and call != "DescribeTableStatistics"
        for arn in [] if looking else arns:
            yield Need(action, arn, {**asked, **_dms_tags(arn)})
        if looking or not arns:
            yield Need(action)
    settings = p.get("MySQLSettings") or {}
    roles = (settings.get("SecretsManagerAccessRoleArn"), p.get("ServiceAccessRoleArn"))
    for role in filter(None, roles):
        yield _pass(str(role), f"dms.{REGION}.amazonaws.com")


def _dms_tags(arn: str) -> dict[str, str]:
    """Of a task's assessment those of the task."""
    backend = dms_backends[ACCOUNT][REGION]
    tags = _resource(backend.tagger.list_tags_for_resource(arn)["Tags"])
    instance = backend.replication_instances.get(arn)
    return tags | (_resource(instance.tags) if instance is not None else {})


def _iam(call: str, p: Parameters) -> Iterator[Need]:
    role, context = p.get("RoleName"), dict[str, str]()
    if role is not None:
        made = next((r for r in iam_backends[ACCOUNT]["aws"].roles.values() if r.name == role), None)
        boundary = p.get("PermissionsBoundary") or (made and made.permissions_boundary_arn)
        context |= {"iam:PermissionsBoundary": str(boundary)} if boundary else {}
        context |= {"iam:PolicyARN": str(p["PolicyArn"])} if p.get("PolicyArn") else {}
    profile = p.get("InstanceProfileName")
    resource = f"instance-profile/{profile}" if profile else f"role/{role}" if role else ""
    arn = f"arn:aws:iam::{ACCOUNT}:{resource}" if resource else "*"
    yield Need(f"iam:{call}", arn, context)
    if call == "AddRoleToInstanceProfile":
        yield _pass(f"arn:aws:iam::{ACCOUNT}:role/{role}", "ec2.amazonaws.com")
    if p.get("Tags") and call.startswith("Create"):
        yield Need(f"iam:Tag{call.removeprefix('Create')}", arn, context)


def _pass(role: str, service: str) -> Need:
    return Need("iam:PassRole", role, {"iam:PassedToService": service})


def _role_of_profile(name: str) -> str:
    found = iam_backends[ACCOUNT]["aws"].instance_profiles.get(name)
    return str(found.roles[0].arn) if found and found.roles else f"arn:aws:iam::{ACCOUNT}:role/{name}"


S3 = {
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
"""Calls that another action allows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""


def _s3(call: str, p: Parameters) -> Iterator[Need]:
    key = f"/{p['Key']}" if p.get("Key") else ""
    yield Need(f"s3:{S3.get(call, call)}", f"arn:aws:s3:::{p.get('Bucket', '')}{key}")


def _secrets(call: str, p: Parameters) -> Iterator[Need]:
    name = str(p.get("SecretId") or p.get("Name") or "")
    arn = name if name.startswith("arn:") else _arn("secretsmanager", f"secret:{name}")
    yield Need(f"secretsmanager:{call}", arn if name else "*")
    if call == "CreateSecret" and p.get("Tags"):
        yield Need("secretsmanager:TagResource", arn)


def _logs(call: str, p: Parameters) -> Iterator[Need]:
    name = p.get("logGroupName")
    arn = str(p.get("resourceArn") or (_arn("logs", f"log-group:{name}") if name else "*"))
    yield Need(f"logs:{call}", "*" if call == "DescribeLogGroups" else arn)
    if call == "CreateLogGroup" and p.get("tags"):
        yield Need("logs:TagResource", arn)


def _route53(call: str, p: Parameters) -> Iterator[Need]:
    zone = p.get("HostedZoneId") or (p.get("Id") if call == "GetHostedZone" else None)
    sets = [c["ResourceRecordSet"] for c in (p.get("ChangeBatch") or {}).get("Changes", ())]
    context = {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": [
            s["Name"].rstrip(".").lower() for s in sets
        ],
        "route53:ChangeResourceRecordSetsRecordTypes": [s["Type"] for s in sets],
    }
    arn = f"arn:aws:route53:::hostedzone/{str(zone).rsplit('/', 1)[-1]}" if zone else "*"
    yield Need(f"route53:{call}", arn, context if sets else {})


def _ssm(call: str, p: Parameters) -> Iterator[Need]:
    if call != "SendCommand":
        yield Need(f"ssm:{call}")
        return
    yield Need("ssm:SendCommand", f"arn:aws:ssm:{REGION}::document/{p['DocumentName']}")
    for name in p.get("InstanceIds") or ():
        tags = {k.replace("aws:Resource", "ssm:resource"): v for k, v in _ec2_tags(name).items()}
        hybrid = name.startswith("mi-")
        arn = _arn("ssm", f"managed-instance/{name}") if hybrid else _ec2_arn(name)
        yield Need("ssm:SendCommand", arn, tags)
