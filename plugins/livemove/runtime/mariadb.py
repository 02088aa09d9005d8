"""A MariaDB or MySQL server over PyMySQL, with a login of livemove's own."""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import DictCursor

from livemove.model.errors import SetupError, UnreachableError
from livemove.model.ports import Row
from livemove.model.spec import Side

log = logging.getLogger(__name__)
Args = Sequence[Any] | Mapping[str, Any] | None

KEEP_ALIVE = 60
"""Seconds after which a session that rests shows a sign of life; Linux does it after two hours."""
CR_SSL_ERROR = 2026
GONE = {0, 1040, 1053, 1927, 2002, 2003, 2006, 2013, 2014, 2055}
"""Error numbers of a server that is not there; they say nothing about the statement (MariaDB error codes)."""


@dataclass(frozen=True)
class Trust:
    """Whose certificate a server must show: one that the CA in the file `ca` has signed.

    With `identity`, the certificate must name the server as well.
    """

    ca: str
    identity: bool

    def context(self) -> ssl.SSLContext:
        """SetupError when the file is no CA bundle that this machine can read."""
        try:
            return _context(self.ca, self.identity, os.stat(self.ca).st_mtime_ns)
        except (OSError, ssl.SSLError) as e:
            raise SetupError(
                f"The CA file {self.ca} cannot be used: {e.strerror or e}",
                wanted="a file with certificates in PEM form, on every worker and triggerer",
                next_step='correct "ssl": {"ca": ...} in the extra of the database\'s connection',
            ) from e

    def pem(self) -> bytes:
        """The CA's certificates, for whoever must trust the same server elsewhere."""
        self.context()
        return Path(self.ca).read_bytes()

    def client_options(self) -> list[str]:
        """For the programs of MariaDB and of MySQL; `loose`, because neither knows all of the other's."""
        mode, named = ("VERIFY_IDENTITY", "") if self.identity else ("VERIFY_CA", "skip-")
        return [
            f"--ssl-ca={self.ca}",
            "--loose-ssl",
            f"--loose-ssl-mode={mode}",
            f"--loose-{named}ssl-verify-server-cert",
        ]


CLEAR_TEXT = ("--loose-skip-ssl", "--loose-ssl-mode=DISABLED")
"""The same for a server that is spoken to without TLS."""


@lru_cache(8)
def _context(ca: str, identity: bool, _changed: int) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca)
    made.check_hostname = identity
    # as PyMySQL itself: CAs of RDS lack an extension that Python 3.13 asks for
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return made


@dataclass(frozen=True)
class Login:
    host: str
    port: int
    user: str
    password: str
    trust: Trust | None = None
    """None: the connection is not encrypted."""

    def __repr__(self) -> str:
        return f"Login({self.user}@{self.host}:{self.port})"

    @property
    def tls(self) -> ssl.SSLContext | None:
        return self.trust.context() if self.trust else None


class _Connection(pymysql.connections.Connection):
    """PyMySQL's, which goes on in clear text when a server, or somebody on the way, offers no TLS."""

    server_capabilities: int
    _sock: socket.socket
    _read_timeout: float | None
    _write_timeout: float | None

    def _request_authentication(self) -> None:
        if self.ssl and not self.server_capabilities & CLIENT.SSL:
            raise pymysql.err.OperationalError(CR_SSL_ERROR, "the server offers no TLS")
        kept = self._read_timeout, self._write_timeout
        # a server that falls silent in the handshake would keep us for the time of the longest statement
        self._read_timeout = self._write_timeout = self.connect_timeout
        super()._request_authentication()  # type: ignore[misc]
        self._read_timeout, self._write_timeout = kept


def connect(login: Login, **options: Any) -> Any:
    """A connection of PyMySQL, encrypted as the login's `trust` says or not opened at all."""
    made = _Connection(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        ssl=login.tls,
        ssl_disabled=login.trust is None,
        charset="utf8mb4",
        **options,
    )
    # firewalls and NAT forget a session that rests, AWS's after 350 s; macOS has no such option
    for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, option):
            made._sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), KEEP_ALIVE)
    return made


