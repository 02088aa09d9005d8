"""A real MariaDB server of the lab: own data directory, own address, bounded binlogs."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from lab import door
from lab.processes import LabError, Process, Registry
from lab.zoneinfo_tables import statements

BASE = {
    "log_bin": "mysql-bin",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_annotate_row_events": "OFF",
    "binlog_checksum": "NONE",
    "sync_binlog": "1",
    "innodb_flush_log_at_trx_commit": "1",
    "max_binlog_size": "64M",
    "expire_logs_days": "1",
    "event_scheduler": "ON",
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_ci",
    "innodb_buffer_pool_size": "192M",
    "innodb_log_file_size": "96M",
    "max_allowed_packet": "64M",
    "max_connections": "300",
    "skip_name_resolve": "ON",
    "performance_schema": "OFF",
    # DMS applies by statements, which fire triggers; replayed rows do so only when told to
    "slave_run_triggers_for_rbr": "ENFORCE",
}
"""What both kinds of server start from; RDS puts its parameter group over it."""


LAX = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
LAX.check_hostname, LAX.verify_mode = False, ssl.CERT_NONE
"""The lab's own logins: encrypted where the server can, so that one which refuses clear text lets them in."""
INSECURE = {1045, 3159}
"""What a server with require_secure_transport answers to a login in clear text."""


