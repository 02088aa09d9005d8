"""scripts/bootstrap and its helpers, on machines made of fake programs."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
ARCH = "arm64" if platform.machine() in ("aarch64", "arm64") else "amd64"


def run(
    script: str, *arguments: str, path: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """The script with an environment of its own; programs in `path` come first."""
    search = f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]
    return subprocess.run(
        [str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": search, "HOME": "/nonexistent", **env},
    )


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n" + text)
    (folder / name).chmod(0o755)


def provider(root: Path, version: str, *, packed: bool = False) -> None:
    aws = root / "registry.terraform.io" / "hashicorp" / "aws"
    if packed:
        aws.mkdir(parents=True)
        (aws / f"terraform-provider-aws_{version}_linux_{ARCH}.zip").touch()
    else:
        (aws / version / f"linux_{ARCH}").mkdir(parents=True)


@pytest.mark.parametrize("packed", [False, True])
def test_mirror_is_found_one_level_below_a_usual_root(tmp_path: Path, packed: bool) -> None:
    provider(tmp_path / "opt" / "somewhere", "5.100.0", packed=packed)
    found = run("find-terraform-mirror", "5.100.0", LIVEMOVE_OPT=str(tmp_path / "opt"))
    assert found.stdout.strip() == str(tmp_path / "opt" / "somewhere")


def test_mirror_of_another_version_or_machine_is_not_taken(tmp_path: Path) -> None:
    provider(tmp_path / "opt" / "old", "4.1.0")
    alien = tmp_path / "opt" / "alien" / "registry.terraform.io" / "hashicorp" / "aws" / "5.100.0"
    (alien / "linux_riscv64").mkdir(parents=True)
    found = run("find-terraform-mirror", "5.100.0", LIVEMOVE_OPT=str(tmp_path / "opt"))
    assert (found.returncode, found.stdout) == (1, "")


def test_named_mirror_comes_before_the_usual_roots(tmp_path: Path) -> None:
    provider(tmp_path / "opt" / "x", "5.100.0")
    provider(tmp_path / "mine", "5.100.0")
    found = run(
        "find-terraform-mirror", LIVEMOVE_OPT=str(tmp_path / "opt"), LIVEMOVE_TF_MIRROR=str(tmp_path / "mine")
    )
    assert found.stdout.strip() == str(tmp_path / "mine")


def test_python_shim_that_fails_is_passed_over(tmp_path: Path) -> None:
    program(tmp_path, "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127\n")
    home = tmp_path / "home"
    real = home / ".pyenv" / "versions" / "3.12.9" / "bin"
    real.mkdir(parents=True)
    program(real, "python3.12", 'exec "$REAL" "$@"\n')
    found = run("find-python", path=tmp_path, HOME=str(home), REAL=sys.executable)
    assert found.returncode == 0
    version = subprocess.run([found.stdout.strip(), "-V"], capture_output=True, text=True).stdout
    assert version.startswith("Python 3.12")


def test_other_systems_are_sent_to_docker_compose(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n')
    refused = run("bootstrap", LIVEMOVE_OS_RELEASE=str(tmp_path / "os-release"))
    assert refused.returncode == 1
    assert "Fedora Linux 42" in refused.stderr
    assert "docker compose" in refused.stderr


@pytest.fixture
def ready_venv(tmp_path: Path) -> Path:
    """An environment that setup takes for complete."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    program(venv / "bin", "python", f'exec {sys.executable} "$@"\n')
    wanted = b"".join((SCRIPTS.parent / f"requirements{x}.txt").read_bytes() for x in ("", "-dev"))
    (venv / "livemove.stamp").write_text(hashlib.sha256(wanted).hexdigest() + "\n")
    return venv


@pytest.mark.servers
def test_old_terraform_is_not_used_and_a_download_with_another_checksum_is_refused(
    tmp_path: Path, ready_venv: Path
) -> None:
    program(tmp_path / "bin", "terraform", "echo Terraform v1.5.7\n")
    release = tmp_path / "releases" / "terraform" / "1.11.4" / f"terraform_1.11.4_linux_{ARCH}.zip"
    release.parent.mkdir(parents=True)
    release.write_bytes(b"not what HashiCorp published")
    refused = run(
        "bootstrap",
        path=tmp_path / "bin",
        LIVEMOVE_VENV=str(ready_venv),
        LIVEMOVE_TF_RELEASES=f"file://{tmp_path / 'releases'}",
    )
    assert refused.returncode == 1
    assert "another checksum" in refused.stderr
    assert not (ready_venv / "bin" / "terraform").exists()
    assert not (ready_venv / "terraform.zip").exists()


@pytest.mark.servers
@pytest.mark.parametrize("version", ["1.11.0", "1.14.2", "2.0.1"])
def test_terraform_on_the_path_is_used_when_new_enough_and_the_mirror_is_written_down(
    tmp_path: Path, ready_venv: Path, version: str
) -> None:
    program(tmp_path / "bin", "terraform", f"echo Terraform v{version}\n")
    provider(tmp_path / "mirror", "5.100.0")
    done = run(
        "bootstrap",
        path=tmp_path / "bin",
        LIVEMOVE_VENV=str(ready_venv),
        LIVEMOVE_TF_MIRROR=str(tmp_path / "mirror"),
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "bin" / "terraform") in done.stdout
    written = (ready_venv / "terraform.rc").read_text()
    assert f'path    = "{tmp_path / "mirror"}"' in written
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in written


def test_neither_root_nor_sudo_says_exactly_what_to_install(tmp_path: Path) -> None:
    program(tmp_path, "id", "echo 1000\n")
    program(tmp_path, "sudo", "exit 1\n")
    refused = run("install-packages", "knot", "unbound", path=tmp_path)
    assert refused.returncode == 1
    assert "sudo apt-get install --no-install-recommends knot unbound" in refused.stderr


@pytest.mark.parametrize("apt_fails", [False, True])
@pytest.mark.parametrize("before", [None, "#!/bin/sh\nexit 104\n"])
def test_daemons_are_kept_from_starting_and_the_policy_is_restored(
    tmp_path: Path, before: str | None, apt_fails: bool
) -> None:
    policy, calls = tmp_path / "policy-rc.d", tmp_path / "calls"
    if before:
        policy.write_text(before)
    program(tmp_path / "bin", "id", "echo 0\n")
    program(tmp_path / "bin", "systemctl", f'echo "systemctl $*" >> {calls}\n')
    program(
        tmp_path / "bin",
        "apt-get",
        f'{policy}; echo "$? $*" >> {calls}\ncase "$*" in *install*) exit {int(apt_fails)} ;; esac\n',
    )
    done = run("install-packages", "unbound", "curl", path=tmp_path / "bin", LIVEMOVE_POLICY=str(policy))
    assert done.returncode == int(apt_fails), done.stderr
    lines = calls.read_text().splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["101", "101"]
    assert "update" in lines[0]
    assert lines[1].endswith("unbound curl")
    assert ("systemctl disable --quiet unbound.service" in lines) is not apt_fails
    assert (policy.read_text() if policy.exists() else None) == before
    assert not Path(f"{policy}.livemove").exists()
