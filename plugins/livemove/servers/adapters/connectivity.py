"""Who reaches whom: the worker and every server to both databases, by TCP, TLS and login."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pymysql

from livemove.model.errors import LivemoveError
from livemove.model.ports import Host
from livemove.model.spec import Side
from livemove.runtime.mariadb import Login, connect

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

LOCKED, DENIED = 4151, 1045
"""MariaDB answers 4151 to the right password of a locked account, and 1045 to a wrong one."""


@dataclass(frozen=True)
class Way:
    """One way from a place to a database: open or not, and what was seen."""

    start: str
    side: Side
    ok: bool
    seen: str

    def __str__(self) -> str:
        return f"{self.start} -> {self.side} database: {self.seen}"


def worker_ways(world: ServiceContext, side: Side) -> list[Way]:
    """Logins from this worker: livemove's own must work; the application's may not exist yet."""
    own = try_login(world.login(side))
    app = try_login(world.application_login(side))
    missing = side is Side.TARGET and app.code == DENIED
    seen = "account not there yet, prepare_control makes it" if missing else app.seen
    return [
        Way("worker as livemove", side, own.code == 0, own.seen),
        Way("worker as the application", side, app.code in (0, LOCKED) or missing, seen),
    ]


@dataclass(frozen=True)
class Tried:
    code: int
    """0 when logged in, else the server's or the client's error number."""
    seen: str


def try_login(login: Login, *, timeout: float = 5) -> Tried:
    """Log in, encrypted as the spec asks."""
    try:
        c = connect(login, connect_timeout=timeout, read_timeout=timeout)
    except pymysql.err.MySQLError as e:
        code = int(e.args[0] or -1) if e.args else -1
        if code == LOCKED:
            return Tried(code, "the password is right, the account is locked")
        return Tried(code, f"{e.args[1:] or e} ({e.args[0]})")
    with c, c.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_version'")
        row = cursor.fetchone()
        return Tried(0, f"logged in, {(row and row[1]) or 'no TLS'}")


def server_way(host: Host, side: Side, address: str, port: int) -> Way:
    """From a server, with what it has: python3, else bash."""
    a = shlex.quote(address)
    check = (
        "if command -v python3 >/dev/null; then timeout 8 python3 -c 'import socket,sys;"
        f" socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)' {a} {port}; else timeout 8 bash -c"
        f" 'exec 3<>/dev/tcp/$0/$1' {a} {port}; fi"
    )
    start = f"server {host.name}"
    try:
        done = host.run(check, timeout=20)
    except LivemoveError as e:
        return Way(start, side, False, e.found)
    if done.exit_code == 0:
        return Way(start, side, True, f"TCP {address}:{port} open")
    return Way(
        start,
        side,
        False,
        f"TCP {address}:{port} closed: {done.stderr.strip().rsplit(chr(10), 1)[-1] or done.exit_code}",
    )


def all_ways(world: ServiceContext) -> list[Way]:
    """Every way that the story needs. DMS's own are proved by its endpoint tests."""
    from livemove.servers.adapters.servers import Databases

    databases = Databases.of(world)
    ways = [way for side in Side for way in worker_ways(world, side)]
    for host in world.hosts():
        ways += [server_way(host, side, *databases.at(side)) for side in Side]
    return ways
