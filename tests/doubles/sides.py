"""A source with a spec's schemas and a target as RDS gives it: a master user without SUPER or SET USER."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.mariadb import Server
from livemove.model.spec import Side
from livemove.runtime.mariadb import Login, MariaDb
from livemove.schema.adapters.copy_schema import copy_schema
from livemove.schema.objects import Phase

CASES = Path(__file__).parents[1] / "cases"
MASTER_RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES,"
    " CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW"
    " VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)


@dataclass(frozen=True)
class Sides:
    source_server: Server
    target_server: Server

    @property
    def source(self) -> MariaDb:
        return MariaDb(
            Side.SOURCE, Login(self.source_server.address, self.source_server.port, "root", "root")
        )

    @property
    def target(self) -> MariaDb:
        return MariaDb(Side.TARGET, Login(self.target_server.address, self.target_server.port, "master", "m"))

    def make(self, name: str, script: str) -> list[str]:
        """Load a script into a fresh database on the source; all databases that it made."""
        self._drop(name)
        self.source_server.load(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4;\nUSE `{name}`;\n{script}")
        found = self.source_server.query("SELECT schema_name FROM information_schema.schemata")
        return sorted(str(r[0]) for r in found if r[0] == name or str(r[0]).startswith(f"{name}_"))

    def _drop(self, name: str) -> None:
        for server in (self.source_server, self.target_server):
            for (found,) in server.query("SELECT schema_name FROM information_schema.schemata"):
                if found == name or str(found).startswith(f"{name}_"):
                    # a foreign key may lead into it from another one
                    server.load(f"SET foreign_key_checks = 0; DROP DATABASE `{found}`;")

    def copy_rows(self, schemas: list[str]) -> None:
        """What the full load does, by the server's own tools."""
        argv = [
            shutil.which("mariadb-dump") or "mariadb-dump",
            "--no-defaults",
            f"--host={self.source_server.address}",
            "--user=root",
            "--no-create-info",
            "--skip-triggers",
            "--skip-add-locks",
            "--single-transaction",
            "--hex-blob",
            "--default-character-set=utf8mb4",
            "--databases",
            *schemas,
        ]
        done = subprocess.run(
            argv, capture_output=True, env={**os.environ, "MYSQL_PWD": "root"}, check=True, timeout=60
        )
        rows = "\n".join(
            line
            for line in done.stdout.decode().splitlines()
            if not line.startswith("CREATE DATABASE") and "SETVAL" not in line.upper()
        )
        self.target_server.load("SET foreign_key_checks = 0;\n" + rows)

    def move(self, name: str, script: str) -> list[str]:
        """The whole way of one script: schema, rows, keys, code. Its schemas."""
        schemas = self.make(name, script)
        self.carry(schemas, Phase.TABLES)
        self.copy_rows(schemas)
        self.carry(schemas, Phase.INDEXES, Phase.FOREIGN_KEYS, Phase.CODE)
        return schemas

    def carry(self, schemas: list[str], *phases: Phase) -> list[dict[str, object]]:
        with self.source as source, self.target as target:
            return [copy_schema(source, target, schemas, p, progress=lambda _: None) for p in phases]


@pytest.fixture(scope="session")
def sides(source_server: Server, target_server: Server) -> Sides:
    target_server.query("SET GLOBAL log_bin_trust_function_creators = 1")
    target_server.query(f"GRANT {MASTER_RIGHTS} ON *.* TO master@'127.%' IDENTIFIED BY 'm' WITH GRANT OPTION")
    return Sides(source_server, target_server)


def case_script(name: str) -> str:
    folder = CASES / name
    return "\n".join(
        p.read_text(encoding="utf-8") for p in (folder / "schema.sql", folder / "data.sql") if p.exists()
    )
