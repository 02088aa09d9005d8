"""The data centre's sshd: a login lands in the host's directory, only with the key that was made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.addresses import here
from lab.idc import ssh
from lab.processes import Registry

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
