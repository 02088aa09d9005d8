"""A bare host becomes a web server by the release alone, as in the cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from lab import ca
from lab.mariadb import Server
from lab.processes import LabError, Registry
from lab.web import host, release
from tests.lab_web.conftest import settings

AWS = Path(host.__file__).parent / "bin" / "aws"


@pytest.fixture
def bare(registry: Registry, tmp_path: Path, certificate: ca.Certificate) -> Iterator[host.WebHost]:
    address = f"127.{200 + os.getpid() % 50}.3.40"
    made = host.prepare_host(
        tmp_path / "i-0abc", "i-0abc", address, 8443, certificate.paths(), state=registry.state
    )
    yield made
    registry.stop("i-0abc")


def run(bare: host.WebHost, command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """As SSM runs it: a shell with little in its environment."""
    env = {"HOME": str(bare.directory), "PATH": f"{AWS.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"}
    return subprocess.run(
        ["sh", "-c", command], cwd=cwd or bare.directory, env=env, capture_output=True, text=True, timeout=60
    )


def test_the_same_sources_give_the_same_archive(tmp_path: Path) -> None:
    first = release.build(tmp_path / "a" / "shop.tar.gz").read_bytes()
    assert release.build(tmp_path / "b.tar.gz").read_bytes() == first
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        names = archive.getnames()
    assert {"install.sh", "app/VERSION", "app/bin/shop", "app/monolith/__main__.py"} <= set(names)
    assert not [n for n in names if "lab" in n or n.endswith(".pyc")]


@pytest.mark.servers
def test_install_starts_it_and_settings_may_come_later(
    bare: host.WebHost,
    first_database: Server,
    certificate: ca.Certificate,
    tmp_path: Path,
    registry: Registry,
) -> None:
    with tarfile.open(release.build(tmp_path / "shop.tar.gz")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    done = run(bare, f"./install.sh {bare.directory}", tmp_path / "unpacked")
    assert done.returncode == 0, done.stderr
    process = registry.find("i-0abc")
    assert process is not None
    assert process.alive()

    def health() -> requests.Response:
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(certificate.ca)
            return session.get(f"https://{bare.address}:8443/healthz", timeout=10)

    assert health().status_code == 503
    assert "shop.env" in health().json()["error"]
    assert run(bare, "app/bin/shop probe").returncode == 1

    (bare.directory / "livemove").mkdir()
    (bare.directory / "livemove" / "source.env").write_text(
        "".join(f"{k}={v}\n" for k, v in settings(first_database, SITE="target").items())
    )
    assert run(bare, "ln -sfn ../livemove/source.env app/shop.env && app/bin/shop reload").returncode == 0
    probe = json.loads(run(bare, "app/bin/shop probe").stdout)
    assert (probe["site"], probe["database_host"]) == ("target", first_database.address)
    assert health().json()["release"] == release.version()

    again = run(bare, f"./install.sh {bare.directory}", tmp_path / "unpacked")
    assert "runs already" in again.stdout
    assert registry.find("i-0abc") == process

    (bare.app / "VERSION").write_text("older\n")
    assert run(bare, f"./install.sh {bare.directory}", tmp_path / "unpacked").returncode == 0
    assert not process.alive()
    assert json.loads(run(bare, "app/bin/shop probe").stdout)["database_host"] == first_database.address

    assert run(bare, "app/bin/shop stop").returncode == 0
    refused = run(bare, "bin/service start")
    assert refused.returncode == 1
    assert "ended for good" in refused.stderr


@pytest.mark.servers
def test_a_release_with_a_planted_bug_is_installed_with_it(
    bare: host.WebHost, certificate: ca.Certificate, tmp_path: Path
) -> None:
    with tarfile.open(release.build(tmp_path / "shop.tar.gz", faults=True)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert run(bare, f"./install.sh {bare.directory}", tmp_path / "unpacked").returncode == 0
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(certificate.ca)
        # one in twenty: four hundred without any are one in a billion
        said = {session.get(f"https://{bare.address}:8443/", timeout=10).text for _ in range(400)}
    assert any("a bug of this release" in text for text in said)


def test_a_bare_host_cannot_be_started(bare: host.WebHost, registry: Registry) -> None:
    with pytest.raises(LabError, match="no application yet"):
        host.start_service(registry, bare)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[str]:
    """Secrets Manager and S3 over HTTP."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    yield f"http://{address}:{port}"
    server.stop()


def test_aws_fetches_a_secret_and_an_object(
    bare: host.WebHost, cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    options = {"region_name": "ap-northeast-2", "endpoint_url": cloud}
    boto3.client("secretsmanager", **options).create_secret(
        Name="shop/app", SecretString='{"password": "p&q"}'
    )  # type: ignore[call-overload]
    s3 = boto3.client("s3", **options)  # type: ignore[call-overload]
    s3.create_bucket(
        Bucket="shop-livemove", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
    )
    s3.put_object(Bucket="shop-livemove", Key="releases/shop.tar.gz", Body=b"archive")
    export = f"export AWS_ENDPOINT_URL={cloud}; "
    secret = run(
        bare,
        export
        + "aws secretsmanager get-secret-value --secret-id shop/app --query SecretString --output text",
    )
    assert secret.stdout == '{"password": "p&q"}\n'
    assert run(bare, export + "aws s3 cp s3://shop-livemove/releases/shop.tar.gz here.tar.gz").returncode == 0
    assert (bare.directory / "here.tar.gz").read_bytes() == b"archive"
    missing = run(bare, export + "aws s3 cp s3://shop-livemove/releases/none here")
    assert missing.returncode == 255
    assert not (bare.directory / "here").exists()


ELSE = (
    "",
    "s3 ls",
    "s3 cp here s3://shop-livemove/k",
    "ec2 describe-instances",
    "secretsmanager get-secret-value --secret-id x",
)


@pytest.mark.parametrize("words", ELSE)
def test_aws_names_what_it_can_when_asked_for_more(bare: host.WebHost, words: str) -> None:
    done = run(bare, f"aws {words}")
    assert done.returncode == 2
    assert "secretsmanager get-secret-value" in done.stderr


def test_programs_of_a_host_run_on_this_python(bare: host.WebHost) -> None:
    assert run(bare, '. ./host.env; echo "$PYTHON"').stdout.strip() == sys.executable
