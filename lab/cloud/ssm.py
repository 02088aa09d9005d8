"""SSM Run Command: the command really runs on that host, which is a directory of this machine.

Statuses, output limits and response codes as AWS has them:
https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html

A command inherits the agent's working folder and has no HOME. On Ubuntu the agent is a snap, and its folder
the data of one revision, which a refresh replaces by that of the next: here each command finds a new one,
which is gone when it has ended. https://snapcraft.io/docs/data-locations
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ssm.exceptions import SSMException
from moto.ssm.models import Command, SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from lab.addresses import REGION
from lab.cloud import ec2, pace
from lab.cloud.base import Cloud
from lab.cloud.patching import background, wrap
from lab.web.host import network_of, programs

log = logging.getLogger(__name__)

STDOUT_LIMIT, STDERR_LIMIT = 24000, 8000
"""Characters that GetCommandInvocation returns; the rest would go to S3."""
CUT = "\n--output truncated--"
KILLED = 137
DEFAULT_TIMEOUT = 3600.0
"""Seconds; executionTimeout of AWS-RunShellScript when none is given."""


class InvalidInstanceId(SSMException):  # type: ignore[misc]
    def __init__(self, instance_ids: Sequence[str]) -> None:
        super().__init__(
            "InvalidInstanceId", f"Instances {list(instance_ids)} not in a valid state for account"
        )


@dataclass(frozen=True)
class Outcome:
    status: str
    details: str
    code: int
    stdout: str
    stderr: str


def install(cloud: Cloud) -> None:
    running: dict[tuple[str, str], subprocess.Popen[bytes]] = {}

    @wrap(SimpleSystemManagerBackend, "send_command")
    def send(original: Any, self: Any, **kwargs: Any) -> Any:
        _refuse_absent(self, kwargs.get("instance_ids") or [])
        command = original(self, **kwargs)
        command.status = command.status_details = "Pending"
        command.completed_count = 0
        for invocation in command.invocations:
            invocation.update(Status="Pending", StatusDetails="Pending", ResponseCode=-1)
            background(_deliver, cloud, command, invocation, running)
        return command

    def cancel_command(self: Any) -> ActionResult:
        command = self.ssm_backend.get_command_by_id(self._get_param("CommandId"))
        for invocation in command.invocations:
            invocation["canceled"] = True
            process = running.get((command.command_id, invocation["InstanceId"]))
            if process is not None:
                _kill_group(process)
        return ActionResult({})

    def describe_instance_information(self: Any) -> ActionResult:
        return ActionResult(
            {"InstanceInformationList": _instances(cloud, self.current_account, self.region, self)}
        )

    def get_command_invocation(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        return {k: v for k, v in original(self, *args, **kwargs).items() if k != "canceled"}

    wrap(SimpleSystemManagerBackend, "get_command_invocation")(get_command_invocation)
    SimpleSystemManagerResponse.cancel_command = cancel_command
    SimpleSystemManagerResponse.describe_instance_information = describe_instance_information


def environment(cloud: Cloud, instance_id: str) -> dict[str, str]:
    """What a command finds on the host: the lab's `aws` and `cloud-init`, keys that mean nothing; no HOME."""
    path = [*programs(), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {
        **network_of(ec2.address_of(instance_id)),
        "PATH": os.pathsep.join(path),
        "LANG": "C.UTF-8",
        "INSTANCE_ID": instance_id,
        "AWS_ENDPOINT_URL": cloud.addresses.endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "lab-instance",
        "AWS_SECRET_ACCESS_KEY": "lab-instance",
        "LIVEMOVE_LAB_OCTET": str(cloud.addresses.octet),
        "LIVEMOVE_LAB_STATE": str(cloud.state),
    }


def _refuse_absent(backend: Any, instance_ids: Sequence[str]) -> None:
    known = _states(backend.account_id, backend.region_name)
    bad = [i for i in instance_ids if known.get(i) != "running"]
    if bad:
        raise InvalidInstanceId(bad)


def _states(account: str, region: str) -> dict[str, str]:
    reservations = ec2_backends[account][region].all_reservations()
    return {i.id: i._state.name for r in reservations for i in r.instances}


def _instances(cloud: Cloud, account: str, region: str, request: Any) -> list[dict[str, Any]]:
    filters = request._get_param("Filters") or []
    wanted = {v for f in filters if f.get("Key") == "InstanceIds" for v in f.get("Values", [])}
    return [
        {
            "InstanceId": instance_id,
            "PingStatus": "Online" if ec2.ready(cloud, instance_id) else "Inactive",
            "AgentVersion": "3.3.0.0",
            "PlatformType": "Linux",
            "PlatformName": "Ubuntu",
            "PlatformVersion": "24.04",
            "ResourceType": "EC2Instance",
            "LastPingDateTime": time.time(),
        }
        for instance_id, state in _states(account, region).items()
        if state == "running" and (not wanted or instance_id in wanted)
    ]


def _deliver(cloud: Cloud, command: Command, invocation: dict[str, Any], running: dict[Any, Any]) -> None:
    instance_id = invocation["InstanceId"]
    time.sleep(pace.SSM_DELIVERY.lab)
    deadline = time.monotonic() + command.timeout_seconds
    while not ec2.ready(cloud, instance_id) and time.monotonic() < deadline:
        time.sleep(0.1)
    command.status = command.status_details = "InProgress"
    invocation.update(Status="InProgress", StatusDetails="InProgress")
    try:
        outcome = _run(cloud, command, invocation, running)
    except OSError as e:
        outcome = Outcome("Failed", "Failed", 1, "", f"the agent could not start the command: {e}")
    invocation.update(
        Status=outcome.status,
        StatusDetails=outcome.details,
        ResponseCode=outcome.code,
        StandardOutputContent=outcome.stdout,
        StandardErrorContent=outcome.stderr,
    )
    log.info("%s on %s: %s, exit code %s", command.command_id, instance_id, outcome.details, outcome.code)
    _settle(command)


def _settle(command: Command) -> None:
    open_states = {"Pending", "InProgress"}
    done = [i for i in command.invocations if i["Status"] not in open_states]
    command.completed_count = len(done)
    command.error_count = sum(1 for i in done if i["Status"] != "Success")
    if len(done) == len(command.invocations):
        worst = next((i["Status"] for i in done if i["Status"] != "Success"), "Success")
        command.status = command.status_details = worst


def _run(cloud: Cloud, command: Command, invocation: dict[str, Any], running: dict[Any, Any]) -> Outcome:
    instance_id = invocation["InstanceId"]
    parameters = command.parameters
    home = cloud.host_directory(instance_id)
    home.mkdir(parents=True, exist_ok=True)
    timeout = float((parameters.get("executionTimeout") or [DEFAULT_TIMEOUT])[0])
    # files, not pipes: a daemon that the command leaves behind would hold a pipe open for ever
    with (
        tempfile.NamedTemporaryFile("w", suffix=".sh") as script,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryDirectory(prefix="amazon-ssm-agent-", dir=home) as revision,
    ):
        script.write("\n".join(parameters.get("commands") or []) + "\n")
        script.flush()
        process = subprocess.Popen(
            ["/bin/sh", script.name],
            cwd=(parameters.get("workingDirectory") or [revision])[0] or revision,
            env=environment(cloud, instance_id),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        key = (command.command_id, instance_id)
        running[key] = process
        try:
            code = process.wait(timeout)
            status, details = ("Success", "Success") if code == 0 else ("Failed", "Failed")
        except subprocess.TimeoutExpired:
            _kill_group(process)
            code, status, details = KILLED, "TimedOut", "ExecutionTimedOut"
        finally:
            del running[key]
        if invocation.get("canceled"):
            code, status, details = KILLED, "Cancelled", "Cancelled"
        code = 128 - code if code < 0 else code
        return Outcome(status, details, code, _text(out, STDOUT_LIMIT), _text(err, STDERR_LIMIT))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def _text(stream: BinaryIO | Any, limit: int) -> str:
    stream.seek(0)
    text = stream.read(4 * limit + 4).decode("utf-8", errors="replace")
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT
