"""An EC2 instance is a host: it has an address of the lab, and SSM really runs commands on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.cloud.ec2 import processes_of
from lab.web.host import read_host
from tests.conftest import Endpoint
from tests.lab_cloud.waiting import until
from tests.raising import raises

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def instance(aws_endpoint: Endpoint) -> Iterator[str]:
    ec2 = aws_endpoint.client("ec2")
    found = ec2.describe_images(
        Owners=["099720109477"],
        Filters=[{"Name": "name", "Values": ["ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"]}],
    )
    image = found["Images"][0]["ImageId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "shop-web-9"}]}],
        UserData="#!/bin/sh\ntouch /tmp/must-not-exist",
        NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}],
    )
    instance_id = made["Instances"][0]["InstanceId"]
    yield instance_id
    ec2.terminate_instances(InstanceIds=[instance_id])


@pytest.fixture
def run(aws_endpoint: Endpoint, instance: str) -> Run:
    ssm = aws_endpoint.client("ssm")

    def run(*commands: str, wait: bool = True, **parameters: list[str]) -> dict[str, Any]:
        sent = ssm.send_command(
            InstanceIds=[instance],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": list(commands), **parameters},
        )["Command"]["CommandId"]

        def ended() -> dict[str, Any] | None:
            got: dict[str, Any] = ssm.get_command_invocation(CommandId=sent, InstanceId=instance)
            return None if got["Status"] in ("Pending", "InProgress") else got

        return until(ended, "the command's end", 20) if wait else {"CommandId": sent}

    return run


def test_a_command_runs_on_the_host_and_returns_its_exit_code(instance: str, run: Run) -> None:
    got = run("echo $INSTANCE_ID", "echo oops >&2", "exit 3")
    assert got["StandardOutputContent"] == f"{instance}\n"
    assert got["StandardErrorContent"] == "oops\n"
    assert (got["Status"], got["ResponseCode"]) == ("Failed", 3)


def test_each_command_finds_another_folder_which_is_gone_afterwards_and_no_home(run: Run) -> None:
    first, second = (run("touch kept; pwd; echo ${HOME-none}")["StandardOutputContent"].split() for _ in "ab")
    assert first[0] != second[0]
    assert first[1] == second[1] == "none"
    assert not Path(first[0]).exists()


def test_cloud_init_is_at_work_for_a_while_and_the_cli_comes_with_it(
    aws_endpoint: Endpoint, instance: str, run: Run
) -> None:
    file = aws_endpoint.state / "hosts" / instance / "cloud-init"
    file.write_text("running\n")
    assert run("cloud-init status")["StandardOutputContent"] == "status: running\n"
    missing = run("aws s3 ls")
    assert (missing["ResponseCode"], "not found" in missing["StandardErrorContent"]) == (127, True)
    file.write_text("error\ndetail: ('scripts_user', ...)\n")
    got = run("cloud-init status --wait --long")
    assert got["StandardOutputContent"] == "status: error\ndetail: ('scripts_user', ...)\n"
    assert got["ResponseCode"] == 1


def test_a_host_is_found_by_its_name_as_well(aws_endpoint: Endpoint, instance: str) -> None:
    assert os.readlink(aws_endpoint.state / "hosts" / "shop-web-9") == instance


def test_long_output_is_cut_as_on_aws(run: Run) -> None:
    got = run("head -c 100000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2")
    assert len(got["StandardOutputContent"]) == 24000
    assert len(got["StandardErrorContent"]) == 8000
    assert got["StandardOutputContent"].endswith("--output truncated--")


def test_a_command_over_its_time_is_killed_with_its_children(
    aws_endpoint: Endpoint, instance: str, run: Run
) -> None:
    got = run("sleep 300 & sleep 301", executionTimeout=["1"])
    assert (got["Status"], got["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert processes_of(instance, aws_endpoint.state) == []


def test_a_daemon_outlives_its_command_and_dies_with_the_instance(
    aws_endpoint: Endpoint, instance: str, run: Run
) -> None:
    assert run("setsid sleep 300 &")["Status"] == "Success"
    assert len(processes_of(instance, aws_endpoint.state)) == 1
    aws_endpoint.client("ec2").terminate_instances(InstanceIds=[instance])
    until(lambda: True if not processes_of(instance, aws_endpoint.state) else None, "the daemon's end")


def test_a_canceled_command_ends(aws_endpoint: Endpoint, instance: str, run: Run) -> None:
    ssm = aws_endpoint.client("ssm")
    sent = run("sleep 300", wait=False)["CommandId"]
    until(lambda: True if processes_of(instance, aws_endpoint.state) else None, "the command's start")
    ssm.cancel_command(CommandId=sent)

    def status() -> str | None:
        got = ssm.get_command_invocation(CommandId=sent, InstanceId=instance)["Status"]
        return None if got in ("Pending", "InProgress") else str(got)

    assert until(status, "the end of the command") == "Cancelled"


def test_the_host_serves_at_its_elastic_address(aws_endpoint: Endpoint, instance: str) -> None:
    ec2, ssm = aws_endpoint.client("ec2"), aws_endpoint.client("ssm")
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(InstanceId=instance, AllocationId=elastic["AllocationId"])
    seen = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert seen["PublicIpAddress"] == elastic["PublicIp"]
    directory = aws_endpoint.state / "hosts" / instance

    def address() -> bool | None:
        made = (directory / "host.env").exists() and read_host(directory).address
        return True if made == elastic["PublicIp"] else None

    until(address, "the host's new address")
    online = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [instance]}])
    assert [i["PingStatus"] for i in online["InstanceInformationList"]] == ["Online"]


def test_user_data_is_kept_and_never_run(aws_endpoint: Endpoint, instance: str) -> None:
    kept = aws_endpoint.state / "hosts" / instance / "user-data"
    assert until(lambda: kept.read_text() if kept.exists() else None, "the user data").startswith("#!/bin/sh")


def test_an_unknown_instance_is_refused_before_anything_runs(aws_endpoint: Endpoint) -> None:
    with raises(ClientError, "InvalidInstanceId"):
        aws_endpoint.client("ssm").send_command(
            InstanceIds=["i-0123456789abcdef0"],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": ["true"]},
        )
