"""Two real servers: one with full privileges like the data centre's, one that refuses what RDS refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pymysql
import pytest

from lab.cloud.rds_server import furnish
from lab.mariadb import Server
from livemove.control.adapters.control_row import Control
from livemove.control.adapters.setup import copy_application_accounts, ensure_account, install
from livemove.model.spec import Side
from livemove.runtime.mariadb import Login, MariaDb

TABLES = (
    (
        "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, k VARCHAR(40) NOT NULL UNIQUE, v"
        " VARCHAR(40))"
    ),
    "CREATE TABLE shop.log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(60)) ENGINE=InnoDB",
)


@pytest.fixture(scope="package")
def idc(make_mariadb: Callable[..., Server]) -> Server:
    return make_mariadb("Asia/Seoul", innodb_buffer_pool_size="64M", innodb_log_file_size="16M")


@pytest.fixture(scope="package")
def rds(make_mariadb: Callable[..., Server]) -> Server:
    server = make_mariadb(
        "UTC",
        default_time_zone="Asia/Seoul",
        innodb_buffer_pool_size="64M",
        innodb_log_file_size="16M",
        log_bin_trust_function_creators="1",
    )
    furnish(server, "master", "m")
    return server


class Two:
    """Both databases as livemove sees them, and root's view of the same."""

    def __init__(self, idc: Server, rds: Server) -> None:
        self.servers = {Side.SOURCE: idc, Side.TARGET: rds}
        self.db = {
            Side.SOURCE: MariaDb(Side.SOURCE, Login(idc.address, idc.port, "root", "root")),
            Side.TARGET: MariaDb(Side.TARGET, Login(rds.address, rds.port, "master", "m")),
        }
        self.control: dict[Side, Control] = {}

    @property
    def s(self) -> Control:
        return self.control[Side.SOURCE]

    @property
    def t(self) -> Control:
        return self.control[Side.TARGET]

    def root(self, side: Side, sql: str) -> list[tuple[object, ...]]:
        return self.servers[side].query(sql)

    def application(self, side: Side) -> pymysql.Connection:
        server = self.servers[side]
        return pymysql.connect(
            host=server.address,
            port=server.port,
            user="shop_app",
            password="app",
            database="shop",
            autocommit=True,
            connect_timeout=3,
            read_timeout=10,
        )

    def locked(self, side: Side, user: str = "shop_app") -> bool:
        rows = self.root(
            side,
            "SELECT COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) FROM mysql.global_priv WHERE User ="
            f" '{user}'",
        )
        return {str(r[0]) for r in rows} == {"1"}

    def until(self, true: Callable[[], bool], what: str, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"not seen: {what}"
            time.sleep(0.02)

    def clean(self) -> None:
        for side in Side:
            self.root(side, "SET GLOBAL read_only = 0")
            for schema in ("livemove", "shop", "awsdms_control"):
                self.root(side, f"DROP DATABASE IF EXISTS {schema}")
            for user, host in self.root(
                side,
                "SELECT User, Host FROM mysql.global_priv WHERE User LIKE 'livemove%' OR User LIKE 'shop%'",
            ):
                self.root(side, f"DROP USER `{user}`@`{host}`")

    def build(self) -> None:
        self.clean()
        for side in Side:
            for statement in ("CREATE DATABASE shop", *TABLES):
                self.root(side, statement)
        self.root(Side.SOURCE, "CREATE USER shop_app@'127.%' IDENTIFIED BY 'app'")
        self.root(Side.SOURCE, "GRANT ALL ON shop.* TO shop_app@'127.%'")
        for side, db in self.db.items():
            install(db, ["shop_app"], ["shop"])
            ensure_account(
                db,
                "livemove_read",
                "r",
                ["SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.*"],
                locked=False,
            )
            self.control[side] = Control(db)
        copy_application_accounts(self.db[Side.SOURCE], self.db[Side.TARGET], ["shop_app"])
        self.allow_replicator(Side.TARGET, 1)

    def allow_replicator(self, side: Side, epoch: int) -> None:
        """The account of that epoch's follower, with the right that only the lab's raw relay needs."""
        user = f"livemove_apply_e{epoch}"
        grants = ["ALL PRIVILEGES ON *.*"] if side is Side.SOURCE else []
        ensure_account(self.db[side], user, "a", grants, locked=True)
        if side is Side.TARGET:
            for right in (
                "ALL ON shop.*",
                "ALL ON awsdms_control.*",
                "ALL ON livemove.*",
                "BINLOG REPLAY ON *.*",
            ):
                self.root(side, f"GRANT {right} TO {user}@'%'")
        self.control[side].settle()

    def close(self) -> None:
        for control in self.control.values():
            control.close_connection()
        for db in self.db.values():
            db.close()


@pytest.fixture
def two(idc: Server, rds: Server) -> Iterator[Two]:
    both = Two(idc, rds)
    both.build()
    yield both
    both.close()
    both.clean()
