"""Each check judges facts: what is fine passes, what is not names the limit and the remedy; no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livemove.core import preflight
from livemove.core.preflight.facts import AccountFact, DatabaseFacts, Facts, LobFact, TableFact, release_of
from livemove.core.preflight.privileges import global_privileges
from livemove.core.preflight.retention import seconds_kept
from livemove.core.survey import Verdict
from livemove.errors import RefusedError
from livemove.ports import Finding, RecordSet, Severity
from livemove.spec import MigrationSpec, load_spec

SPEC = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
SOUND = {
    "version": "10.11.6-MariaDB-log", "log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_checksum": "NONE", "server_id": "7", "expire_logs_days": "7",
    "sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1", "event_scheduler": "ON", "time_zone": "SYSTEM", "system_time_zone": "UTC", "lower_case_table_names": "0",
}  # fmt: skip
DATABASE = DatabaseFacts(
    variables=SOUND,
    grants=("GRANT ALL PRIVILEGES ON *.* TO `livemove_admin`@`%` IDENTIFIED BY PASSWORD '*X' WITH GRANT OPTION",),
    schemas=frozenset({"shop"}),
    tables=(TableFact("shop", "listings", rows=300_000, bytes=2**28),),
    accounts=(AccountFact("shop_app", "%", frozenset({"USAGE"})),),
    writers=(("shop_app", 12),),
)  # fmt: skip
SOURCE_ADDRESS = next(s.address for s in SPEC.servers if s.address) or ""
FACTS = Facts(
    spec=SPEC,
    declared=frozenset({"site_state"}),
    connections={"shop_aws": "", "shop_source": ""},
    endpoint="http://127.1.2.1:5000",
    terraform="1.11.4",
    records=(RecordSet(SPEC.dns.name, "A", 20, (SOURCE_ADDRESS,)),),
    zone=Verdict((), ("test delegates to ns1.shop.test (TTL 3600 s)",)),
    database=DATABASE,
)


def bad(facts: Facts) -> list[Finding]:
    return [f for f in preflight.findings(facts) if f.severity is not Severity.OK]


def with_database(**changes: Any) -> Facts:
    return replace(FACTS, database=replace(DATABASE, **changes))


def with_variables(changes: Mapping[str, str]) -> Facts:
    return with_database(variables={**SOUND, **changes})


def with_spec(**changes: Any) -> Facts:
    data = SPEC.model_dump()
    for path, value in changes.items():
        part = data
        *way, last = path.split("__")
        for step in way:
            part = part[step]
        part[last] = value
    return replace(FACTS, spec=MigrationSpec.model_validate(data))


def test_a_sound_world_has_a_finding_of_every_check_and_all_are_ok() -> None:
    found = preflight.findings(FACTS)
    assert bad(FACTS) == []
    assert len({f.check for f in found}) == len(preflight.OF_THE_WORLD) + len(preflight.OF_THE_DATABASE)
    preflight.refuse(found)
    assert preflight.counts(found) == {"ok": len(found), "warning": 0, "error": 0}


@pytest.mark.parametrize(
    ("facts", "check", "severity", "measured", "remedy"),
    [
        (replace(FACTS, connections={"shop_app": "The Airflow connection 'shop_app' is missing"}), "connections", "error", "shop_app", "AIRFLOW_CONN_SHOP_APP"),
        (replace(FACTS, problems={"aws": "shop is a rehearsal, but the endpoint is real AWS"}), "aws endpoint", "error", "real AWS", "endpoint_url"),
        (with_spec(rehearsal=False), "aws endpoint", "warning", "no rehearsal", "endpoint_url"),
        (replace(FACTS, terraform=None), "terraform", "error", "not found", "make setup"),
        (replace(FACTS, terraform="1.5.7"), "terraform", "error", "1.5.7", "newer"),
        (replace(FACTS, declared=frozenset()), "site state", "warning", "not declared", "site_state"),
        (with_spec(site_state__sessions="sticky"), "site state", "warning", "sessions", "logged out"),
        (with_spec(site_state__uploads="copied"), "site state", "warning", "uploads", "copied"),
        (with_spec(site_state__jobs="both"), "site state", "warning", "jobs", "one site"),
        (with_spec(site_state__partners=("bank",)), "site state", "warning", "bank", "new addresses"),
        (replace(FACTS, records=None, problems={"zone": "no zone shop.test"}), "name", "error", "no zone", "dns.zone"),
        (replace(FACTS, zone=Verdict(("authority a: lame",), ())), "name", "error", "authority a: lame", "mend the zone"),
        (replace(FACTS, zone=None, problems={"authorities": "no cache knows it"}), "name", "error", "no cache knows it", "clear this task"),
        (replace(FACTS, records=()), "name", "error", "www.shop.test is not in the zone shop.test", "dns.name"),
        (replace(FACTS, records=(RecordSet("www.shop.test", "CNAME", 20, ("x.",)),)), "name", "error", "only CNAME", "A record"),
        (replace(FACTS, records=(RecordSet("www.shop.test", "A", 20, ("192.0.2.1",)),)), "name", "warning", "192.0.2.1", "address"),
        (replace(FACTS, records=(RecordSet("www.shop.test", "A", 86400, (SOURCE_ADDRESS,)),)), "name", "warning", "86400 s", "lowered"),
        (replace(FACTS, database=None, problems={"source": "did not let us in"}), "source", "error", "did not let us in", "shop_source"),
        (replace(with_database(lobs=(LobFact("shop.listings", "photo", 40_000),)), lob_limit=32_768), "lobs", "error", "40000 bytes", "LobMaxSize to 40 KB"),
        (replace(with_database(lobs=(LobFact("shop.listings", "photo", None),)), lob_limit=32_768), "lobs", "warning", "not be measured", "MAX(LENGTH"),
        (with_variables({"version": "10.3.9-MariaDB"}), "version", "error", "10.3.9", "upgrade"),
        (with_variables({"version": "5.6.51"}), "version", "error", "5.6.51", "upgrade"),
        (with_variables({"version": "11.8.2-MariaDB"}), "version", "warning", "newer than the target", "engine_version"),
        (with_variables({"version": "8.0.36"}), "version", "warning", "MySQL", "rehearse"),
        (replace(FACTS, database=replace(DATABASE, variables={**SOUND, "version": "8.0.36"}, collations=frozenset({"utf8mb4_0900_ai_ci"}))), "version", "error", "utf8mb4_0900_ai_ci", "convert"),
        (with_database(schemas=frozenset()), "schemas", "error", "shop", "source.schemas"),
        (with_database(tables=()), "schemas", "warning", "without a table", "right schemas"),
        (with_variables({"log_bin": "OFF"}), "binlog", "error", "log_bin is OFF", "restart"),
        (with_variables({"binlog_format": "MIXED"}), "binlog", "error", "binlog_format is MIXED", "SET GLOBAL binlog_format = 'ROW'"),
        (with_variables({"binlog_row_image": "MINIMAL"}), "binlog", "error", "MINIMAL", "SET GLOBAL binlog_row_image"),
        (with_variables({"binlog_checksum": "CRC32"}), "binlog", "warning", "CRC32", "binlog_checksum"),
        (with_variables({"server_id": "0"}), "binlog", "error", "server_id", "server_id"),
        (with_variables({"binlog_row_value_options": "PARTIAL_JSON"}), "binlog", "error", "PARTIAL_JSON", "binlog_row_value_options"),
        (replace(FACTS, database=replace(DATABASE, replica=True, variables={**SOUND, "log_slave_updates": "OFF"})), "binlog", "error", "replica", "log_slave_updates"),
        (with_variables({"expire_logs_days": "0", "binlog_expire_logs_seconds": "7200"}), "binlog retention", "warning", "2.0 h", "expire_logs_days = 1"),
        (with_database(grants=("GRANT SELECT, PROCESS ON *.* TO `l`@`%`",)), "privileges", "error", "CREATE USER", "GRANT"),
        (with_database(grants=("GRANT ALL PRIVILEGES ON *.* TO `l`@`%`",)), "privileges", "error", "GRANT OPTION", "GRANT"),
        (with_database(accounts=()), "application accounts", "error", "shop_app does not exist", "not fenced"),
        (with_database(accounts=(AccountFact("shop_app", "%", frozenset({"SUPER"})),)), "application accounts", "error", "SUPER", "REVOKE SUPER"),
        (with_database(accounts=(AccountFact("shop_app", "10.%", frozenset({"READ_ONLY ADMIN"})),)), "application accounts", "error", "'shop_app'@'10.%'", "REVOKE READ_ONLY ADMIN"),
        (with_database(accounts=(AccountFact("shop_app", "%", frozenset({"CREATE USER"})),)), "application accounts", "error", "unlock itself", "REVOKE CREATE USER"),
        (with_database(writers=(("batch", 2),)), "application accounts", "warning", "batch (2)", "source.accounts"),
        (with_variables({"sync_binlog": "0"}), "durability", "error", "sync_binlog is 0", "SET GLOBAL sync_binlog = 1"),
        (with_variables({"innodb_flush_log_at_trx_commit": "2"}), "durability", "error", "is 2", "SET GLOBAL innodb_flush"),
        (with_variables({"event_scheduler": "OFF"}), "event scheduler", "error", "OFF", "SET GLOBAL event_scheduler = ON"),
        (with_variables({"event_scheduler": "DISABLED"}), "event scheduler", "error", "DISABLED", "restart"),
        (with_database(tables=(TableFact("shop", "log", has_key=False),)), "primary keys", "warning", "shop.log", "ALTER TABLE shop.log"),
        (with_database(tables=(TableFact("shop", "old", engine="MyISAM"),)), "engines", "warning", "shop.old is MyISAM", "ENGINE = InnoDB"),
        (with_database(tables=(TableFact("shop", "far", engine="FEDERATED"),)), "engines", "error", "FEDERATED", "ENGINE = InnoDB"),
        (with_database(tables=(TableFact("shop", "mem", engine="MEMORY"),)), "engines", "warning", "MEMORY", "restart"),
        (with_database(cascades=(("shop.photos", "fk_listing", "ON DELETE CASCADE"),)), "cascades", "warning", "fk_listing (ON DELETE CASCADE)", "not in the binlog"),
        (with_database(transactions=(("report (session 5)", 600),)), "transactions", "warning", "report (session 5) 600 s", "end"),
        (with_database(prepared_xa=1), "transactions", "warning", "1 prepared XA", "XA RECOVER"),
        (with_database(tables=(TableFact("shop", "huge", bytes=300 * 2**30),)), "size", "error", "300.00 GB", "storage_gb"),
        (with_database(tables=(TableFact("shop", "large", bytes=150 * 2**30),)), "size", "warning", "150.00 GB", "storage_gb to 300"),
        (with_variables({"system_time_zone": "KST"}), "server settings", "warning", "KST", "parameter group"),
        (with_variables({"lower_case_table_names": "1"}), "server settings", "warning", "lower_case_table_names 1", "parameter group"),
    ],
)  # fmt: skip
def test_one_thing_wrong_is_one_finding_with_its_remedy(facts: Facts, check: str, severity: str, measured: str, remedy: str) -> None:  # fmt: skip
    found = bad(facts)
    assert len(found) == 1, found
    assert (found[0].check, str(found[0].severity)) == (check, severity)
    assert measured in found[0].measured
    assert remedy in found[0].remedy
    assert found[0].limit


def test_tables_without_a_key_are_refused_where_the_spec_requires_keys() -> None:
    facts = with_spec(source__require_keys=True)
    facts = replace(facts, database=replace(DATABASE, tables=(TableFact("shop", "log", has_key=False),)))
    with pytest.raises(
        RefusedError, match=r"\[primary keys\] shop\.log has no primary or unique key.*require_keys"
    ):
        preflight.refuse(preflight.findings(facts))


def test_the_refusal_names_every_error_and_no_warning() -> None:
    facts = replace(
        with_variables({"binlog_format": "MIXED", "sync_binlog": "0", "binlog_checksum": "CRC32"}),
        terraform=None,
    )
    with pytest.raises(RefusedError) as refused:
        preflight.refuse(preflight.findings(facts))
    message = str(refused.value)
    assert message.startswith("3 of ")
    for named in ("[terraform]", "[binlog]", "[durability]"):
        assert named in message
    assert "CRC32" not in message


def test_errors_stand_first_in_the_table() -> None:
    lines = preflight.table_of(
        preflight.findings(replace(with_variables({"binlog_checksum": "CRC32"}), terraform=None))
    )
    assert [line.split()[0] for line in lines][:3] == ["ERROR", "WARNING", "OK"]


def test_a_source_that_cannot_be_read_costs_only_its_own_checks() -> None:
    found = preflight.findings(replace(FACTS, database=None, problems={"source": "gone"}))
    assert {f.check for f in found if f.severity is Severity.OK} >= {"name", "terraform", "connections"}


@pytest.mark.parametrize(("version", "release"), [("10.11.6-MariaDB-1:log", (10, 11)), ("5.5.5-10.6.3-MariaDB", (10, 6)), ("8.0.36", (8, 0)), ("what", (0, 0))])  # fmt: skip
def test_versions_are_read(version: str, release: tuple[int, int]) -> None:
    assert release_of(version) == release


def test_global_privileges_are_only_those_on_everything() -> None:
    held, may_grant = global_privileges(
        [
            "GRANT SELECT, REPLICATION SLAVE ON *.* TO `a`@`%`",
            "GRANT ALL PRIVILEGES ON `x`.* TO `a`@`%` WITH GRANT OPTION",
        ]
    )
    assert (held, may_grant) == ({"SELECT", "REPLICATION SLAVE"}, False)


def test_retention_prefers_seconds_and_knows_for_ever() -> None:
    for variables, kept in (
        ({"expire_logs_days": "2"}, 172800),
        ({"expire_logs_days": "2", "binlog_expire_logs_seconds": "60"}, 60),
        ({"expire_logs_days": "0"}, None),
    ):
        assert seconds_kept(DatabaseFacts(variables=variables)) == kept
