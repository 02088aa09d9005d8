"""A server as Amazon runs it, with its own account, procedures, heartbeats, rotation and purging.

Amazon's host manager works from outside the server, every five minutes or so: it writes a row of its own (as
a statement, whatever the server's binlog format), rotates the binlog, and removes what `binlog retention
hours` does not keep. NULL, the default, keeps nothing that no replica is reading. Nothing of moto is known
here.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pymysql

from lab.cloud.parameters import mysql_text
from lab.mariadb import LAX, Server

log = logging.getLogger(__name__)

MASTER = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,"
    " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, BINLOG MONITOR, CREATE VIEW, SHOW"
    " VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
"""Global privileges of the master user, granted with GRANT OPTION: no SUPER, READ_ONLY ADMIN or SET USER."""


def furnish(server: Server, user: str, password: str) -> None:
    """Amazon's own account and procedures, and the master user."""
    admin, master = mysql_text(server.root_password), f"{mysql_text(user)}@'%'"
    with server.connect() as connection, connection.cursor() as cursor:
        # a replica or a replicator must not find the furniture in the binlog
        cursor.execute("SET SESSION sql_log_bin = 0")
        for statement in (
            (
                f"CREATE OR REPLACE USER rdsadmin@localhost IDENTIFIED BY {admin}, rdsadmin@'127.%'"
                f" IDENTIFIED BY {admin}"
            ),
            "GRANT ALL ON *.* TO rdsadmin@localhost, rdsadmin@'127.%' WITH GRANT OPTION",
            f"CREATE OR REPLACE USER {master} IDENTIFIED BY {mysql_text(password)}",
            f"GRANT {MASTER} ON *.* TO {master} WITH GRANT OPTION",
        ):
            cursor.execute(statement)
    script = (Path(__file__).parent / "sql" / "rds_procedures.sql").read_text()
    server.load("SET SESSION sql_log_bin = 0;\n" + script)


def beat(server: Server) -> None:
    """Amazon's row, written as Amazon writes it."""
    _as_amazon(server, "SET SESSION binlog_format = 'STATEMENT'", HEARTBEAT)


def rotate(server: Server) -> None:
    """Rotate to the next binlog and purge those that the configuration does not keep."""
    _as_amazon(server, "FLUSH BINARY LOGS")
    hours = _as_amazon(
        server, "SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'"
    )[0][0]
    if hours is None:
        # a file that a connected replica reads stays, as on AWS
        now = _as_amazon(server, "SHOW MASTER STATUS")[0][0]
        _as_amazon(server, f"PURGE BINARY LOGS TO '{now}'")


HEARTBEAT = (
    "INSERT INTO mysql.rds_heartbeat2(id, value) values (1, UNIX_TIMESTAMP(NOW(3)) * 1000)\n"
    "ON DUPLICATE KEY UPDATE value = UNIX_TIMESTAMP(NOW(3)) * 1000"
)


def _as_amazon(server: Server, *statements: str) -> Any:
    with (
        pymysql.connect(
            host=server.address,
            bind_address=server.address,
            port=server.port,
            user="rdsadmin",
            password=server.root_password,
            database="mysql",
            ssl=LAX,
            autocommit=True,
            connect_timeout=5,
            read_timeout=30,
        ) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


class HostManager(threading.Thread):
    """Writes heartbeats and rotates binlogs every `seconds`, until ended; skips a server that is down."""

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(name=f"host manager of {server.name}", daemon=True)
        self.server, self.seconds, self._end = server, seconds, threading.Event()

    def run(self) -> None:
        while not self._end.wait(self.seconds):
            try:
                beat(self.server)
                rotate(self.server)
            except pymysql.err.MySQLError as e:
                log.info("%s: %s", self.name, e)

    def end(self) -> None:
        """Returns when it does nothing any more."""
        self._end.set()
        if self.is_alive():
            self.join(40)
