"""Reload, hold, probe and stop: the verbs that a switchover relies on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest
import requests

from lab.mariadb import Server
from lab.processes import LabError, Registry
from lab.web import host
from tests.lab_web.conftest import Running, settings
from tests.lab_web.cut import CutAfterCommit
from tests.lab_web.test_requests import kill_sessions

pytestmark = pytest.mark.servers


class Crowd:
    """Users that read and write without pause, and what became of each write."""

    def __init__(self, site: Running, users: int = 6) -> None:
        self.site, self.users = site, users
        self.failed: list[str] = []
        self.acknowledged: dict[str, str] = {}
        """key -> database that answered"""
        self.over = threading.Event()

    def user(self) -> None:
        with requests.Session() as session:
            session.trust_env, session.verify = False, self.site.session.verify
            while not self.over.is_set():
                key = str(uuid4())
                for method, path, headers in (
                    ("POST", "/orders", {"Idempotency-Key": key}),
                    ("GET", "/listings/3", {}),
                ):
                    try:
                        answer = session.request(
                            method, self.site.url + path, json={"listing_id": 9}, headers=headers, timeout=40
                        )
                    except requests.RequestException as e:
                        self.failed.append(repr(e))
                        continue
                    if answer.status_code >= 300:
                        self.failed.append(f"{answer.status_code} {answer.text}")
                    elif method == "POST":
                        self.acknowledged[key] = answer.headers["X-Database"]


@contextmanager
def crowd(site: Running) -> Iterator[Crowd]:
    users = Crowd(site)
    with ThreadPoolExecutor(users.users) as threads:
        for _ in range(users.users):
            threads.submit(users.user)
        wait_for(lambda: len(users.acknowledged) > 20)
        try:
            yield users
        finally:
            users.over.set()


def wait_for(condition: Callable[[], bool], limit: float = 20) -> None:
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def keys(server: Server) -> list[str]:
    return [str(row[0]) for row in server.query("SELECT idempotency_key FROM shop.orders")]


def test_reload_moves_to_another_database_under_load_without_a_failed_request(
    site: Running, first_database: Server, second_database: Server
) -> None:
    with crowd(site) as users:
        for server in (second_database, first_database, second_database):
            place = f"{server.address}:3306"
            site.settle(settings(server))
            moved = site.shop("reload")
            assert moved.returncode == 0, moved.stdout
            assert json.loads(moved.stdout)["left"] == 0
            since = len(users.acknowledged)
            wait_for(lambda n=since: len(users.acknowledged) > n + 20)
            assert json.loads(site.shop("probe").stdout)["database_host"] == server.address
            left = first_database if server is second_database else second_database
            assert left.query("SELECT id FROM information_schema.processlist WHERE user = 'shop_app'") in (
                [],
                (),
            )
    assert users.failed == []
    assert {place, f"{first_database.address}:3306"} == set(users.acknowledged.values())
    for server in (first_database, second_database):
        here = {k for k, place in users.acknowledged.items() if place == f"{server.address}:3306"}
        found = keys(server)
        assert here <= set(found)
        assert len(found) == len(set(found))


def test_a_fenced_move_under_hold_fails_no_request_and_doubles_nothing(
    site: Running, first_database: Server, second_database: Server
) -> None:
    """A small switchover: hold, fence and kill, repoint, probe, release; the first database stays closed."""
    with crowd(site) as users:
        held = site.shop("hold", "15")
        assert held.returncode == 0
        first_database.query("SET GLOBAL read_only = 1")
        first_database.query("ALTER USER shop_app@'127.%' ACCOUNT LOCK")
        try:
            kill_sessions(first_database)
            fenced = set(keys(first_database))
            site.settle(settings(second_database))
            assert site.shop("reload").returncode == 0
            probe = json.loads(site.shop("probe").stdout)
            assert (probe["site"], probe["database_host"]) == ("source", second_database.address)
            before = len(users.acknowledged)
            assert site.shop("release").returncode == 0
            wait_for(lambda: len(users.acknowledged) > before + 20)
        finally:
            first_database.query("ALTER USER shop_app@'127.%' ACCOUNT UNLOCK")
            first_database.query("SET GLOBAL read_only = 0")
    assert users.failed == []
    first, second = keys(first_database), keys(second_database)
    assert set(first) == fenced
    ours = set(users.acknowledged)
    assert ours <= set(first) | set(second)
    assert not ours & set(first) & set(second)


def test_a_kill_without_hold_is_survived_by_writes_under_way(site: Running, first_database: Server) -> None:
    with crowd(site) as users:
        for _ in range(8):
            kill_sessions(first_database)
            time.sleep(0.05)
    unexplained = [f for f in users.failed if not f.startswith(("503", "504"))]
    assert unexplained == []
    found = keys(first_database)
    assert set(users.acknowledged) <= set(found)
    assert len(found) == len(set(found))


def test_a_lost_answer_to_commit_is_asked_again_with_the_same_key(
    start_site: Callable[..., Running], first_database: Server, cut_after_commit: CutAfterCommit
) -> None:
    site = start_site(
        settings(first_database)
        | {
            "DB_HOST": cut_after_commit.address,
            "DB_PORT": str(cut_after_commit.port),
            "DB_POOL": "1",
        }
    )
    cut_after_commit.armed = 1
    key = str(uuid4())
    answer = site.post("/orders", key)
    assert cut_after_commit.armed == 0, "the answer to COMMIT was not cut"
    # 200, not 201: the first attempt had written the row, the second found it
    assert answer.status_code == 200
    assert keys(first_database).count(key) == 1


def test_a_write_that_may_be_there_is_never_called_failed(
    start_site: Callable[..., Running], first_database: Server, cut_after_commit: CutAfterCommit
) -> None:
    site = start_site(
        settings(first_database)
        | {
            "DB_HOST": cut_after_commit.address,
            "DB_PORT": str(cut_after_commit.port),
            "DB_POOL": "1",
        }
    )
    cut_after_commit.armed = 1
    cut_after_commit.stay_closed = True
    key = str(uuid4())
    answer = site.post("/orders", key)
    assert answer.status_code == 504
    assert keys(first_database).count(key) == 1


def test_requests_that_hang_at_a_silent_database_are_done_on_the_next_one(
    start_site: Callable[..., Running],
    first_database: Server,
    second_database: Server,
    cut_after_commit: CutAfterCommit,
) -> None:
    site = start_site(
        settings(first_database)
        | {
            "DB_HOST": cut_after_commit.address,
            "DB_PORT": str(cut_after_commit.port),
        }
    )
    cut_after_commit.silent = True
    key = str(uuid4())
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(site.post, "/orders", key)
        wait_for(lambda: json.loads(site.shop("status").stdout)["in_flight"] == 1)
        site.settle(settings(second_database))
        moved = site.shop("reload")
        assert json.loads(moved.stdout)["left"] == 0
        answer = hanging.result()
    assert (answer.status_code, answer.headers["X-Database"]) == (201, f"{second_database.address}:3306")
    assert keys(second_database).count(key) == 1


def test_requests_wait_in_a_hold_until_release(site: Running) -> None:
    assert json.loads(site.shop("hold", "30").stdout)["in_flight"] == 0
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(site.post, "/orders", str(uuid4())) for _ in range(4)]
        wait_for(lambda: json.loads(site.shop("status").stdout)["waiting"] == 4)
        assert site.get("/healthz").json()["held"] > 0
        assert site.shop("probe").returncode == 0
        assert not any(w.done() for w in waiting)
        site.shop("release")
        assert [w.result().status_code for w in waiting] == [201] * 4


def test_a_hold_ends_by_itself(site: Running) -> None:
    site.shop("hold", "0.3")
    assert site.post("/orders", str(uuid4())).status_code == 201
    assert json.loads(site.shop("status").stdout)["held"] == 0


def test_a_request_waits_no_longer_than_its_limit(
    start_site: Callable[..., Running], first_database: Server
) -> None:
    site = start_site(settings(first_database, HOLD_LIMIT="0.4"))
    site.shop("hold", "60")
    key = str(uuid4())
    answer = site.post("/orders", key)
    assert answer.status_code == 503
    assert "held" in answer.json()["error"]
    site.shop("release")
    assert site.post("/orders", key).status_code == 201


def test_sighup_reads_the_settings_again(site: Running, second_database: Server) -> None:
    site.settle(settings(second_database))
    os.kill(site.process.pid, signal.SIGHUP)
    wait_for(lambda: site.get("/healthz").json()["database_host"] == second_database.address)


def test_bad_settings_leave_the_running_site_alone(site: Running, first_database: Server) -> None:
    site.settle({"SITE": "source", "DB_HOST": "127.0.0.1"})
    refused = site.shop("reload")
    assert refused.returncode == 1
    assert "DB_USER is missing" in refused.stdout
    assert site.get("/healthz").json()["database_host"] == first_database.address


def test_stop_is_for_good(site: Running, registry: Registry) -> None:
    stopped = site.shop("stop")
    assert (stopped.returncode, json.loads(stopped.stdout)["stopped"]) == (0, True)
    assert not site.process.alive()
    with pytest.raises(requests.ConnectionError):
        site.get("/healthz")
    with pytest.raises(LabError, match="ended for good"):
        host.start_service(registry, host.read_host(site.directory))
    assert site.shop("stop").returncode == 0
    assert site.shop("probe").returncode == 3


def test_wrong_words_are_answered_with_the_usage(site: Running) -> None:
    for words in ((), ("restart",), ("hold",), ("hold", "nan"), ("hold", "-1"), ("reload", "now")):
        done = site.shop(*words)
        assert done.returncode == 2, words
        assert "usage" in done.stderr or "wanted" in done.stderr
