"""The facts are read as they stand, and what cannot be read becomes a finding."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.mariadb import Server
from livemove.adapters.mariadb import Login, MariaDb
from livemove.adapters.preflight import read_database, read_facts, terraform_version
from livemove.adapters.world import Secret, World
from livemove.core import preflight
from livemove.core.preflight.facts import DatabaseFacts
from livemove.errors import DnsError, RefusedError, SetupError
from livemove.operators.preflight import PreflightOperator
from livemove.ports import Json, Severity
from livemove.spec import Side, load_spec

SPEC = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
SCRIPT = """
CREATE OR REPLACE DATABASE shop CHARACTER SET latin1;
USE shop;
CREATE TABLE kept (id INT PRIMARY KEY, doc TEXT, photo MEDIUMBLOB);
INSERT INTO kept VALUES (1, 'short', REPEAT('x', 40000)), (2, NULL, '');
CREATE TABLE no_key (id INT, u INT NULL, UNIQUE KEY (u));
CREATE TABLE only_unique (id INT NOT NULL, UNIQUE KEY (id));
CREATE TABLE old_style (id INT PRIMARY KEY) ENGINE=MyISAM;
CREATE TABLE child (id INT PRIMARY KEY, k INT, CONSTRAINT goes FOREIGN KEY (k) REFERENCES kept (id) ON DELETE CASCADE ON UPDATE SET NULL);
CREATE VIEW seen AS SELECT id FROM kept;
CREATE TRIGGER counts BEFORE INSERT ON kept FOR EACH ROW SET @n = 1;
CREATE OR REPLACE USER shop_app@'%' IDENTIFIED BY 'x';
CREATE OR REPLACE USER shop_app@'10.%' IDENTIFIED BY 'x';
GRANT READ ONLY ADMIN ON *.* TO shop_app@'10.%';
"""


@pytest.fixture(scope="module")
def source(source_server: Server) -> Iterator[MariaDb]:
    source_server.load(SCRIPT)
    with MariaDb(Side.SOURCE, Login(source_server.address, source_server.port, "root", "root")) as db:
        yield db
    source_server.load("DROP DATABASE shop; DROP USER shop_app@'%', shop_app@'10.%';")


@pytest.fixture(scope="module")
def facts(source: MariaDb) -> DatabaseFacts:
    return read_database(source, ["shop"], ["shop_app"])


def test_tables_with_engine_and_usable_key(facts: DatabaseFacts) -> None:
    assert {t.name: (t.engine, t.has_key) for t in facts.tables} == {
        "kept": ("InnoDB", True),
        "no_key": ("InnoDB", False),
        "only_unique": ("InnoDB", True),
        "old_style": ("MyISAM", True),
        "child": ("InnoDB", True),
    }


def test_the_longest_lob_of_each_column(facts: DatabaseFacts) -> None:
    assert {(f.column, f.longest) for f in facts.lobs} == {("doc", 5), ("photo", 40_000)}


def test_accounts_of_every_host_with_their_global_privileges(facts: DatabaseFacts) -> None:
    assert {(a.user, a.host) for a in facts.accounts} == {("shop_app", "%"), ("shop_app", "10.%")}
    held = {a.host: a.privileges for a in facts.accounts}
    assert any("READ" in p for p in held["10.%"])
    checked = preflight.accounts.check(facts, SPEC)
    assert [f.severity for f in checked if "READ_ONLY ADMIN" in f.measured] == [Severity.ERROR]


def test_cascades_definers_collations_and_variables(facts: DatabaseFacts) -> None:
    assert facts.cascades == (("shop.child", "goes", "ON DELETE CASCADE, ON UPDATE SET NULL"),)
    assert {(kind, name) for kind, name, _ in facts.definers} == {("trigger", "shop.counts"), ("view", "shop.seen")}  # fmt: skip
    assert "latin1_swedish_ci" in facts.collations
    assert facts.is_mariadb
    assert facts.variable("binlog_format") == "ROW"
    assert not facts.replica


def test_a_long_transaction_is_seen_with_its_session(source: MariaDb, source_server: Server) -> None:
    with source_server.connect(database="shop") as c, c.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("INSERT INTO only_unique VALUES (1)")
        time.sleep(0.3)  # the server itself renews this list only ten times a second
        found = read_database(source, ["shop"], ["shop_app"], measure_lobs=False).transactions
        c.rollback()
    assert any("root (session" in who for who, _ in found)


def test_terraform_tells_its_version_or_that_it_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert terraform_version() is None
    program = tmp_path / "terraform"
    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.11.4"}\'\n')
    program.chmod(0o755)
    assert terraform_version() == "1.11.4"


class Broken(World):
    """Nothing is reachable: no connection but the source's, no AWS, no zone."""

    written: Json

    def secret(self, connection_id: str) -> Secret:
        if connection_id != SPEC.source.connection:
            raise SetupError(f"The Airflow connection {connection_id!r} is missing")
        return Secret(connection_id, "127.0.0.1", 1, "livemove", "hidden-password", {})

    @property
    def zone(self) -> Any:  # type: ignore[override]
        raise DnsError("there is no zone shop.test")


def test_what_cannot_be_read_becomes_a_finding_and_no_secret_is_told() -> None:
    found = preflight.findings(read_facts(Broken(SPEC)))
    errors = {f.check: f for f in found if f.severity is Severity.ERROR}
    assert {"connections", "aws endpoint", "name", "source"} <= set(errors)
    assert "127.0.0.1" in errors["source"].measured
    missing = {f.subject for f in found if f.check == "connections"}
    assert missing == {"shop_aws", "shop_target", "shop_app", "shop_idc_ssh"}
    assert "hidden-password" not in str(found)


def test_the_operator_refuses_with_every_remedy_even_without_a_ledger(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    operator = PreflightOperator(task_id="checks", service="shop")
    monkeypatch.setattr(operator, "world", lambda context: Broken(SPEC))
    with pytest.raises(RefusedError, match=r"\[source\].*\[name\]|\[name\].*\[source\]"):
        operator.execute({})
