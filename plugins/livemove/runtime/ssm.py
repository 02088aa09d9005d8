"""A server on AWS over SSM Run Command: the Host port without any open port or key.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import base64
import logging
import shlex
import time
from typing import TYPE_CHECKING, Any

from livemove.model.errors import SetupError, UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Server, Side

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

log = logging.getLogger(__name__)
ONLINE_WITHIN = 300.0
"""Seconds that a new instance may take until its agent is online."""
DELIVERY = 60
"""Seconds within which the agent must take the command (TimeoutSeconds; AWS wants at least 30)."""
LARGEST = 60_000
"""Bytes of content that fit into one command; AWS takes about 97 KB of parameters."""
OPEN_STATES = {"Pending", "InProgress", "Delayed", "Cancelling"}


class SsmHost:
    """One EC2 instance. Parameters of commands are kept by AWS, so no secret may ever be in one."""

    def __init__(self, client: Any, name: str, instance_id: str, address: str) -> None:
        self.client, self.name, self.instance_id, self.address = client, name, instance_id, address
        self.site = Side.TARGET
        self._online = False

    @classmethod
    def of(cls, world: World, server: Server) -> SsmHost:
        """The instance that Terraform made for this server: the first server of the spec is the first instance."""
        number = [s.name for s in world.spec.at(server.site)].index(server.name)
        made = world.outputs.web_servers
        if number >= len(made):
            raise SetupError(
                f"Terraform made {len(made)} web servers, but {server.name} is number {number + 1} in the spec",
                next_step="raise infra.web_servers in the spec and run the provision chapter again",
            )
        one = made[number]
        return cls(world.aws("ssm"), server.name, one.instance_id, one.public_ip)

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        """Run with sh in the agent's directory; UnreachableError when it was not delivered."""
        if stdin is not None:
            command = (
                f"printf %s {shlex.quote(base64.b64encode(stdin).decode())} | base64 -d | ( {command}\n)"
            )
        self._wait_online()
        sent = self.client.send_command(
            InstanceIds=[self.instance_id],
            DocumentName="AWS-RunShellScript",
            TimeoutSeconds=DELIVERY,
            Parameters={"commands": [command], "executionTimeout": [str(max(1, round(timeout)))]},
        )
        return self._result(sent["Command"]["CommandId"], timeout)

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Place a file without secrets, whole or not at all."""
        if len(content) > LARGEST:
            raise ValueError(
                f"{path} has {len(content)} bytes; over SSM at most {LARGEST}, larger ones go through S3"
            )
        quoted = shlex.quote(path)
        done = self.run(
            f'set -e; umask 077; mkdir -p "$(dirname {quoted})"; cat > {quoted}.new; chmod {mode:o} {quoted}.new; mv -f {quoted}.new {quoted}',
            stdin=content,
        )
        if done.exit_code:
            raise UnreachableError(f"{path} could not be placed on {self.name}: {done.stderr.strip()}")

    def _wait_online(self) -> None:
        deadline = time.monotonic() + ONLINE_WITHIN
        while not self._online:
            found = self.client.describe_instance_information(
                Filters=[{"Key": "InstanceIds", "Values": [self.instance_id]}]
            )["InstanceInformationList"]
            self._online = any(i["PingStatus"] == "Online" for i in found)
            if self._online:
                return
            if time.monotonic() > deadline:
                raise UnreachableError(
                    f"The SSM agent of {self.name} ({self.instance_id}) is not online after {ONLINE_WITHIN:.0f} s",
                    next_step="check its instance profile (AmazonSSMManagedInstanceCore) and its way to the SSM endpoints",
                )
            time.sleep(2)

    def _result(self, command_id: str, timeout: float) -> CommandResult:
        from botocore.exceptions import ClientError

        deadline, pause = time.monotonic() + timeout + DELIVERY, 0.05
        while time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 1.3, 2.0)
            try:
                got = self.client.get_command_invocation(CommandId=command_id, InstanceId=self.instance_id)
            except ClientError as e:
                if e.response["Error"]["Code"] != "InvocationDoesNotExist":
                    raise
                continue  # known to AWS a moment after it was sent
            if got["Status"] in OPEN_STATES:
                continue
            if got["ResponseCode"] == -1 or got["StatusDetails"] in (
                "DeliveryTimedOut",
                "Undeliverable",
                "Terminated",
            ):
                break
            return CommandResult(
                got["ResponseCode"], got["StandardOutputContent"], got["StandardErrorContent"]
            )
        raise UnreachableError(
            f"The command to {self.name} ({self.instance_id}) was not delivered, or did not end within {timeout:.0f} s",
            next_step=f"look at Run Command {command_id} in the AWS console",
        )
