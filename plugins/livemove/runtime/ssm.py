"""A server on AWS over SSM Run Command: the Host port without any open port or key.

https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import base64
import logging
import shlex
from typing import Any

from livemove.model.errors import UnreachableError
from livemove.model.ports import Clock, CommandResult, Json
from livemove.model.spec import Side
from livemove.runtime.deadlines import Deadline, growing, poll_until

log = logging.getLogger(__name__)
ONLINE_WITHIN = 300.0
"""Seconds that a new instance may take until its agent is online."""
DELIVERY = 60
"""Seconds within which the agent must take the command (TimeoutSeconds; AWS wants at least 30)."""
LARGEST = 60_000
"""Bytes of content that fit into one command; AWS takes about 97 KB of parameters."""
OPEN_STATES = {"Pending", "InProgress", "Delayed", "Cancelling"}
NOT_RUN = {"DeliveryTimedOut", "Undeliverable", "Terminated"}


class SsmHost:
    """One EC2 instance, or a hybrid node of the data centre.

    Parameters of commands are kept by AWS, so no secret may ever be in one.
    """

    def __init__(
        self,
        client: Any,
        name: str,
        instance_id: str,
        address: str,
        clock: Clock,
        *,
        site: Side = Side.TARGET,
    ) -> None:
        self.client, self.name, self.instance_id, self.address = client, name, instance_id, address
        self._clock, self.site = clock, site
        self._online = False

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        """Run with sh; UnreachableError when it was not delivered.

        It begins in the agent's own folder, which an update of the agent replaces (on Ubuntu the agent is a
        snap), and without HOME: paths in it must be absolute.
        """
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
            f'set -e; umask 022; mkdir -p "$(dirname {quoted})"; umask 077; cat > {quoted}.part;'
            f" chmod {mode:o} {quoted}.part; mv -f {quoted}.part {quoted}",
            stdin=content,
        )
        if done.exit_code:
            raise UnreachableError(f"{path} could not be placed on {self.name}: {done.stderr.strip()}")

    def _wait_online(self) -> None:
        self._online = self._online or poll_until(
            self._is_online, Deadline(self._clock, ONLINE_WITHIN), every=2
        )
        if not self._online:
            raise UnreachableError(
                f"The SSM agent of {self.name} ({self.instance_id}) is not online after"
                f" {ONLINE_WITHIN:.0f} s",
                next_step=(
                    "check its instance profile (AmazonSSMManagedInstanceCore) and its route to the SSM"
                    " endpoints"
                ),
            )

    def _is_online(self) -> bool:
        found = self.client.describe_instance_information(
            Filters=[{"Key": "InstanceIds", "Values": [self.instance_id]}]
        )["InstanceInformationList"]
        return any(i["PingStatus"] == "Online" for i in found)

    def _result(self, command_id: str, timeout: float) -> CommandResult:
        deadline, pauses = Deadline(self._clock, timeout + DELIVERY), growing(0.05, 1.3, 2.0)
        self._clock.sleep(next(pauses))
        got = poll_until(lambda: self._ended(command_id), deadline, every=pauses)
        if got is None or got["ResponseCode"] == -1 or got["StatusDetails"] in NOT_RUN:
            raise UnreachableError(
                f"The command to {self.name} ({self.instance_id}) was not delivered, or did not end within"
                f" {timeout:.0f} s",
                next_step=f"look at Run Command {command_id} in the AWS console",
            )
        return CommandResult(got["ResponseCode"], got["StandardOutputContent"], got["StandardErrorContent"])

    def _ended(self, command_id: str) -> Json | None:
        """What became of the command; None while it is at work."""
        from botocore.exceptions import ClientError

        try:
            got = self.client.get_command_invocation(CommandId=command_id, InstanceId=self.instance_id)
        except ClientError as e:
            if e.response["Error"]["Code"] != "InvocationDoesNotExist":
                raise
            return None  # known to AWS a moment after it was sent
        return None if got["Status"] in OPEN_STATES else dict(got)
