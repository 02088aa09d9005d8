"""The users: they follow the name, keep what was promised to them, and end tidily."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import ca
from lab.mariadb import Server
from lab.processes import Registry
from lab.traffic import service
from lab.traffic.audit import audit, write_pause_ms
from lab.traffic.record import ACKNOWLEDGED, FAILURES, SECONDS, UNKNOWN, read_lines
from lab.traffic.stub import Stub, Unresolved
from lab.traffic.users import Plan
from tests.lab_traffic.conftest import NameServer
from tests.lab_web.conftest import NAME, Running, settings
from tests.lab_web.test_switching import wait_for
from tests.raising import raises

pytestmark = pytest.mark.servers


@pytest.fixture
def users(
    registry: Registry, name_server: NameServer, certificate: ca.Certificate, tmp_path: Path
) -> Iterator[Callable[..., Path]]:
    """Call it to let users loose; returns the folder of their record."""

    def start(**options: float) -> Path:
        load = service.plan(
            tmp_path / "traffic",
            name=NAME,
            resolvers=[name_server.place],
            ca=certificate.ca,
            port=8443,
            **options,  # type: ignore[arg-type]
        )
        service.start(registry, load)
        return load.folder

    yield start
    service.stop(registry)


def address(site: Running) -> str:
    return site.url.removeprefix("https://").removesuffix(":8443")


def test_users_follow_the_name_and_a_move_of_the_database_and_lose_nothing(
    users: Callable[..., Path],
    start_site: Callable[..., Running],
    name_server: NameServer,
    first_database: Server,
    registry: Registry,
) -> None:
    old = start_site(settings(first_database))
    new = start_site(settings(first_database, SITE="target"))
    name_server.address = address(old)
    folder = users(rate=60.0)
    wait_for(lambda: len(read_lines(folder / ACKNOWLEDGED)) > 30)
    assert {line["site"] for line in read_lines(folder / ACKNOWLEDGED)} == {"source"}
    name_server.address = address(new)
    wait_for(lambda: read_lines(folder / SECONDS)[-1]["by_site"].keys() == {"target"})
    before = time.time()
    new.shop("hold", "20")
    time.sleep(0.6)
    new.shop("release")
    after = time.time()
    wait_for(lambda: read_lines(folder / ACKNOWLEDGED)[-1]["t"] > after)
    service.stop(registry)

    result = audit(folder, first_database.connect)
    assert result.examples == []
    assert result.clean
    assert result.acknowledged > 40
    assert result.requests_failed == 0
    assert result.requests_ok > 2 * result.acknowledged
    assert {line["host"] for line in read_lines(folder / ACKNOWLEDGED)} == {
        old.process.name,
        new.process.name,
    }
    pause = write_pause_ms(folder, before, after)
    assert pause is not None
    assert pause >= 600
    assert write_pause_ms(folder) == pause


def test_a_dead_site_is_failed_requests_and_an_open_gap(
    users: Callable[..., Path],
    start_site: Callable[..., Running],
    name_server: NameServer,
    first_database: Server,
    registry: Registry,
) -> None:
    site = start_site(settings(first_database))
    name_server.address = address(site)
    folder = users(rate=40.0)
    wait_for(lambda: len(read_lines(folder / ACKNOWLEDGED)) > 5)
    registry.stop(site.process.name)
    wait_for(lambda: len(read_lines(folder / FAILURES)) > 40)
    service.stop(registry)
    result = audit(folder, first_database.connect)
    assert result.clean
    assert result.requests_failed >= 40
    last = read_lines(folder / ACKNOWLEDGED)[-1]["t"]
    pause = write_pause_ms(folder)
    assert pause is not None
    assert pause >= round((read_lines(folder / SECONDS)[-1]["t"] - last) * 1000)


def test_a_certificate_of_another_name_is_refused(
    users: Callable[..., Path],
    start_site: Callable[..., Running],
    name_server: NameServer,
    first_database: Server,
    registry: Registry,
    certificate: ca.Certificate,
    tmp_path: Path,
) -> None:
    name_server.address = address(start_site(settings(first_database)))
    load = service.plan(
        tmp_path / "other",
        name="www.other.example",
        resolvers=[name_server.place],
        ca=certificate.ca,
        port=8443,
        seconds=1.5,
    )
    process = service.start(registry, load)
    wait_for(lambda: not process.alive())
    failures = read_lines(load.folder / FAILURES)
    assert failures
    assert "Certificate" in failures[0]["reason"]
    assert read_lines(load.folder / ACKNOWLEDGED) == []
    assert read_lines(load.folder / UNKNOWN) == []


def test_an_earlier_record_is_put_aside(
    users: Callable[..., Path], name_server: NameServer, registry: Registry
) -> None:
    folder = users(rate=5.0)
    service.stop(registry)
    first = read_lines(folder / SECONDS)
    assert users(rate=5.0) == folder
    assert read_lines(folder / SECONDS)[0]["t"] > first[-1]["t"]
    assert len([p for p in folder.parent.iterdir() if p.name.startswith("traffic")]) == 2


def test_an_answer_is_believed_for_its_ttl_and_no_longer(name_server: NameServer) -> None:
    async def ask() -> None:
        stub = Stub("127.0.0.1", name_server.port, NAME, timeout=0.3, tries=1)
        name_server.address, name_server.ttl = "127.0.0.9", 1
        assert await stub.address() == "127.0.0.9"
        name_server.address = "127.0.0.10"
        assert await stub.address() == "127.0.0.9"
        assert name_server.asked == 1
        await asyncio.sleep(1.05)
        assert await stub.address() == "127.0.0.10"
        name_server.address = ""
        await asyncio.sleep(1.05)
        with raises(Unresolved, "NXDOMAIN"):
            await stub.address()

    asyncio.run(ask())


def test_a_plan_without_arguments_is_the_labs_own() -> None:
    load = service.plan(Path("x"))
    assert isinstance(load, Plan)
    assert (load.name, load.rate, len(load.resolvers)) == (NAME, 40, 4)