class MariaDb:
    """One login to one server; connects when first used, again after the connection broke."""

    def __init__(
        self,
        side: Side,
        login: Login,
        *,
        schema: str | None = None,
        timeout: float = 10,
        read_timeout: float = 3600,
        session: Mapping[str, Any] | None = None,
    ) -> None:
        self.side, self.login, self.schema, self.timeout, self.read_timeout = (
            side,
            login,
            schema,
            timeout,
            read_timeout,
        )
        self.session = dict(session or {})
        self.pinned = False
        """A session that breaks is not replaced: what it held is gone with it."""
        self._connection: Any = None

    def __enter__(self) -> MariaDb:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fresh(self, *, login: Login | None = None, **changes: Any) -> MariaDb:
        """Another connection, with the same login unless told (for a thread, or as somebody else)."""
        kept: Row = {
            "schema": self.schema,
            "timeout": self.timeout,
            "read_timeout": self.read_timeout,
            "session": self.session,
        }
        return MariaDb(self.side, login or self.login, **{**kept, **changes})

    def connection(self) -> Any:
        if self._connection is None and self.pinned:
            raise UnreachableError(
                f"The session at the {self.side} database that held the lock is gone",
                next_step="clear this task: it reads both rows and continues",
            )
        if self._connection is None:
            try:
                self._connection = connect(
                    self.login,
                    database=self.schema,
                    autocommit=True,
                    connect_timeout=self.timeout,
                    read_timeout=self.read_timeout,
                    write_timeout=self.read_timeout,
                    local_infile=False,
                )
            except pymysql.err.OperationalError as e:
                raise UnreachableError(
                    f"The {self.side} database at {self.login} did not let us in: {e.args[1]} ({e.args[0]})",
                    next_step=_next_step(self.side, e),
                ) from e
            with self._connection.cursor() as cursor:
                for name, value in self.session.items():
                    cursor.execute(f"SET SESSION {name} = %s", (value,))
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            except pymysql.err.Error:
                log.debug("closing a broken connection", exc_info=True)
            self._connection = None

    def _execute(self, sql: str, args: Args) -> tuple[list[Row], int]:
        cursor = self.connection().cursor(DictCursor)
        try:
            touched = cursor.execute(sql, args)
            rows = (
                [{k.lower(): v for k, v in row.items()} for row in cursor.fetchall()]
                if cursor.description
                else []
            )
            while cursor.nextset():
                pass
            return rows, touched
        except pymysql.err.MySQLError as e:
            if e.args and e.args[0] in GONE:
                self.close()
                raise UnreachableError(f"The {self.side} database at {self.login} broke off: {e.args}") from e
            e.add_note(f"The {self.side} database")
            raise
        finally:
            cursor.close()

    def rows(self, sql: str, args: Args = None) -> list[Row]:
        return self._execute(sql, args)[0]

    def one(self, sql: str, args: Args = None) -> Row:
        rows = self.rows(sql, args)
        if not rows:
            raise LookupError(f"no row for: {sql.strip().splitlines()[0]}")
        return rows[0]

    def run(self, sql: str, args: Args = None) -> int:
        return self._execute(sql, args)[1]

    def script(self, sql: str) -> None:
        for statement in statements(sql):
            self.run(statement)


def _next_step(side: Side, error: pymysql.err.OperationalError) -> str:
    said = f"{error.args[1]}".lower()
    if error.args[0] == CR_SSL_ERROR or "certificate" in said or "ssl" in said:
        return (
            f"check the server's certificate and the CA in the connection's extra; {side}.tls of the spec"
            " says what is asked for, and none asks for nothing"
        )
    return "check address, firewall and the Airflow connection's login"


def statements(script: str) -> list[str]:
    """Split a script as the mariadb client does: at a delimiter at a line's end, which DELIMITER changes."""
    out: list[str] = []
    buffer: list[str] = []
    delimiter = ";"
    for line in script.splitlines():
        change = re.match(r"\s*DELIMITER\s+(\S+)\s*$", line, re.IGNORECASE)
        if change:
            delimiter = change.group(1)
            continue
        if not buffer and (not line.strip() or line.lstrip().startswith("--")):
            continue
        buffer.append(line)
        if line.rstrip().endswith(delimiter):
            out.append("\n".join(buffer).rstrip()[: -len(delimiter)].rstrip())
            buffer = []
    if "".join(buffer).strip():
        out.append("\n".join(buffer))
    return [s for s in out if s.strip()]


@cache
def sql(name: str) -> str:
    """The text of <room>/sql/<query>.sql by "<room>/<query>": one query a file, named verb_object."""
    room, _, query = name.partition("/")
    return (Path(__file__).parents[1] / room / "sql" / f"{query}.sql").read_text(encoding="utf-8")
