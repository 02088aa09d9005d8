"""What is placed on a server, over SSH and over SSM, by a host that is a directory of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from livemove.control.adapters.setup import WATCH_ACCOUNT, credentials
from livemove.model.ledger import Outputs
from livemove.model.ports import CommandResult
from livemove.model.spec import Server, Side, load_spec, project_root
from livemove.runtime.mariadb import Login
from livemove.servers.adapters.servers import install_agent

SPEC = load_spec(project_root() / "include/migrations/shop.yaml")
IDC, CLOUD = SPEC.servers
AWS = """\
#!/bin/sh
# aws secretsmanager get-secret-value --secret-id ID ...: what lies in the file of that name
cat "$SECRETS/$(echo "$4" | tr / _)"
"""


class Directory:
    """The Host port. Commands that came by `run` are kept, as AWS keeps them."""

    name, site, address = "web", Side.SOURCE, ""

    def __init__(self, home: Path, programs: Path, secrets: Path) -> None:
        self.home, self.commands = home, [""]
        self.env = {"PATH": f"{programs}:{os.environ['PATH']}", "SECRETS": str(secrets)}

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        self.commands.append(command)
        done = subprocess.run(["/bin/sh", "-c", command], cwd=self.home, env=self.env, capture_output=True)
        return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        (self.home / path).write_bytes(content)
        (self.home / path).chmod(mode)


class World:
    spec = SPEC
    outputs = Outputs(database_address="10.0.0.2", database_port=3306, application_secret_arn="arn:app")

    def application_login(self, side: Side) -> Login:
        return Login("10.0.0.1" if side is Side.SOURCE else "10.0.0.2", 3306, "shop_app", "app's secret")

    def aws(self, service: str) -> Any:
        return boto3.client(
            service, region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x"
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Directory]:
    for folder in ("home", "bin", "secrets"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin/aws").write_text(AWS)
    (tmp_path / "bin/aws").chmod(0o755)
    with mock_aws():
        yield Directory(tmp_path / "home", tmp_path / "bin", tmp_path / "secrets")


def equipped(host: Directory, server: Server) -> dict[Side, str]:
    """Equip it; the passwords of the watching account."""
    world: Any = World()
    passwords = {side: credentials(world, side, WATCH_ACCOUNT)["password"] for side in Side}
    secrets = Path(host.env["SECRETS"])
    (secrets / "arn:app").write_text('{"username": "shop_app", "password": "app\'s secret"}')
    for side, password in passwords.items():
        (secrets / f"shop_livemove_{side}_livemove_watch").write_text(f'{{"password": "{password}"}}')
    install_agent(world, server, host)
    install_agent(world, server, host)
    return passwords


@pytest.mark.parametrize("server", [IDC, CLOUD], ids=["ssh", "ssm"])
def test_settings_and_logins_of_the_waiter_lie_there_for_their_owner_only(
    host: Directory, server: Server
) -> None:
    passwords = equipped(host, server)
    folder = host.home / "livemove"
    for side, address in zip(Side, ("10.0.0.1", "10.0.0.2"), strict=True):
        login = (folder / f"{side}.watch").read_text()
        assert f"user=livemove_watch\npassword={passwords[side]}\n" in login
        settings = (folder / f"{side}.env").read_text()
        assert f"DB_HOST={address}\n" in settings
        assert "DB_PASSWORD=app's secret\n" in settings
        for kind in ("watch", "env"):
            assert (folder / f"{side}.{kind}").stat().st_mode & 0o777 == 0o600
    assert (host.home / "app/shop.env").resolve() == folder / "source.env"
    assert passwords[Side.SOURCE] != passwords[Side.TARGET]


def test_no_secret_is_part_of_a_command_that_aws_keeps(host: Directory) -> None:
    passwords = equipped(host, CLOUD)
    text = "\n".join(host.commands)
    assert "secretsmanager get-secret-value" in text
    assert not any(p in text for p in (*passwords.values(), "app's secret"))


def test_a_server_without_a_client_is_equipped_and_says_that_it_cannot_be_armed(host: Directory) -> None:
    world: Any = World()

    programs = Path(host.env["PATH"].split(":")[0])
    for program in ("sh", "dirname", "mkdir", "cp", "chmod", "ln", "mv", "test"):
        found = next(p for p in (Path("/usr/bin"), Path("/bin")) if (p / program).exists())
        (programs / program).symlink_to(found / program)
    host.env["PATH"] = str(programs)
    assert "no mariadb or mysql client" in install_agent(world, IDC, host)
    own = IDC.model_copy(update={"commands": IDC.commands.model_copy(update={"watch": "php watch.php"})})
    assert install_agent(world, own, host) == ""
