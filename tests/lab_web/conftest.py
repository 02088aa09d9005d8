"""One monolith on a real database with real TLS, and a second database to go to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from lab import ca
from lab.addresses import Addresses
from lab.idc import listings
from lab.mariadb import Server
from lab.processes import Process, Registry
from lab.web import host
from livemove.model.spec import Side, load_spec, project_root
from livemove.runtime.mariadb import Login
from tests.lab_web.cut import CutAfterCommit

APP = {"DB_USER": "shop_app", "DB_PASSWORD": "app's own #1", "DB_NAME": "shop"}
NAME = "www.shop.test"


def grant(server: Server, schema: str) -> None:
    password = APP["DB_PASSWORD"].replace("'", "''")
    server.query(f"CREATE USER IF NOT EXISTS shop_app@'127.%' IDENTIFIED BY '{password}'")
    server.query(f"GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON {schema}.* TO shop_app@'127.%'")


def settings(server: Server, **more: str) -> dict[str, str]:
    return {"SITE": "source", "DB_HOST": server.address, "DB_PORT": str(server.port), **APP, **more}


SPEC = load_spec(project_root() / "include" / "migrations" / "shop.yaml")


class AppWorld:
    """A service whose application has these databases; no connection of Airflow, no AWS."""

    spec = SPEC

    def __init__(self, *servers: Server) -> None:
        self.databases = dict(zip(Side, servers, strict=True))

    def application_login(self, side: Side) -> Login:
        server = self.databases[side]
        return Login(server.address, server.port, APP["DB_USER"], APP["DB_PASSWORD"])


@dataclass
class Running:
    """A web host as a user and as livemove-server see it."""

    process: Process
    directory: Path
    url: str
    session: requests.Session

    def shop(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        return subprocess.run(
            ["app/bin/shop", *words], cwd=self.directory, env=env, capture_output=True, text=True, timeout=60
        )

    def settle(self, values: dict[str, str]) -> None:
        """Write the settings file, as livemove's link would show it."""
        text = "".join(f"{k}={v}\n" for k, v in values.items())
        fresh = self.directory / "next.env"
        fresh.write_text(text)
        os.replace(fresh, self.directory / "app" / "shop.env")

    def post(self, path: str, key: str, **body: Any) -> requests.Response:
        headers = {"Idempotency-Key": key}
        return self.session.post(
            f"{self.url}{path}", json={"listing_id": 7, **body}, headers=headers, timeout=40
        )

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=40)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ca.Certificate:
    folder = tmp_path_factory.mktemp("ca")
    before = os.environ.get("LIVEMOVE_LAB_STATE")
    os.environ["LIVEMOVE_LAB_STATE"] = str(folder)
    try:
        return ca.create(Addresses(200 + os.getpid() % 50, True), ("shop.test",))
    finally:
        if before is None:
            del os.environ["LIVEMOVE_LAB_STATE"]
        else:
            os.environ["LIVEMOVE_LAB_STATE"] = before


_made: dict[str, Server] = {}


def database(make_mariadb: Callable[..., Server], name: str) -> Server:
    """A server with the listings; other test packages that import these fixtures share it."""
    if name not in _made:
        _made[name] = make_mariadb()
        listings.load(_made[name], rows=3000)
        grant(_made[name], "shop")
    return _made[name]


@pytest.fixture(scope="session")
def first_database(make_mariadb: Callable[..., Server]) -> Server:
    return database(make_mariadb, "first")


@pytest.fixture(scope="session")
def second_database(make_mariadb: Callable[..., Server]) -> Server:
    return database(make_mariadb, "second")


@pytest.fixture
def start_site(
    registry: Registry, tmp_path: Path, certificate: ca.Certificate
) -> Iterator[Callable[..., Running]]:
    """Call it with settings for a running monolith of one's own."""
    started: list[Running] = []

    def start(values: dict[str, str], app: str = "") -> Running:
        number = len(started) + 10
        # 443 and the lab's addresses: the certificate names them
        address = f"127.{200 + os.getpid() % 50}.3.{number}"
        name = f"web-test-{number}"
        directory = tmp_path / name
        tls = certificate.paths()
        process = host.start(registry, name, directory, address, 8443, values, tls, app=app)
        session = requests.Session()
        # an environment with a CA bundle of its own would win over `verify`
        session.trust_env = False
        session.verify = str(certificate.ca)
        running = Running(process, directory, f"https://{address}:8443", session)
        started.append(running)
        return running

    yield start
    for running in started:
        registry.stop(running.process.name)
        running.session.close()
        shutil.rmtree(running.directory, ignore_errors=True)


@pytest.fixture
def site(start_site: Callable[..., Running], first_database: Server) -> Running:
    return start_site(settings(first_database))


@pytest.fixture
def cut_after_commit(first_database: Server) -> Iterator[CutAfterCommit]:
    way = CutAfterCommit(first_database.address, first_database.port)
    yield way
    way.close()
