"""The whole stack on the lab's endpoint: up, nothing left to do, DMS torn down, everything destroyed.

Four minutes, nearly all of them fixed waits in the AWS provider (a database is first looked at after a
minute).
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

from lab import secrets_file
from lab.addresses import ACCOUNT, VPN_GATEWAY
from lab.cloud import worker
from livemove.provisioning.plan import refusal
from tests.conftest import Endpoint
from tests.terraform.setting import SECRETS, need_provider, need_terraform, terraform_on

pytestmark = pytest.mark.long

VARIABLES: dict[str, Any] = {
    "service": "stack",
    "region": "ap-northeast-2",
    "bucket": "stack-livemove",
    "source_address": "192.0.2.10",
    "vpn_gateway_id": VPN_GATEWAY,
    "permissions_boundary": f"arn:aws:iam::{ACCOUNT}:policy/stack-boundary",
    "idc_cidrs": ["192.0.2.0/24"],
    "admin_cidrs": ["198.51.100.0/24"],
    "web_servers": 2,
    "web_server_names": ["cloud_one", "cloud_two"],
    "database_username": "admin",
    "application_database": "shop",
    "application_username": "shop_app",
    "source_parameters": {"sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE", "time_zone": "Asia/Seoul"},
    "backup_window": "16:00-16:30",
    "maintenance_window": "sun:14:00-sun:15:00",
    "deletion_protection": False,
    "final_snapshot": False,
    "dms_roles": ["dms-vpc-role", "dms-cloudwatch-logs-role"],
    "zone_name": "stack.test",
}
WORKER = secrets_file.access_key()
"""The endpoint allows its calls by include/iam only."""
TEARDOWN = {**VARIABLES, "replication_enabled": False, "dms_roles": []}


def test_up_clean_torn_down_and_destroyed(aws_endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    need_terraform()
    need_provider()
    caplog.set_level(logging.INFO, "livemove")
    aws_endpoint.client("route53").create_hosted_zone(Name="stack.test.", CallerReference="stack")
    worker.register(
        aws_endpoint.state,
        key=WORKER,
        service="stack",
        bucket="stack-livemove",
        name="www.stack.test",
        zone="stack.test",
    )
    terraform = terraform_on(aws_endpoint, "stack", key=WORKER)

    plan = terraform.plan(VARIABLES)
    assert set(plan.counts) == {"create"}
    _timed("apply", lambda: terraform.apply(plan.digest))
    again = terraform.plan(VARIABLES)
    assert (again.changes, again.drift) == ((), ())

    outputs = terraform.outputs()
    _everything_stands(aws_endpoint, outputs)
    assert not any(s in json.dumps(outputs) + caplog.text for s in SECRETS.values())

    teardown = terraform.plan(TEARDOWN)
    assert set(teardown.counts) == {"delete"}
    assert refusal(teardown) is None
    _timed("teardown", lambda: terraform.apply(teardown.digest))
    _nothing_of_dms_stands(aws_endpoint)
    assert terraform.plan(TEARDOWN).changes == ()
    assert terraform.outputs()["database_address"] == outputs["database_address"]

    with terraform._ready() as folder:
        (folder / "livemove.auto.tfvars.json").write_text(json.dumps(TEARDOWN))
        _timed("destroy", lambda: terraform._stream(folder, "destroy", "-json", "-auto-approve"))
    assert aws_endpoint.client("rds").describe_db_instances()["DBInstances"] == []


def _everything_stands(endpoint: Endpoint, outputs: dict[str, Any]) -> None:
    assert [s["name"] for s in outputs["web_servers"]] == ["cloud_one", "cloud_two"]
    ec2 = endpoint.client("ec2")
    for server in outputs["web_servers"]:
        seen = ec2.describe_instances(InstanceIds=[server["instance_id"]])["Reservations"][0]["Instances"][0]
        assert seen["PublicIpAddress"] == server["public_ip"]
    login = endpoint.client("secretsmanager").get_secret_value(SecretId=outputs["application_secret_arn"])
    assert json.loads(login["SecretString"]) == {
        "host": outputs["database_address"],
        "port": outputs["database_port"],
        "dbname": "shop",
        "username": "shop_app",
        "password": SECRETS["TF_VAR_application_password"],
    }
    assert outputs["name_servers"] == ["ns1.stack.test", "ns2.stack.test"]
    assert outputs["replication_instance_arn"]
    assert "192.0.2.10:3306/tcp" in outputs["idc_firewall"]
    role = endpoint.client("iam").get_role(RoleName="stack-dms-secrets")["Role"]
    assert "dms.ap-northeast-2.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])


def _nothing_of_dms_stands(endpoint: Endpoint) -> None:
    dms = endpoint.client("dms")
    assert dms.describe_replication_instances()["ReplicationInstances"] == []
    assert dms.describe_replication_subnet_groups()["ReplicationSubnetGroups"] == []
    roles = [r["RoleName"] for r in endpoint.client("iam").list_roles()["Roles"]]
    assert not [r for r in roles if "dms" in r]
    assert endpoint.client("logs").describe_log_groups(logGroupNamePrefix="dms-")["logGroups"] == []


def _timed(what: str, act: Any) -> None:
    began = time.monotonic()
    act()
    logging.getLogger("livemove.tests").info("%s took %.0f s", what, time.monotonic() - began)
