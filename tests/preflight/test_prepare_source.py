"""The DBA gets everything from the spec alone, and only what is missing where the source was read."""

from __future__ import annotations

import configparser
from dataclasses import replace

from livemove.control import privileges as rights
from livemove.model.source_settings import SETTINGS
from livemove.preflight.prepare_source import parts
from tests.preflight.test_preflight import DATABASE, SOUND, SPEC, AccountFact, with_spec


def texts(db=None, spec=SPEC, **told: str) -> dict[str, str]:  # type: ignore[no-untyped-def]
    return {p.file: p.text for p in parts(spec, db, **told)}


def options(text: str) -> dict[str, str]:
    """As a server would read the fragment."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return {k.removeprefix("loose_"): v for k, v in parser["mysqld"].items()}


def test_from_the_spec_alone_every_setting_stands_there_with_its_reason() -> None:
    text = texts()["livemove.cnf"]
    wanted = {s.name: s.value for s in SETTINGS if s.value and not s.only_replicas}
    certificate = {"ssl_cert": "/etc/mysql/server.pem", "ssl_key": "/etc/mysql/server.key"}
    assert options(text) == {**wanted, "expire_logs_days": "1", **certificate}
    assert all(s.why in text for s in SETTINGS if s.value)
    assert "4 of these lines need a restart" in text
    assert text.count("# RESTART") == 3


def test_only_what_is_missing_and_what_needs_a_restart_is_marked() -> None:
    db = replace(
        DATABASE,
        variables={
            **SOUND,
            "log_bin": "OFF",
            "sync_binlog": "0",
            "expire_logs_days": "0",
            "binlog_expire_logs_seconds": "60",
        },
        origins={"binlog_format": "SQL"},
    )
    text = texts(db)["livemove.cnf"]
    assert options(text) == {
        "log_bin": "mysql-bin",
        "sync_binlog": "1",
        "binlog_format": "ROW",
        "expire_logs_days": "1",
    }
    assert "(now OFF)\n# RESTART\nlog_bin = mysql-bin" in text
    assert "SET GLOBAL sync_binlog = 1;\nsync_binlog = 1" in text
    assert "a restart would forget it\nbinlog_format = ROW" in text


def test_a_source_that_lacks_nothing_gets_nothing_to_do() -> None:
    found = texts(DATABASE, account="'me'@'%'")
    assert found["livemove.cnf"].startswith("# Nothing is missing")
    orders = [line for line in found["livemove.sql"].splitlines() if line and not line.startswith("--")]
    assert orders == []
    assert "'me'@'%' has every right" in found["livemove.sql"]


def test_the_grants_are_those_that_the_preflight_asks_for() -> None:
    text = texts()["livemove.sql"]
    granted = next(line for line in text.splitlines() if line.startswith("GRANT "))
    assert granted == f"GRANT {rights.names(rights.SOURCE)} ON *.* TO 'livemove'@'%' WITH GRANT OPTION;"
    assert rights.missing(rights.SOURCE, [granted]) == []
    assert "<password of shop_source>" in text


def test_missing_rights_and_those_that_must_go() -> None:
    held = rights.names(r for r in rights.SOURCE if r.name not in ("EVENT", "TRIGGER"))
    db = replace(
        DATABASE,
        grants=(f"GRANT {held}, SUPER ON *.* TO `me`@`%` WITH GRANT OPTION",),
        accounts=(AccountFact("shop_app", "%", frozenset({"SUPER"})),),
    )
    orders = [
        line
        for line in texts(db, account="'me'@'%'")["livemove.sql"].splitlines()
        if line and not line.startswith("--")
    ]
    assert orders == [
        "GRANT EVENT, TRIGGER ON *.* TO 'me'@'%' WITH GRANT OPTION;",
        "REVOKE SUPER ON *.* FROM 'shop_app'@'%';",
    ]


def test_the_firewall_from_the_spec_and_as_terraform_knows_it() -> None:
    text = texts()["firewall.txt"]
    assert f"{SPEC.source.address}:3306/tcp from 10.20.10.0/24" in text
    assert ":22/tcp from the Airflow workers" in text
    public = texts(spec=with_spec({"infra.connectivity": "public_allow_list"}).spec)["firewall.txt"]
    assert "the public address of the DMS instance" in public
    assert "10.20." not in public
    told = texts(firewall_told="Inbound to the IDC database from 198.51.100.7/32")["firewall.txt"]
    assert "198.51.100.7/32" in told
    assert "10.20.10.0/24" not in told
