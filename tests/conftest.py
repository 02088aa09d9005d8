"""Real servers for tests, started on loopback addresses of their own and gone afterwards."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.mariadb import Server
from lab.processes import Registry

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    registry = Registry(tmp_path_factory.mktemp("lab"))
    yield registry
    registry.stop_all()


@pytest.fixture(scope="session")
def make_mariadb(
    registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Call it for a fresh mariadbd: make_mariadb(**options) -> Server (root with password "root")."""
    if not shutil.which("mariadbd") and not Path("/usr/sbin/mariadbd").exists():
        if os.environ.get("CI"):
            pytest.fail("mariadbd is not installed, and CI must not skip this")
        pytest.skip("mariadbd is not installed: run `make setup`")
    made: list[Server] = []

    def make(**options: str) -> Server:
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
    return make_mariadb()


@pytest.fixture(scope="session")
def target_server(make_mariadb: Callable[..., Server]) -> Server:
    return make_mariadb()
