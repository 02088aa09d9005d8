"""What the monolith answers, and what it answers when its database does not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from uuid import uuid4

import pymysql
import pytest

from lab.idc import listings
from lab.mariadb import Server
from lab.web import release
from tests.lab_web.conftest import Running, grant, settings

pytestmark = pytest.mark.servers


def test_health_names_host_database_and_release(site: Running, first_database: Server) -> None:
    health = site.get("/healthz").json()
    assert health["service"] == "shop"
    assert health["site"] == "source"
    assert health["host"] == site.process.name
    assert (health["database_host"], health["database_port"]) == (first_database.address, 3306)
    assert "MariaDB" in health["server_version"]
    assert health["release"] == release.version()


def test_listings_are_read_with_korean_text(site: Running, first_database: Server) -> None:
    page = site.get("/listings?limit=3&after=1").json()["listings"]
    assert [row["id"] for row in page] == [2, 3, 4]
    title = first_database.query("SELECT title FROM shop.listings WHERE id = 2")[0][0]
    assert page[0]["title"] == title
    assert site.get("/listings/2").json()["title"] == title
    assert site.get("/listings/999999").status_code == 404
    assert site.get("/listings?limit=many").status_code == 400


@pytest.mark.parametrize("path", ["/enquiries", "/orders"])
def test_the_same_key_makes_one_row_and_one_trigger_effect(
    site: Running, first_database: Server, path: str
) -> None:
    table, key = path[1:], str(uuid4())
    counter = "enquiry_count" if table == "enquiries" else "order_count"
    before = first_database.query(f"SELECT {counter} FROM shop.listings WHERE id = 7")[0][0]
    first = site.post(path, key, contact="김민준", message="보고 싶습니다 🏠")
    second = site.post(path, key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert (
        first_database.query(f"SELECT {counter} FROM shop.listings WHERE id = 7")[0][0]
        == int(str(before)) + 1
    )


def test_wrong_requests_are_refused_and_not_counted_as_errors(site: Running) -> None:
    assert site.session.post(f"{site.url}/orders", json={"listing_id": 7}, timeout=9).status_code == 400
    assert site.post("/orders", "k" * 65).status_code == 400
    assert site.post("/orders", str(uuid4()), listing_id="7").status_code == 400
    assert site.post("/orders", str(uuid4()), listing_id=10**7).status_code == 404
    assert site.post("/enquiries", str(uuid4()), listing_id=10**7).status_code == 404
    assert site.get("/metrics.json").json()["errors"] == 0


def test_metrics_count_users_and_nobody_else(site: Running) -> None:
    for _ in range(3):
        site.get("/healthz")
        site.get("/listings/1")
    site.get("/listings")
    metrics = site.get("/metrics.json").json()
    assert metrics["requests"] == 4
    assert metrics["by_path"] == {"/listings/<id>": 3, "/listings": 1}


def test_a_read_only_database_is_503_and_leaves_nothing(site: Running, first_database: Server) -> None:
    key = str(uuid4())
    first_database.query("SET GLOBAL read_only = 1")
    try:
        answer = site.post("/orders", key)
        assert answer.status_code == 503
        assert "1290" in answer.json()["error"]
        assert site.get("/listings/1").status_code == 200
    finally:
        first_database.query("SET GLOBAL read_only = 0")
    assert site.post("/orders", key).status_code == 201
    assert site.get("/metrics.json").json()["errors"] == 1


def test_a_locked_account_is_503_with_a_reason(site: Running, first_database: Server) -> None:
    first_database.query("ALTER USER shop_app@'127.%' ACCOUNT LOCK")
    try:
        kill_sessions(first_database)
        answer = site.get("/listings/1")
        assert answer.status_code == 503
        assert "4151" in answer.json()["error"]
        health = site.get("/healthz")
        assert (health.status_code, health.json()["database_host"]) == (503, first_database.address)
    finally:
        first_database.query("ALTER USER shop_app@'127.%' ACCOUNT UNLOCK")
    assert site.get("/listings/1").status_code == 200


def test_dead_pooled_connections_are_noticed_by_nobody(site: Running, first_database: Server) -> None:
    for _ in range(5):
        assert site.post("/orders", str(uuid4())).status_code == 201
        kill_sessions(first_database)
        assert site.get("/listings/1").status_code == 200
        kill_sessions(first_database)
    assert site.get("/metrics.json").json()["errors"] == 0


def test_an_unreachable_database_is_503(start_site: Callable[..., Running], first_database: Server) -> None:
    site = start_site(settings(first_database) | {"DB_PORT": "1"})
    assert site.get("/listings/1").status_code == 503
    assert site.shop("probe").returncode == 1


def test_the_small_schema_is_served_by_the_same_application(
    start_site: Callable[..., Running], first_database: Server
) -> None:
    listings.load_traffic(first_database)
    grant(first_database, "livemove_traffic")
    site = start_site(settings(first_database) | {"DB_NAME": "livemove_traffic"})
    key = str(uuid4())
    assert len(site.get("/listings?limit=100").json()["listings"]) == 100
    assert site.post("/orders", key).status_code == 201
    assert site.post("/enquiries", key).status_code == 201
    assert site.shop("probe").returncode == 0
    found = first_database.query(
        "SELECT order_count, enquiry_count FROM livemove_traffic.listings WHERE id = 7"
    )
    assert tuple(found[0]) == (1, 1)


def kill_sessions(server: Server) -> None:
    for (number,) in server.query("SELECT id FROM information_schema.processlist WHERE user = 'shop_app'"):
        # 1094: it ended by itself meanwhile
        with contextlib.suppress(pymysql.err.OperationalError):
            server.query(f"KILL {number}")
