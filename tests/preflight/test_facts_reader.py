"""The facts are read as they stand, and what cannot be read becomes a finding."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest

from lab.mariadb import Server
from livemove.model.errors import DnsError, RefusedError, SetupError
from livemove.model.ports import Json, Severity
from livemove.model.spec import Side, load_spec
from livemove.preflight import checks as preflight
from livemove.preflight.adapters.facts_reader import read_database, read_facts, read_target, terraform_version
from livemove.preflight.adapters.measurements import CounterSample, sample
from livemove.preflight.facts import DatabaseFacts, Facts
from livemove.preflight.operators import PreflightOperator
from livemove.runtime.mariadb import Login, MariaDb
from livemove.runtime.service_context import Secret, ServiceContext
from tests.preflight.wrong_source import OPTIONS, SCRIPT, busy
from tests.raising import raises

SPEC = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")


@pytest.fixture(scope="module")
def wrong_server(make_mariadb: Callable[..., Server]) -> Server:
    server = make_mariadb(**OPTIONS)
    server.load(SCRIPT)
    return server


def login(server: Server, user: str = "root", password: str = "root") -> MariaDb:
    return MariaDb(Side.SOURCE, Login(server.address, server.port, user, password))


@pytest.fixture(scope="module")
def facts(wrong_server: Server) -> DatabaseFacts:
    with busy(wrong_server), login(wrong_server) as db:
        time.sleep(0.3)  # the server itself renews its list of transactions only ten times a second
        return read_database(db, ["shop"], ["shop_app"], sample_seconds=0)


def test_tables_with_engine_and_usable_key(facts: DatabaseFacts) -> None:
    assert {t.name: (t.engine, t.has_key, t.versioned, t.partitions) for t in facts.tables} == {
        "kept": ("InnoDB", True, False, 0),
        "no_key": ("InnoDB", False, False, 0),
        "only_unique": ("InnoDB", True, False, 0),
        "old_style": ("MyISAM", True, False, 0),
        "fleeting": ("MEMORY", True, False, 0),
        "remembered": ("InnoDB", True, True, 0),
        "odd": ("InnoDB", True, False, 0),
        "parts": ("InnoDB", True, False, 4),
        "child": ("InnoDB", True, False, 0),
        "leads_out": ("InnoDB", True, False, 0),
    }
    assert facts.sequences == ("shop.numbers",)


def test_the_longest_lob_of_each_column_and_zero_dates(facts: DatabaseFacts) -> None:
    assert {(f.column, f.longest) for f in facts.lobs} == {("photo", 700_000)}
    assert facts.zero_dates == {"shop.kept.at": True, "shop.kept.born": False}


def test_scans_end_when_their_time_is_over(wrong_server: Server) -> None:
    with login(wrong_server) as db:
        found = read_database(db, ["shop"], ["nobody"], sample_seconds=0, lob_seconds=0, zero_seconds=0)
    assert {lob.longest for lob in found.lobs} == {None}
    assert set(found.zero_dates.values()) == {None}


def test_accounts_of_every_host_with_their_global_privileges_and_those_of_roles(facts: DatabaseFacts) -> None:
    held = {f"{a.user}@{a.host}": a.privileges for a in facts.accounts}
    assert set(held) == {"shop_app@%", "shop_app@10.%"}
    assert "SUPER" in held["shop_app@%"]
    assert "READ_ONLY ADMIN" in held["shop_app@10.%"]
    assert set(facts.own_grants) == {"livemove_read"}


def test_code_keys_and_collations_also_without_an_event_scheduler(facts: DatabaseFacts) -> None:
    assert facts.cascades == (("shop.child", "goes", "ON DELETE CASCADE, ON UPDATE SET NULL"),)
    assert facts.foreign_ties == (("shop.leads_out", "leaves", "stays.countries"),)
    assert ("procedure", "shop.haunted", "gone@nowhere") in facts.definers
    assert {kind for kind, _, _ in facts.definers} == {"trigger", "view", "procedure"}
    assert {"latin1_swedish_ci", "euckr_korean_ci"} <= facts.collations
    assert facts.is_mariadb
    assert not facts.replica


def test_how_long_a_transaction_is_open_whatever_the_time_zone(facts: DatabaseFacts) -> None:
    assert facts.variable("time_zone") == "+05:45"
    assert facts.transactions
    assert all(0 <= seconds < 3600 for _, seconds in facts.transactions)
    assert any(who.startswith("root (session ") for who, _ in facts.transactions)


def test_distance_and_clock_are_measured(facts: DatabaseFacts) -> None:
    assert facts.trip is not None
    assert 0 < facts.trip < 10
    assert facts.clock_ahead is not None
    assert abs(facts.clock_ahead) < 60


WRONG = {
    ("binlog", "log_bin"): "error",
    ("binlog", "binlog_format"): "error",
    ("binlog", "binlog_row_image"): "error",
    ("binlog", "log_bin_compress"): "error",
    ("binlog", "binlog_checksum"): "warning",
    ("privileges", "livemove_read on the source"): "error",
    ("application accounts", "'shop_app'@'%'"): "error",
    ("application accounts", "'shop_app'@'10.%'"): "error",
    ("application accounts", "others"): "warning",
    ("durability", "sync_binlog"): "error",
    ("durability", "innodb_flush_log_at_trx_commit"): "error",
    ("event scheduler", "event_scheduler"): "error",
    ("limits", "net_read_timeout"): "warning",
    ("limits", "net_write_timeout"): "warning",
    ("limits", "max_statement_time"): "warning",
    ("limits", "max_allowed_packet"): "error",
    ("primary keys", "shop.no_key"): "warning",
    ("engines", "shop.old_style"): "warning",
    ("engines", "shop.fleeting"): "warning",
    ("schema features", "shop.remembered"): "error",
    ("schema features", "sequences"): "warning",
    ("schema features", "invisible"): "warning",
    ("column types", "unknown to DMS"): "warning",
    ("column types", "full load only"): "warning",
    ("collations", "DMS"): "warning",
    ("zero dates", "rows"): "warning",
    ("zero dates", "defaults"): "warning",
    ("foreign keys", "shop.leads_out"): "error",
    ("cascades", ""): "warning",
    ("definers", "ghosts"): "warning",
    ("definers", "makers"): "error",
    ("transactions", "XA"): "error",
    ("time zone", "past"): "warning",
    ("server settings", "sql_mode"): "warning",
    ("server settings", "lower_case_table_names"): "warning",
}


def test_a_source_with_everything_wrong_shows_every_finding(facts: DatabaseFacts) -> None:
    world = Facts(spec=SPEC, declared=frozenset({"site_state"}), database=facts)
    found = {(f.check, f.subject): f for f in preflight.findings(world) if f.severity is not Severity.OK}
    elsewhere = ("name", "terraform", "aws endpoint", "connections", "vpn")
    of_elsewhere = {k for k in found if k[0] in elsewhere}
    assert {k: str(f.severity) for k, f in found.items() if k not in of_elsewhere} == WRONG
    assert {k[1] for k, f in found.items() if f.restart} == {"log_bin", "event_scheduler"}
    assert all(f.remedy and f.limit for f in found.values())


def test_a_session_that_goes_on_writing_statements_is_seen(source_server: Server) -> None:
    source_server.load("CREATE DATABASE older; CREATE TABLE older.t (id INT PRIMARY KEY);")
    with login(source_server) as db, source_server.connect(database="older") as c, c.cursor() as cursor:
        cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
        first = CounterSample.at_now(db)
        cursor.execute("INSERT INTO t VALUES (1), (2)")
        seen = sample(db, first, ["older"], 0)
        cursor.execute("SET SESSION binlog_format = 'ROW'")
        cursor.execute("INSERT INTO t VALUES (3)")
        later = sample(db, CounterSample.at_now(db), ["older"], 0)
    source_server.query("DROP DATABASE older")
    assert seen.statements == ("INSERT in older",)
    assert seen.row_events >= 2
    assert seen.binlog_bytes > 0
    assert later.statements == ()


@pytest.mark.parametrize(
    ("grants", "missing"), [("USAGE", "SELECT"), ("SELECT", "PROCESS"), ("SELECT, PROCESS", "CREATE USER")]
)
def test_an_account_with_too_few_rights_is_told_which_ones(
    source_server: Server, grants: str, missing: str
) -> None:
    source_server.load(
        f"CREATE OR REPLACE USER poor@'127.%' IDENTIFIED BY 'p'; GRANT {grants} ON *.* TO poor@'127.%';"
    )
    with login(source_server, "poor", "p") as db:
        found = read_database(db, ["shop"], ["shop_app"], sample_seconds=0)
    source_server.query("DROP USER poor@'127.%'")
    told = " ".join(f.measured for f in preflight.privileges.check(Facts(spec=SPEC, database=found)))
    assert f"{missing} (to " in told
    assert f"{grants.split(', ')[-1]} (to " not in told


def test_where_a_setting_comes_from_and_which_schemas_are_not_logged(
    make_mariadb: Callable[..., Server],
) -> None:
    server = make_mariadb(binlog_ignore_db="hidden")
    server.load("CREATE DATABASE hidden; CREATE DATABASE shown; SET GLOBAL sync_binlog = 1;")
    with login(server) as db:
        found = read_database(db, ["hidden", "shown"], ["nobody"], sample_seconds=0)
    assert found.unlogged == {"hidden"}
    assert found.origins["sync_binlog"] == "SQL"
    assert found.origins["binlog_format"] == "COMMAND-LINE"


def test_the_target_is_read_as_it_stands(wrong_server: Server) -> None:
    with login(wrong_server) as db:
        found = read_target(db, ["shop", "absent"])
    assert (found.known, set(found.tables)) == (False, {"shop"})
    assert {"utf8mb4_bin", "utf8mb4_uca1400_ai_ci", "euckr_korean_ci"} <= found.collations
    assert "0900" not in str(found.collations)


def test_terraform_tells_its_version_or_that_it_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    assert terraform_version() is None
    program = tmp_path / "terraform"
    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.11.4"}\'\n')
    program.chmod(0o755)
    assert terraform_version() == "1.11.4"


class Broken(ServiceContext):
    """Nothing is reachable: no connection but the source's, no AWS, no zone."""

    written: Json

    def secret(self, connection_id: str) -> Secret:
        if connection_id != SPEC.source.connection:
            raise SetupError(f"The Airflow connection {connection_id!r} is missing")
        extra = {"ssl": {"ca": certifi.where()}}
        return Secret(connection_id, "127.0.0.1", 1, "livemove", "hidden-password", extra)

    def port(self, name: str, make: object) -> Any:
        raise DnsError("there is no zone shop.test")


