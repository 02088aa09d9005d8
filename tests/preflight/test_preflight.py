"""Each check judges facts: what is fine passes, what is not names the limit and the remedy; no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livemove.control.privileges import (
    APPLIER,
    READER,
    SOURCE,
    TARGET,
    global_privileges,
    names,
    source_rights,
)
from livemove.dns.zone_checks import Verdict
from livemove.model.errors import RefusedError
from livemove.model.ports import Finding, RecordSet, Severity
from livemove.model.source_settings import SETTINGS, rds_time_zone
from livemove.model.spec import MigrationSpec, load_spec
from livemove.preflight import checks as preflight
from livemove.preflight import estimate
from livemove.preflight.checks.retention import seconds_kept
from livemove.preflight.facts import (
    AccountFact,
    Assessment,
    ColumnFact,
    DatabaseFacts,
    Facts,
    LobFact,
    Sample,
    TableFact,
    TargetFacts,
    release_of,
)

SPEC = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
SOUND = {
    "version": "10.11.6-MariaDB-log",
    "log_bin": "ON",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_checksum": "NONE",
    "server_id": "7",
    "expire_logs_days": "7",
    "sync_binlog": "1",
    "innodb_flush_log_at_trx_commit": "1",
    "event_scheduler": "ON",
    "time_zone": "SYSTEM",
    "system_time_zone": "UTC",
    "lower_case_table_names": "0",
    "net_read_timeout": "300",
    "net_write_timeout": "300",
    "wait_timeout": "28800",
    "max_statement_time": "0.000000",
    "max_allowed_packet": "67108864",
}
GB = 2**30  # fmt: skip
DATABASE = DatabaseFacts(
    variables=SOUND,
    grants=("GRANT ALL PRIVILEGES ON *.* TO `livemove_admin`@`%` IDENTIFIED BY PASSWORD '*X' WITH GRANT OPTION",),
    schemas=frozenset({"shop"}),
    tables=(TableFact("shop", "listings", rows=300_000, bytes=2**28),),
    accounts=(AccountFact("shop_app", "%", frozenset({"USAGE"})),),
    writers=(("shop_app", 12),),
    known_accounts=frozenset({"shop_app@%", "root@localhost"}),
    sample=Sample(seconds=3, row_events=300, binlog_bytes=30_000, uptime=10 * 86400, row_events_ever=10**7, binlog_bytes_ever=10**9),
    trips=(0.4, 0.001, 0.5),
    clock_ahead=0.01,
)  # fmt: skip
CASCADE = ("shop.photos", "fk_listing", "ON DELETE CASCADE")
BUSY = Sample(seconds=3, row_events=3_000, binlog_bytes=3 * 2**20)
STANDING = TargetFacts(
    "10.11.6-MariaDB", known=False, grants=(f"GRANT {names(TARGET)} ON *.* TO `m`@`%` WITH GRANT OPTION",)
)
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
        (with_database(schemas=frozenset()), "schemas", "error", "shop", "source.schemas"),
        (with_database(tables=()), "schemas", "warning", "without a table", "right schemas"),
        (with_variables({"log_bin": "OFF"}), "binlog", "error", "log_bin is OFF", "restart"),
        (with_variables({"binlog_format": "MIXED"}), "binlog", "error", "binlog_format is MIXED", "SET GLOBAL binlog_format = 'ROW'"),
        (with_variables({"binlog_row_image": "MINIMAL"}), "binlog", "error", "MINIMAL", "SET GLOBAL binlog_row_image"),
        (with_variables({"binlog_checksum": "CRC32"}), "binlog", "warning", "CRC32", "binlog_checksum"),
        (with_variables({"server_id": "0"}), "binlog", "error", "server_id", "server_id"),
        (with_variables({"binlog_row_value_options": "PARTIAL_JSON"}), "binlog", "error", "PARTIAL_JSON", "binlog_row_value_options"),
        (replace(FACTS, database=replace(DATABASE, replica=True, variables={**SOUND, "log_slave_updates": "OFF"})), "binlog", "error", "log_slave_updates is OFF", "restart"),
        (with_variables({"expire_logs_days": "0", "binlog_expire_logs_seconds": "7200"}), "binlog retention", "warning", "2.0 h", "expire_logs_days = 1"),
        (with_database(variables={**SOUND, "binlog_expire_logs_seconds": "360"}, tables=(TableFact("shop", "big", rows=5 * 10**6),)), "binlog retention", "error", "0.1 h", "expire_logs_days = 1"),
        (with_variables({"log_bin_compress": "ON"}), "binlog", "error", "log_bin_compress is ON", "SET GLOBAL log_bin_compress = OFF"),
        (with_database(unlogged=frozenset({"shop"})), "binlog", "error", "keeps shop out of the binlog", "restart"),
        (with_database(sample=Sample(3, 0, 0, statements=("UPDATE in shop",))), "binlog sessions", "error", "UPDATE in shop", "reconnect"),
        (with_database(origins={"binlog_format": "SQL"}), "binlog sessions", "warning", "sessions of shop_app may be older", "reconnect"),
        (with_database(own_grants={"livemove_read": ("GRANT SELECT ON *.* TO `livemove_read`@`%`",)}), "privileges", "error", "livemove_read on the source lacks REPLICATION SLAVE (to read the binlog)", "GRANT REPLICATION SLAVE, REPLICATION CLIENT"),
        (replace(FACTS, target=replace(STANDING, grants=("GRANT SELECT ON *.* TO `m`@`%`",))), "privileges", "error", "the master user on the target lacks", "CREATE USER"),
        (replace(FACTS, target=replace(STANDING, tables={"shop": 3})), "target", "error", "shop (3 tables), and no livemove run made them", "drop these schemas"),
        (replace(FACTS, problems={"target": "the target did not let us in"}), "target", "warning", "did not let us in", "firewall"),
        (replace(FACTS, target=replace(STANDING, collations=frozenset({"latin1_bin"})), database=replace(DATABASE, collations=frozenset({"utf8mb4_bin"}))), "collations", "error", "utf8mb4_bin", "convert"),
        (with_database(collations=frozenset({"utf8mb4_0900_ai_ci"})), "collations", "error", "utf8mb4_0900_ai_ci", "convert"),
        (with_database(columns=(ColumnFact("shop.a", "k", "varchar", "euckr"),)), "collations", "warning", "shop.a.k (euckr)", "CharsetMapping"),
        (replace(FACTS, assessment=Assessment("failed", failed=(("mariadb-check-x", "failed"),))), "DMS assessment", "warning", "mariadb-check-x (failed)", "bucket"),
        (with_variables({"net_read_timeout": "30"}), "limits", "warning", "net_read_timeout is 30", "SET GLOBAL net_read_timeout = 300"),
        (with_variables({"max_statement_time": "600.000000"}), "limits", "warning", "600", "SET GLOBAL max_statement_time = 0"),
        (with_database(variables={**SOUND, "max_allowed_packet": "1048576"}, lobs=(LobFact("shop.a", "b", 900_000),)), "limits", "error", "900000 bytes", "max_allowed_packet = 2097152"),
        (with_database(tables=(TableFact("shop", "v", versioned=True),)), "schema features", "error", "shop.v is system-versioned", "DROP SYSTEM VERSIONING"),
        (with_database(sequences=("shop.n",)), "schema features", "warning", "shop.n", "past the source"),
        (with_database(columns=(ColumnFact("shop.a", "h", "int", extra="INVISIBLE"),)), "schema features", "warning", "shop.a.h", "visible"),
        (with_database(columns=(ColumnFact("shop.a", "my_row_id", "bigint", extra="auto_increment INVISIBLE"),)), "schema features", "error", "my_row_id", "visible"),
        (with_database(columns=(ColumnFact("shop.a", "u", "uuid"),)), "column types", "warning", "shop.a.u uuid", "comparison"),
        (with_database(columns=(ColumnFact("shop.a", "e", "enum"),)), "column types", "warning", "shop.a.e enum", "full load only"),
        (with_database(zero_dates={"shop.a.d": True}), "zero dates", "warning", "shop.a.d", "NULL"),
        (with_database(zero_dates={"shop.a.d": None}), "zero dates", "warning", "not searched to the end: shop.a.d", "LIMIT 1"),
        (with_database(columns=(ColumnFact("shop.a", "d", "date", default="'0000-00-00'"),)), "zero dates", "warning", "shop.a.d", "DEFAULT"),
        (with_database(foreign_ties=(("shop.a", "fk", "stays.b"),)), "foreign keys", "error", "shop.a fk refers to stays.b", "add stays to source.schemas"),
        (with_database(foreign_ties=(("stays.b", "fk", "shop.a"),)), "foreign keys", "warning", "stays.b fk refers to shop.a", "after the move"),
        (with_database(definers=(("procedure", "shop.p", "gone@nowhere"),)), "definers", "warning", "procedure shop.p by gone@nowhere", "1449"),
        (with_database(clock_ahead=-7.0), "clock", "warning", "7.0 s behind", "synchronise"),
        (with_spec(infra__connectivity="public_allow_list"), "TLS", "warning", "unencrypted", "vpn"),
        (with_variables({"require_secure_transport": "ON"}), "TLS", "error", "require_secure_transport", "OFF"),
        (with_database(trips=(0.2,)), "distance", "error", "200.0 ms", "BatchApplyEnabled to true"),
        (replace(with_database(trips=(0.2,)), batch_apply=True), "distance", "warning", "200.0 ms", "watch the lag"),
        (replace(with_database(lobs=(LobFact("shop.a", "b", 9_000),)), batch_apply=True), "lobs", "error", "applied in batches", "at least 9 KB"),
        (replace(with_database(cascades=(CASCADE,)), batch_apply=True), "cascades", "error", "apply in batches", "BatchApplyEnabled to false"),
        (with_database(grants=("GRANT SELECT, PROCESS, SUPER ON *.* TO `l`@`%` WITH GRANT OPTION",)), "privileges", "error", "CREATE USER (to lock", "GRANT"),
        (with_database(grants=(f"GRANT {names(SOURCE)} ON *.* TO `l`@`%` WITH GRANT OPTION",)), "stored code", "error", "log_bin_trust_function_creators is not set", "SET GLOBAL log_bin_trust_function_creators = ON"),
        (with_database(grants=("GRANT ALL PRIVILEGES ON *.* TO `l`@`%`",)), "privileges", "error", "GRANT OPTION", "GRANT"),
        (with_database(accounts=(), known_accounts=frozenset()), "application accounts", "error", "cannot be read", "SELECT ON"),
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
        (with_database(prepared_xa=1), "transactions", "error", "1 prepared XA", "XA RECOVER"),
        (with_variables({"system_time_zone": "XYZ"}), "server settings", "warning", "SYSTEM (XYZ)", "SET GLOBAL time_zone"),
        (with_variables({"lower_case_table_names": "2"}), "server settings", "error", "lower_case_table_names 2", "dump and a load"),
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


def test_disk_load_and_instance_grow_with_the_data() -> None:
    found = {
        (f.check, f.subject): f
        for f in bad(with_database(tables=(TableFact("shop", "huge", bytes=300 * GB, index_bytes=GB),)))
    }
    assert str(found["disk room", "target"].severity) == "error"
    assert "301.00 GB" in found["disk room", "target"].measured
    assert "dms.r6i.xlarge, 32 GB" in found["load", "instance"].limit
    slow = bad(with_database(tables=(TableFact("shop", "rows", rows=2 * 10**9),), variables={**SOUND, "expire_logs_days": "0"}))  # fmt: skip
    assert [(f.check, str(f.severity)) for f in slow] == [("load", "error")]
    assert "full_load_timeout" in slow[0].remedy
    unseen = bad(with_database(sample=BUSY, trips=(0.0001,)))
    assert [(f.check, f.subject, "df -h" in f.remedy) for f in unseen if f.subject == "source"] == [("disk room", "source", True)]  # fmt: skip


def test_a_busy_source_needs_room_for_binlogs_and_for_changes_that_wait() -> None:
    facts = with_database(
        sample=BUSY,
        trips=(0.0001,),
        tables=(TableFact("shop", "large", bytes=900 * GB),),
        disks={"/": 900 * GB, "/var": 30 * GB},
        variables={**SOUND, "log_bin_basename": "/var/lib/mysql/bin"},
    )
    found = {(f.check, f.subject): f for f in bad(facts)}
    assert found["disk room", "source"].limit == "30.00 GB free on /var"
    assert "90.00 GB of changes" in found["load", "storage"].measured
    assert "storage_gb in the spec to 112" in found["load", "storage"].remedy


def test_where_cascades_forbid_batches_the_distance_says_so() -> None:
    found = {f.check: f for f in bad(with_database(trips=(0.2,), cascades=(CASCADE,)))}
    assert set(found) == {"distance", "cascades"}
    assert "1 foreign keys cascade, and a batch loses their changes" in found["distance"].remedy


def test_an_average_counts_only_for_a_server_that_runs_for_long() -> None:
    young = Sample(seconds=2, row_events=10, binlog_bytes=100, uptime=60, row_events_ever=10**6, binlog_bytes_ever=10**6)  # fmt: skip
    assert (young.row_rate, young.byte_rate) == (5, 50)
    assert replace(young, uptime=100_000).row_rate == 10


@pytest.mark.parametrize(("name", "memory"), [("dms.t3.medium", 4), ("dms.c5.xlarge", 8), ("dms.r6i.large", 16), ("dms.huge", None)])  # fmt: skip
def test_memory_of_an_instance_class(name: str, memory: float | None) -> None:
    assert estimate.memory(name) == memory


def test_what_needs_a_restart_of_the_source_says_so() -> None:
    facts = with_variables({"log_bin": "OFF", "event_scheduler": "DISABLED", "sync_binlog": "0"})
    assert {f.subject for f in bad(facts) if f.restart} == {"log_bin", "event_scheduler"}
    lines = [line for line in preflight.table_of(bad(facts)) if "[restart of the source]" in line]
    assert len(lines) == 2
    off = bad(with_variables({"event_scheduler": "OFF"}))
    assert [f.restart for f in off] == [False]


def test_every_setting_that_would_be_written_is_one_that_passes() -> None:
    for s in SETTINGS:
        # log_bin is a file name in the configuration and ON when the server tells it
        assert not s.wrong("ON" if s.name == "log_bin" else s.value), s.name


def test_the_source_account_holds_what_it_gives_to_others() -> None:
    own = {r.name for r in SOURCE}
    assert own >= {r.name for r in (*READER, *APPLIER)}
    old = {r.name for r in source_rights((10, 4))}
    assert "SUPER" in old
    assert not {"READ_ONLY ADMIN", "SET USER"} & old


def test_the_zone_as_rds_takes_it() -> None:
    for zone, system, named in (("SYSTEM", "KST", "Asia/Seoul"), ("Europe/Berlin", "UTC", "Europe/Berlin"), ("+05:45", "UTC", None)):  # fmt: skip
        assert rds_time_zone(zone, system) == named


def test_an_endpoint_without_assessments_is_no_trouble() -> None:
    found = [f for f in preflight.findings(replace(FACTS, assessment=Assessment("", offered=False))) if f.check == "DMS assessment"]  # fmt: skip
    assert [(str(f.severity), f.measured) for f in found] == [("ok", "not offered by this endpoint")]


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
