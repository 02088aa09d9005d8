"""The whole world, up and down: `python -m lab` as a person types it, with a small database."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pymysql
import pytest

from lab import connections, lock, secrets_file
from lab.addresses import here, root
from lab.dns import resolvers
from lab.processes import start_time

pytestmark = pytest.mark.servers


def python_m_lab(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments],
        cwd=root(),
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=180,
    )


def status() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(python_m_lab("status", "--json").stdout)
    return found


def as_a_user(name: str, path: str) -> dict[str, Any]:
    """What a user gets: the address from a resolver, TLS with the public name."""
    a = here()
    address = resolvers.lookup(name, a.resolvers[1], a.dns)[0][0]
    context = ssl.create_default_context(cafile=str(Path(status()["ca"])))
    connection = HTTPSConnection(name, a.https, timeout=10, context=context)
    raw = socket.create_connection((address, a.https), timeout=10)
    connection.sock = context.wrap_socket(raw, server_hostname=name)
    connection.request("GET", path)
    body: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return body


def test_up_serves_users_refuses_a_second_lab_and_goes_without_a_trace_after_a_crash(state: Path) -> None:
    up = python_m_lab("up", "--rows", "2000")
    assert up.returncode == 0, up.stderr
    found, a = status(), here()
    assert found["standing"]
    assert {
        "aws",
        "idc-mariadb",
        "idc-sshd",
        "idc-web",
        "knot-1",
        "knot-2",
        "knot-parent",
        *(f"resolver-{n}" for n in (1, 2, 3, 4)),
    } == {h["name"] for h in found["hosts"]}
    assert all(h["address"] and h["ports"] and h["pid"] and h["data"] and h["login"] for h in found["hosts"])
    assert json.loads((state / "lab.json").read_text()) == found

    health = as_a_user("www.shop.test", "/healthz")
    assert (health["site"], health["database_host"]) == ("source", a.idc)
    application_account_has_rows_and_nothing_more()

    assert "stands already" in python_m_lab("up").stdout
    other = python_m_lab("up", LIVEMOVE_LAB_STATE=str(state.parent / "other"))
    assert other.returncode == 1
    assert str(state) in other.stderr
    assert "pid " in other.stderr

    killed = [h["pid"] for h in found["hosts"] if h["name"] in ("aws", "idc-mariadb", "resolver-2")]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    half = python_m_lab("up")
    assert half.returncode == 1
    assert "idc-mariadb" in half.stderr

    assert python_m_lab("down").returncode == 0
    assert [h["name"] for h in found["hosts"] if start_time(h["pid"]) is not None] == []
    assert not state.exists()
    assert not lock.lock_file(a.octet).exists()


def application_account_has_rows_and_nothing_more() -> None:
    a, fields = here(), connections.connections("shop")["shop_app"]
    with pymysql.connect(
        host=a.idc,
        port=a.mariadb_port,
        user=fields["login"],
        password=fields["password"],
        ssl={"ca": str(secrets_file.path().parent / "ca" / "ca.pem")},
        database="shop",
    ) as app:
        with app.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM listings")
            cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
            assert cursor.fetchone()[1]  # type: ignore[index]
            for forbidden in (
                "SET GLOBAL read_only = 0",
                "CREATE TABLE shop.t (id INT)",
                "SELECT * FROM mysql.user",
            ):
                with pytest.raises(pymysql.err.MySQLError):
                    cursor.execute(forbidden)


def test_failed_up_names_the_cause_ends_what_it_started_and_keeps_the_logs(state: Path) -> None:
    dump = state.parent / "broken.sql"
    dump.write_text("CREATE TABLE t (id INT PRIMARY KEY);\nINSERT INTO t VALUES (;\n")
    up = python_m_lab("up", "--dump", str(dump))
    assert up.returncode == 1
    assert f"{dump}:2" in up.stderr
    assert "Traceback" not in up.stderr
    assert status()["hosts"] == []
    assert lock.holder(here().octet) is None
    assert (state / "logs" / "idc-mariadb.log").exists()
