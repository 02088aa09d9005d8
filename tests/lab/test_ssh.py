"""The data centre's sshd: a login lands in the host's directory, only with the key that was made."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.addresses import here
from lab.checks import program
from lab.idc import ssh
from lab.processes import Registry
from livemove.model.errors import UnreachableError
from livemove.model.spec import Side
from livemove.runtime.ssh import SshHost
from tests.raising import raises

pytestmark = pytest.mark.servers


@pytest.fixture
def home(lab: Registry) -> Path:
    folder = lab.state / "hosts" / "idc"
    ssh.start(lab, folder)
    return folder


def options(key: Path, known: Path) -> list[str]:
    a = here()
    known.write_text(f"[{a.idc}]:{a.ssh} {ssh.keys().host_public}\n{a.idc} {ssh.keys().host_public}\n")
    return [
        "-F",
        "none",
        "-o",
        f"Port={a.ssh}",
        "-o",
        f"UserKnownHostsFile={known}",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "BatchMode=yes",
        "-o",
        "IdentitiesOnly=yes",
        "-o",
        "ConnectTimeout=10",
        "-i",
        str(key),
    ]


def run(command: str, tmp_path: Path, key: Path | None = None) -> subprocess.CompletedProcess[str]:
    arguments = options(key or ssh.keys().private, tmp_path / "known")
    return subprocess.run(
        ["ssh", *arguments, f"{ssh.user()}@{here().idc}", command], capture_output=True, text=True, timeout=30
    )


def test_login_lands_in_the_hosts_directory_and_has_its_exit_code(home: Path, tmp_path: Path) -> None:
    done = run("pwd; echo $HOME; mkdir made; exit 7", tmp_path)
    assert done.stdout.split() == [str(home), str(home)]
    assert done.returncode == 7
    assert (home / "made").is_dir()


def test_commands_find_a_python_and_quoting_survives(home: Path, tmp_path: Path) -> None:
    done = run("""python -c 'print("a  b", 1 > 0)' | cat""", tmp_path)
    assert done.stdout == "a  b True\n", done.stderr


def test_sftp_lands_there_too(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    arguments = options(ssh.keys().private, tmp_path / "known")
    done = subprocess.run(
        ["sftp", "-q", *arguments, f"{ssh.user()}@{here().idc}"],
        input=f"put {tmp_path / 'file'} put\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (home / "put").read_text() == "content", done.stderr


def test_another_key_is_refused(home: Path, tmp_path: Path) -> None:
    ssh._make_key(tmp_path / "stranger")
    done = run("pwd", tmp_path, tmp_path / "stranger")
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


@pytest.fixture
def connections(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Airflow's connections of the server and of a jump host, which is another sshd with its own key."""
    a, keys = here(), ssh.keys()
    made: dict[str, dict[str, Any]] = {}
    for name, host, port in (("web", a.idc, a.ssh), ("jump", a.ip(1, 20), a.ssh)):
        extra = {"private_key": keys.private.read_text(), "host_key": keys.host_public}
        made[name] = {"conn_type": "ssh", "host": host, "port": port, "login": ssh.user(), "extra": extra}
        monkeypatch.setenv(f"AIRFLOW_CONN_T_{name.upper()}", json.dumps(made[name]))
    return made


def jump_host(lab: Registry, *, forwards: bool) -> None:
    """An sshd that runs nothing and forwards, or does not."""
    config = (ssh.folder() / "sshd_config").read_text()
    config = config.replace(f"ListenAddress {here().idc}:", f"ListenAddress {here().ip(1, 20)}:")
    config = config.replace("AllowTcpForwarding no", f"AllowTcpForwarding {'yes' if forwards else 'no'}")
    config = config.split("ForceCommand")[0] + "ForceCommand /bin/false\n"
    (ssh.folder() / "jump_config").write_text(config)
    address, port = here().ip(1, 20), here().ssh
    sshd = [program("sshd"), "-D", "-e", "-f", str(ssh.folder() / "jump_config")]
    lab.start("jump-sshd", sshd, ready=lambda: ssh._listens(address, port))


def test_a_server_behind_a_jump_host_is_reached_through_it(
    connections: dict[str, dict[str, Any]], lab: Registry, home: Path
) -> None:
    jump_host(lab, forwards=True)
    through = SshHost("web", Side.SOURCE, here().idc, "t_web", jump="t_jump")
    assert through.run("pwd; echo $SSH_CONNECTION").stdout.split()[0] == str(home)
    through.put("livemove/x", b"placed", mode=0o600)
    assert (home / "livemove/x").read_bytes() == b"placed"
    through.close()
    assert through.run("echo again").stdout == "again\n"
    lab.stop("jump-sshd")
    lab.kill_strays()
    through.close()
    with raises(UnreachableError, "at the jump host", "through that of 't_jump'"):
        through.run("true")


def test_a_jump_host_that_does_not_forward_is_told(
    connections: dict[str, dict[str, Any]], lab: Registry
) -> None:
    jump_host(lab, forwards=False)
    with raises(UnreachableError, "through the jump host, which does not forward to it"):
        SshHost("web", Side.SOURCE, here().idc, "t_web", jump="t_jump").run("true")


def test_the_servers_own_key_is_checked_behind_the_jump_host(
    connections: dict[str, dict[str, Any]], lab: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump_host(lab, forwards=True)
    ssh._make_key(tmp_path / "other")
    other = (tmp_path / "other.pub").read_text().strip()
    web = connections["web"]
    monkeypatch.setenv(
        "AIRFLOW_CONN_T_WEB", json.dumps({**web, "extra": {**web["extra"], "host_key": other}})
    )
    with raises(UnreachableError, "at login", "Host key for server"):
        SshHost("web", Side.SOURCE, here().idc, "t_web", jump="t_jump").run("true")
