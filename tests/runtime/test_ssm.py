"""Commands over SSM: an agent that comes late, a command that never ends; on a clock that does not wait."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from livemove.model.errors import UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Server, Side
from livemove.runtime.service_context import ServiceContext
from livemove.runtime.ssm import DELIVERY, ONLINE_WITHIN, SsmHost
from tests.doubles.memory import START, HandClock

DONE = {"Status": "Success", "StatusDetails": "Success", "ResponseCode": 0, "StandardOutputContent": "fine"}
OPEN = {"Status": "InProgress", "StatusDetails": "InProgress", "ResponseCode": -1}


class Ssm:
    """Online at the nth look; then one invocation after the other, the last one again and again."""

    def __init__(self, *invocations: Any, online_at: int = 1) -> None:
        self.left, self.online_at, self.looks = list(invocations), online_at, 0

    def describe_instance_information(self, **_: Any) -> Any:
        self.looks += 1
        known = [{"PingStatus": "Online" if self.looks >= self.online_at else "ConnectionLost"}]
        return {"InstanceInformationList": known}

    def send_command(self, **_: Any) -> Any:
        return {"Command": {"CommandId": "c"}}

    def get_command_invocation(self, **_: Any) -> Any:
        one = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(one, Exception):
            raise one
        return {"StandardOutputContent": "", "StandardErrorContent": "", **one}


def run(ssm: Ssm) -> tuple[CommandResult, float]:
    clock = HandClock()
    host = SsmHost(ssm, "web1", "i-1", "192.0.2.1", clock)
    return host.run("true", timeout=30), (clock.now() - START).total_seconds()


def test_a_command_is_asked_for_until_it_has_ended() -> None:
    unknown = ClientError({"Error": {"Code": "InvocationDoesNotExist"}}, "GetCommandInvocation")
    result, seconds = run(Ssm(unknown, OPEN, DONE))
    assert (result.exit_code, result.stdout) == (0, "fine")
    assert seconds < 1


def test_an_agent_that_comes_late_is_waited_for() -> None:
    assert run(Ssm(DONE, online_at=11))[1] == pytest.approx(20, abs=1)
    with pytest.raises(UnreachableError, match=rf"not online after {ONLINE_WITHIN:.0f} s"):
        run(Ssm(DONE, online_at=1000))


def test_a_command_that_never_ends_is_given_up() -> None:
    ssm, clock = Ssm(OPEN), HandClock()
    with pytest.raises(UnreachableError, match="did not end within 30 s"):
        SsmHost(ssm, "web1", "i-1", "192.0.2.1", clock).run("sleep 999", timeout=30)
    assert (clock.now() - START).total_seconds() == pytest.approx(30 + DELIVERY, abs=2.1)


@pytest.mark.parametrize("details", ["Undeliverable", "Terminated", "DeliveryTimedOut"])
def test_a_command_that_was_not_run_has_no_result(details: str) -> None:
    with pytest.raises(UnreachableError, match="was not delivered"):
        run(Ssm({**DONE, "Status": "Failed", "StatusDetails": details}))


def test_what_aws_refuses_is_raised() -> None:
    refused = ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetCommandInvocation")
    with pytest.raises(ClientError):
        run(Ssm(refused))


def test_a_hybrid_node_is_reached_by_its_own_id() -> None:
    """Terraform's instances are counted; a server of the data centre is none of them."""
    server = Server.model_validate(
        {
            "name": "idc_web",
            "site": "source",
            "reach": "ssm",
            "instance": "mi-0123456789abcdef0",
            "address": "192.0.2.7",
            "directory": "/srv/livemove",
            "settings_link": "/srv/app/.env",
            "commands": {"reload": "true", "probe": "true"},
        }
    )
    world: Any = SimpleNamespace(aws=lambda _: Ssm(DONE), clock=HandClock())
    host = ServiceContext.host(world, server)
    assert isinstance(host, SsmHost)
    assert (host.instance_id, host.address, host.site) == ("mi-0123456789abcdef0", "192.0.2.7", Side.SOURCE)
    assert host.run("true").stdout == "fine"
