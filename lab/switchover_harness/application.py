"""The application on one server: a pool to the database that its settings file names, a hold switch, a probe.

It behaves as the lab's monolith does (lab/web/monolith), small enough to start in a millisecond: the settings
are read through the link at every reload, requests wait while it is held, and a write under way ends where it
began.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pymysql

from lab.web.monolith.settings import Settings as AppSettings
from lab.web.monolith.settings import SettingsError, read_settings
from livemove.model.spec import Side

GRACE = 2.0
"""Seconds for work under way at a database that is left; then its connections are cut."""
HOLD_LIMIT = 20.0


class Refused(Exception):
    """It was certainly not written."""


class Unclear(Exception):
    """The answer was lost; it may have been written."""


DEADLOCK = 1213
NOT_DONE = {1290, 1836, 1044, 1045, 4151, 1205, 1213, 1040, 1203, 1226, 1142}
"""Errors that are answers: read only, locked out, rolled back, too many connections."""


class Pool:
    """Connections with one reading of the settings."""

    def __init__(self, settings: AppSettings, keep: int) -> None:
        self.settings, self.keep = settings, keep
        self.retired = False
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._busy: set[Any] = set()

    def take(self) -> Any:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        with self._lock:
            self._busy.add(connection)
        return connection

    def _connect(self) -> Any:
        s = self.settings
        try:
            return pymysql.connect(
                host=s.host,
                port=s.port,
                user=s.user,
                password=s.password,
                database=s.database,
                autocommit=True,
                connect_timeout=3,
                read_timeout=15,
                write_timeout=15,
            )
        except (pymysql.err.MySQLError, OSError) as e:
            raise Refused(f"no connection to {s.place}: {e.args}") from e

    def give_back(self, connection: Any, *, broken: bool = False) -> None:
        with self._lock:
            self._busy.discard(connection)
            good = not broken and not self.retired and len(self._idle) < self.keep
            if good:
                self._idle.append(connection)
            elif broken:
                idle, self._idle = self._idle, []  # when one died the idle ones most likely did too
            else:
                idle = [connection]
        if not good:
            for c in [connection, *idle] if broken else idle:
                _end(c)

    def retire(self) -> int:
        """Returned connections end from now on; how many had to be cut."""
        with self._lock:
            self.retired = True
            idle, self._idle = self._idle, []
        for c in idle:
            _end(c)
        until = time.monotonic() + GRACE
        while self._busy and time.monotonic() < until:
            time.sleep(0.002)
        with self._lock:
            left = list(self._busy)
        for c in left:
            with contextlib.suppress(OSError, AttributeError):
                c._sock.shutdown(socket.SHUT_RDWR)
        return len(left)


def _end(connection: Any) -> None:
    with contextlib.suppress(pymysql.err.Error, OSError):
        connection.close()


def _insert(cursor: Any, key: str, customer: int) -> None:
    """Write one order.

    Two orders of one customer may deadlock in the trigger; the loser tries again, as any shop does.
    """
    for left in reversed(range(8)):
        try:
            cursor.execute("INSERT INTO orders (k, customer) VALUES (%s, %s)", (key, customer))
            return
        except pymysql.err.OperationalError as e:
            if e.args[0] != DEADLOCK or not left:
                raise
            time.sleep(0.01 * random.random())


class Application:
    """One server. `write` is a user's request; the admin socket takes the orders of `control.py`."""

    def __init__(self, folder: Path, databases: dict[str, Side], *, keep: int = 16) -> None:
        self.folder, self.databases, self.keep = folder, databases, keep
        self.pool: Pool | None = None
        self.free = threading.Event()
        self.free.set()
        self.inside = 0
        self._entry_lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._change = threading.Lock()
        self._listener: socket.socket | None = None

    def start(self) -> None:
        """Read the settings and listen for orders; the folder must hold the settings file."""
        run = self.folder / "app" / "run"
        run.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        at = os.open(run, os.O_RDONLY)  # a unix socket's path may have 107 characters
        try:
            self._listener.bind(f"/proc/self/fd/{at}/admin.sock")
        finally:
            os.close(at)
        self._listener.listen(16)
        self.reload()
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        self.free.set()
        if self._timer:
            self._timer.cancel()
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if self.pool:
            self.pool.retire()

    # requests -------------------------------------------------------------------------------------
    @property
    def side(self) -> Side | None:
        """Which database it uses now."""
        return self.databases.get(self.pool.settings.host) if self.pool else None

    def write(self, key: str, customer: int) -> Side:
        """One order; where it was written. Refused or Unclear."""
        self._enter()
        try:
            return self._write(key, customer)
        finally:
            with self._entry_lock:
                self.inside -= 1

    def _enter(self) -> None:
        """Wait while requests are held, at most HOLD_LIMIT; then count this one, under the hold's lock."""
        until = time.monotonic() + HOLD_LIMIT
        while True:
            self.free.wait(max(0.0, until - time.monotonic()))
            with self._entry_lock:
                if self.free.is_set() or time.monotonic() >= until:
                    self.inside += 1
                    return

    def _write(self, key: str, customer: int) -> Side:
        pool = self.pool
        if pool is None:
            raise Refused("no settings yet")
        connection = pool.take()
        try:
            with connection.cursor() as cursor:
                _insert(cursor, key, customer)
        except (pymysql.err.MySQLError, OSError) as e:
            code = e.args[0] if e.args and isinstance(e.args[0], int) else -1
            pool.give_back(connection, broken=True)
            raise (Refused if code in NOT_DONE else Unclear)(f"{pool.settings.place}: {e.args}") from e
        pool.give_back(connection)
        return self.databases[pool.settings.host]

    # orders ---------------------------------------------------------------------------------------
    def reload(self) -> dict[str, object]:
        with self._change:
            settings = read_settings(self.folder / "app" / "shop.env")
            old, self.pool = self.pool, Pool(settings, self.keep)
            left = old.retire() if old else 0
        return {"database_host": settings.host, "database_port": settings.port, "left": left}

    def probe(self) -> dict[str, object]:
        pool = self.pool
        assert pool
        connection = pool.take()
        try:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO ticks (token) VALUES (UUID())")
        except BaseException:
            pool.give_back(connection, broken=True)
            raise
        pool.give_back(connection)
        return {"database_host": pool.settings.host}

    def hold(self, seconds: float) -> dict[str, object]:
        """New requests wait from now on; answers when those inside are done, or after a moment."""
        with self._entry_lock:
            self.free.clear()
        if self._timer:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self.free.set)
        self._timer.daemon = True
        self._timer.start()
        until = time.monotonic() + min(1.0, seconds / 4)
        while self.inside and time.monotonic() < until:
            time.sleep(0.002)
        return {"held": seconds, "in_flight": self.inside}

    def release(self) -> dict[str, object]:
        if self._timer:
            self._timer.cancel()
        self.free.set()
        return {"held": 0}

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(c,), daemon=True).start()

    def _answer(self, c: socket.socket) -> None:
        with c, contextlib.suppress(OSError), c.makefile() as lines:
            try:
                facts = self._obey(json.loads(lines.readline()))
            except (Refused, SettingsError, pymysql.err.MySQLError, OSError, ValueError) as e:
                facts = {"error": str(e)}
            c.sendall(json.dumps(facts).encode() + b"\n")

    def _obey(self, order: dict[str, Any]) -> dict[str, object]:
        match order.get("verb"):
            case "reload":
                return self.reload()
            case "probe":
                return self.probe()
            case "hold":
                return self.hold(float(order["seconds"]))
            case "release":
                return self.release()
            case "status":
                return {"side": str(self.side), "held": not self.free.is_set()}
        return {"error": f"unknown verb {order.get('verb')}"}