def test_what_cannot_be_read_becomes_a_finding_and_no_secret_is_told() -> None:
    found = preflight.findings(read_facts(Broken(SPEC)))
    errors = {f.check: f for f in found if f.severity is Severity.ERROR}
    assert {"connections", "aws endpoint", "name", "source"} <= set(errors)
    assert "127.0.0.1" in errors["source"].measured
    missing = {f.subject for f in found if f.check == "connections"}
    assert missing == {"shop_aws", "shop_target", "shop_app", "shop_idc_ssh"}
    assert "hidden-password" not in str(found)


@pytest.mark.parametrize("extra", [{}, {"ssl": {"ca": "/nowhere/ca.pem"}}])
def test_a_connection_whose_ca_is_missing_is_a_finding_before_anybody_connects(
    monkeypatch: pytest.MonkeyPatch, extra: Json
) -> None:
    monkeypatch.setattr(
        Broken,
        "secret",
        lambda self, name: Secret(name, "127.0.0.1", 1, "livemove", "hidden-password", extra),
    )
    found = preflight.findings(read_facts(Broken(SPEC)))
    named = {f.subject for f in found if f.check == "connections" and "CA" in f.measured}
    assert named == {"shop_source", "shop_target"}


def test_the_operator_refuses_with_every_remedy_even_without_a_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operator = PreflightOperator(task_id="checks", service="shop")
    monkeypatch.setattr(operator, "world", lambda context: Broken(SPEC))
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))
    with raises(RefusedError, "[source]", "[name]"):
        operator.execute({"ti": ti})
    assert json.loads(json.dumps(pushed["findings"]))[0]["severity"] == "error"
    assert {"check", "measured", "limit", "remedy", "restart", "subject"} <= set(pushed["findings"][0])
