"""Real servers for tests, started on loopback addresses of their own and gone afterwards."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from lab.ca import sign
from lab.mariadb import Server
from lab.processes import Registry

pytest_plugins = ["tests.contract"]
_numbers = itertools.count(1)

# a busy machine is slow without being wrong; examples that failed are printed, not kept in the tree
settings.register_profile("livemove", deadline=None, print_blob=True, database=None)
settings.load_profile("livemove")
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "livemove-hypothesis")


def pytest_configure() -> None:
    """Turn SIGTERM (a CI's time limit, a kill) into Ctrl-C, so that pytest ends the servers it started."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM", returncode=143))


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    registry = Registry(tmp_path_factory.mktemp("lab"))
    yield registry
    registry.stop_all()


@pytest.fixture(scope="session")
def make_mariadb(
    registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Call it for a fresh mariadbd with TLS: make_mariadb(zone, **options) -> Server (root: "root")."""
    if not shutil.which("mariadbd") and not Path("/usr/sbin/mariadbd").exists():
        if os.environ.get("CI"):
            pytest.fail("mariadbd is not installed, and CI must not skip this")
        pytest.skip("mariadbd is not installed: run `make setup`")
    made: list[Server] = []
    certificate = sign(tmp_path_factory.mktemp("ca"), "a server of the tests", [x509.DNSName("test")])

    def make(zone: str = "UTC", **options: str) -> Server:
        n = next(_numbers)
        address = f"127.{200 + os.getpid() % 50}.{n // 250}.{n % 250 + 1}"
        server = Server(
            registry,
            f"test-mariadb-{n}",
            address,
            3306,
            tmp_path_factory.mktemp(f"mariadb{n}") / "data",
            1000 + n,
            "root",
            options,
            certificate.paths(),
            zone=zone,
        )
        server.install()
        server.start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()
        shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture(scope="session")
def source_server(make_mariadb: Callable[..., Server]) -> Server:
    """A machine in Seoul that nobody told a time zone."""
    return make_mariadb("Asia/Seoul")


@pytest.fixture(scope="session")
def target_server(make_mariadb: Callable[..., Server]) -> Server:
    """RDS's own zone is always UTC; its parameter group has the source's zone by name."""
    return make_mariadb("UTC", default_time_zone="Asia/Seoul")


@dataclass(frozen=True)
class Endpoint:
    """The lab's AWS endpoint, in a process of its own with a lab folder of its own."""

    url: str
    state: Path

    def client(self, service: str, key: str = "test") -> Any:
        """A client of the account's owner, or of whom the key belongs to."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="ap-northeast-2",
            aws_access_key_id=key,
            aws_secret_access_key="test",
            config=Config(
                connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 3}
            ),
        )


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """EC2, RDS and SSM on it are alive; there are no name servers, so a zone's changes stay PENDING."""
    octet = next(n for n in (40 + (os.getpid() + i) % 60 for i in range(60)) if _free(f"127.{n}.2.1"))
    state = tmp_path_factory.mktemp("aws") / "state"
    registry, address = Registry(state), f"127.{octet}.2.1"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment |= {"LIVEMOVE_LAB_STATE": str(state), "LIVEMOVE_LAB_OCTET": str(octet)}
    registry.start(
        "aws",
        [sys.executable, "-m", "lab.cloud"],
        ready=lambda: not _free(address),
        timeout=60,
        cwd=Path(__file__).parents[1],
        env=environment,
    )
    yield Endpoint(f"http://{address}:5000", state)
    registry.stop("aws")
    registry.stop_all()
    # pytest shows it where a test failed
    print("\n".join((registry.logs / "aws.log").read_text(errors="replace").splitlines()[-60:]))
    shutil.rmtree(state, ignore_errors=True)


def _free(address: str) -> bool:
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((address, 5000)) != 0