@dataclass
class Server:
    """One mariadbd. `install` it once, then `start` and `stop` it; root has `root_password` over TCP."""

    registry: Registry
    name: str
    address: str
    port: int
    data: Path
    server_id: int
    root_password: str
    options: Mapping[str, str] = field(default_factory=dict)
    certificate: tuple[Path, Path, Path] | None = None
    """(ca, certificate, key) for TLS."""
    rules: Path | None = None
    """Who may come in, as lab/door.py reads it; None: a server without a door."""
    zone: str = "UTC"
    """The host's own time zone, which `time_zone = SYSTEM` means; RDS's is always UTC."""

    @property
    def socket(self) -> Path:
        # a unix socket's path may have 107 characters; a project folder may be longer
        key = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"livemove-{key}.sock"

    @property
    def scratch(self) -> Path:
        """Its tmpdir, not shared with another server.

        A server that starts removes every #sql file there, also those of others, and 10.11 crashes
        (ha_maria::drop_table) when a cursor over information_schema loses its table that way.
        """
        # no schema has a dot in its folder
        return self.data / "livemove.tmp"

    def install(self, sql: str = "") -> None:
        """Make the data directory; root may then log in from loopback. Nothing to do when it is there."""
        if (self.data / "mysql").exists():
            return
        self.scratch.mkdir(parents=True, exist_ok=True)
        program = shutil.which("mariadb-install-db")
        if not program:
            raise LabError(
                "mariadb-install-db is not installed. Next: run `make setup`, or install mariadb-server-core"
            )
        done = subprocess.run(
            # --force: a host name that does not resolve, as in a container without network, is no reason to
            # stop
            [
                program,
                "--no-defaults",
                f"--datadir={self.data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--force",
                *_as_user(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "TMPDIR": str(self.scratch)},
        )
        if done.returncode:
            raise LabError(
                f"mariadb-install-db failed for {self.name}: {done.stdout[-800:]} {done.stderr[-800:]}"
            )
        self._load_zones()
        # a row for root@127.0.0.1 without a password would win over the pattern
        first = (
            "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n"
            "FLUSH PRIVILEGES;\n"
            f"ALTER USER root@localhost IDENTIFIED BY '{self.root_password}';\n"
            f"GRANT ALL ON *.* TO root@'127.%' IDENTIFIED BY '{self.root_password}' WITH GRANT OPTION;\n"
        )
        (self.data / "first.sql").write_text(first + sql)

    def _load_zones(self) -> None:
        """Names like Asia/Seoul, as RDS has them and a careful DBA too; before the first start wants one."""
        done = subprocess.run(
            [
                *_program(),
                "--no-defaults",
                f"--datadir={self.data}",
                f"--tmpdir={self.scratch}",
                "--bootstrap",
                *_as_user(),
            ],
            input=f"USE mysql;\n{statements()}".encode(),
            capture_output=True,
            timeout=120,
        )
        if done.returncode:
            raise LabError(f"no time zones for {self.name}: {done.stderr.decode(errors='replace')[-800:]}")

    def start(self, *, timeout: float = 60) -> Process:
        options = {**BASE, **self.options}
        self.scratch.mkdir(exist_ok=True)
        argv = [
            *_program(),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--bind-address={self.address}",
            f"--port={self.port}",
            f"--socket={self.socket}",
            f"--server-id={self.server_id}",
            f"--pid-file={self.data}/mariadbd.pid",
            f"--tmpdir={self.scratch}",
            "--ignore-db-dirs=livemove.tmp",
            *_as_user(),
        ]
        argv += [
            f"--{k.replace('_', '-')}={v}" for k, v in options.items() if k not in ("skip_name_resolve",)
        ] + ["--skip-name-resolve"]
        if self.certificate:
            ca, crt, key = self.certificate
            argv += [f"--ssl-ca={ca}", f"--ssl-cert={crt}", f"--ssl-key={key}"]
        first = self.data / "first.sql"
        if first.exists():
            # as an init file it runs before anybody can connect; done is done
            argv.append(f"--init-file={first}")
        if self.rules is not None:
            at = [str(self.rules), str(self.socket), self.address, str(self.port)]
            argv = [sys.executable, "-I", door.__file__, *at, "--", *argv]
        process = self.registry.start(
            self.name,
            argv,
            ready=self.answers,
            timeout=timeout,
            env={**os.environ, "TZ": self.zone},
            address=self.address,
            ports={"mariadb": self.port},
            data=str(self.data),
            login=(
                f"mariadb --host={self.address} --port={self.port} --user=root --password (it is in"
                " secrets.json)"
            ),
        )
        first.unlink(missing_ok=True)
        return process

    def stop(self, *, grace: float = 20) -> None:
        self.registry.stop(self.name, grace=grace)
        self.socket.unlink(missing_ok=True)

    def answers(self) -> bool:
        try:
            self.connect(connect_timeout=1).close()
        except pymysql.err.MySQLError:
            return False
        return True

    def connect(self, **options: Any) -> pymysql.Connection[Any]:
        """A connection as root, autocommit; with a door from the server's own address, which it admits.

        Encrypted only where clear text is refused: a handshake is long, and a fence counts who is logging in.
        """
        try:
            return self._connect(None, **options)
        except pymysql.err.OperationalError as e:
            if not self.certificate or e.args[0] not in INSECURE:
                raise
            return self._connect(LAX, **options)

    def _connect(self, tls: ssl.SSLContext | None, **options: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(
            host=self.address,
            bind_address=None if self.rules is None else self.address,
            port=self.port,
            user="root",
            password=self.root_password,
            charset="utf8mb4",
            autocommit=True,
            ssl=tls,
            **options,
        )

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with self.connect() as c, c.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def load(self, script: str, *, schema: str | None = None) -> None:
        """Feed a script to the mariadb client; LabError with its message and line when it does not load."""
        argv = [
            shutil.which("mariadb") or "mariadb",
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            *(["--loose-ssl", "--loose-skip-ssl-verify-server-cert"] if self.certificate else []),
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=64M",
        ]
        done = subprocess.run(
            argv + ([schema] if schema else []),
            input=script.encode(),
            capture_output=True,
            env={**os.environ, "MYSQL_PWD": self.root_password},
            timeout=1800,
        )
        if done.returncode:
            raise LabError(f"{self.name}: {done.stderr.decode(errors='replace').strip()[:2000]}")


def _program() -> list[str]:
    return [shutil.which("mariadbd") or "/usr/sbin/mariadbd"]


def _as_user() -> list[str]:
    return [f"--user={pwd.getpwuid(os.geteuid()).pw_name}"]
