"""What is placed on a server, over SSH and over SSM, by a host that is a directory of this machine."""

from __future__ import annotations

import io
import os
import pwd
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from livemove.control.adapters.setup import WATCH_ACCOUNT, credentials
from livemove.model.errors import UnreachableError
from livemove.model.ledger import Outputs
from livemove.model.ports import CommandResult
from livemove.model.spec import Server, Side, load_spec, project_root
from livemove.runtime.mariadb import Login
from livemove.servers.adapters import equipping
from livemove.servers.adapters.equipping import deploy, install_agent, place_settings, wait_until_started
from livemove.servers.adapters.servers import told
from tests.raising import raises

SPEC = load_spec(project_root() / "include/migrations/shop.yaml")
ME = pwd.getpwuid(os.geteuid()).pw_name
IDC, CLOUD = (s.model_copy(update={"runs_as": ME}) for s in SPEC.servers)
AWS = """\
#!/bin/sh
# aws secretsmanager get-secret-value --secret-id ID ...: what lies in the file of that name
cat "$SECRETS/$(echo "$4" | tr / _)"
"""


class Directory:
    """The Host port. Commands that came by `run` are kept, as AWS keeps them.

    `agent`: as over SSM, each command begins in another folder, which is gone afterwards, and without HOME.
    """

    name, site, address = "web", Side.SOURCE, ""

    def __init__(self, home: Path, programs: Path, secrets: Path) -> None:
        self.home, self.commands, self.agent = home, [""], False
        self.programs = programs
        self.env = {"PATH": f"{programs}:{os.environ['PATH']}", "SECRETS": str(secrets)}

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        self.commands.append(command)
        with tempfile.TemporaryDirectory() as revision:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=revision if self.agent else self.home,
                env=self.env,
                capture_output=True,
            )
        return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        assert not self.agent or Path(path).is_absolute()
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
    host.agent = server.reach == "ssm"
    passwords = {side: credentials(world, side, WATCH_ACCOUNT)["password"] for side in Side}
    secrets = Path(host.env["SECRETS"])
    (secrets / "arn:app").write_text('{"username": "shop_app", "password": "app\'s secret"}')
    for side, password in passwords.items():
        (secrets / f"shop_livemove_{side}_livemove_watch").write_text(f'{{"password": "{password}"}}')
    for _ in range(2):
        install_agent(world, server, host)
        place_settings(world, server, host)
    return passwords


def at(server: Server, home: Path) -> Server:
    """The server with its absolute paths in this folder."""
    if server.reach == "ssh":
        return server
    return server.model_copy(
        update={"directory": f"{home}/livemove", "settings_link": f"{home}/app/shop.env"}
    )


@pytest.mark.parametrize("server", [IDC, CLOUD], ids=["ssh", "ssm"])
def test_settings_and_logins_of_the_waiter_lie_there_for_those_only_who_need_them(
    host: Directory, server: Server
) -> None:
    passwords = equipped(host, at(server, host.home))
    folder = host.home / "livemove"
    for side, address in zip(Side, ("10.0.0.1", "10.0.0.2"), strict=True):
        login = (folder / f"{side}.watch").read_text()
        assert f"user=livemove_watch\npassword={passwords[side]}\n" in login
        settings = (folder / f"{side}.env").read_text()
        assert f"DB_HOST={address}\n" in settings
        assert "DB_PASSWORD=app's secret\n" in settings
        for kind, mode in (("watch", 0o600), ("env", 0o640)):
            assert (folder / f"{side}.{kind}").stat().st_mode & 0o777 == mode
    assert (host.home / "app/shop.env").resolve() == folder / "source.env"
    assert passwords[Side.SOURCE] != passwords[Side.TARGET]


def test_no_secret_is_part_of_a_command_that_aws_keeps(host: Directory) -> None:
    passwords = equipped(host, at(CLOUD, host.home))
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


def test_a_server_over_ssm_works_whatever_folder_its_agent_is_in(host: Directory) -> None:
    server = at(CLOUD, host.home)
    probe = "cat app/loaded; echo at home $HOME"
    commands = {"reload": "cp -L app/shop.env app/loaded", "probe": probe, "release": None}
    server = server.model_copy(update={"commands": server.commands.model_copy(update=commands)})
    equipped(host, server)
    told_first = told(server, host, "repoint --epoch 2 --to target", 60)
    assert (told_first.ok, told_first.facts["points_to"]) == (True, "target"), told_first
    assert told_first.message == f"at home {pwd.getpwuid(os.geteuid()).pw_dir}"
    assert "DB_HOST=10.0.0.2" in (host.home / "app/loaded").read_text()
    assert told(server, host, "repoint --epoch 1 --to source", 60).facts["points_to"] == "target"


def program(host: Directory, name: str, script: str) -> None:
    (host.programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (host.programs / name).chmod(0o755)


def test_deploy_waits_for_cloud_init_and_quotes_it(host: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    server = at(CLOUD, host.home)
    program(host, "cloud-init", f'echo "$@" > {host.home}/asked; echo status: done')
    wait_until_started(server, host)
    assert (host.home / "asked").read_text() == "status --wait --long\n"
    program(host, "cloud-init", "echo status: done; exit 2")
    wait_until_started(server, host)
    program(host, "cloud-init", "echo status: error; echo \"detail: ('scripts_user', ...)\"; exit 1")
    with raises(
        UnreachableError, "cloud-init on web says: status: error", "scripts_user", "cloud-init-output.log"
    ):
        deploy(World(), server, host)  # type: ignore[arg-type]
    monkeypatch.setattr(equipping, "CLOUD_INIT", 1)
    program(host, "cloud-init", "echo status: running; exec sleep 30")
    with raises(UnreachableError, "status: running", "still at work after 1 s"):
        wait_until_started(server, host)
    (host.home / "livemove").mkdir()
    (host.home / "livemove/user-data-repaired").touch()
    wait_until_started(server, host)


def test_the_release_is_installed_with_release_and_home(
    host: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = at(CLOUD, host.home)
    program(host, "cloud-init", "echo status: done")
    program(
        host,
        "aws",
        AWS.partition("\n")[2].replace(
            "cat ", 'case $1 in s3) exec cp "$SECRETS/release" "$5" ;; esac; cat '
        ),
    )
    (Path(host.env["SECRETS"]) / "release").write_bytes(release())
    world: Any = World()
    install = {"install": 'echo "$RELEASE $HOME $(cat VERSION)"'}
    application = SPEC.application.model_copy(update=install)
    monkeypatch.setattr(World, "spec", SPEC.model_copy(update={"application": application}))
    passwords = {side: credentials(world, side, WATCH_ACCOUNT)["password"] for side in Side}
    for side, password in passwords.items():
        (Path(host.env["SECRETS"]) / f"shop_livemove_{side}_livemove_watch").write_text(
            f'{{"password": "{password}"}}'
        )
    (Path(host.env["SECRETS"]) / "arn:app").write_text('{"password": "x"}')
    host.agent = True
    said = deploy(world, server, host)
    home = pwd.getpwuid(os.geteuid()).pw_dir
    assert said.startswith(f"{host.home}/livemove/release {home} 7; {ME} reads its settings"), said


def release() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        member = tarfile.TarInfo("VERSION")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"7\n"))
    return raw.getvalue()
