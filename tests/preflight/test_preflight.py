"""Each check judges facts: what is fine passes, what is not names the limit and the remedy; no server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from pydantic import TypeAdapter

from livemove.control.privileges import (
    APPLIER,
    READER,
    SOURCE,
    TARGET,
    global_privileges,
    names,
    source_rights,
)
from livemove.dns.zone_checks import ZoneFindings
from livemove.model.errors import RefusedError
from livemove.model.ports import Finding, Json, RecordSet, Severity
from livemove.model.source_settings import SETTINGS
from livemove.model.spec import MigrationSpec, load_spec
from livemove.model.time_zones import ServerZones, Zone
from livemove.preflight import checks as preflight
from livemove.preflight import estimate
from livemove.preflight.checks.retention import seconds_kept
from livemove.preflight.facts import (
    AccountFact,
    Assessment,
    DatabaseFacts,
    Facts,
    Sample,
    TableFact,
    TargetFacts,
    VpnGatewayFact,
    release_of,
)
from tests.raising import raises

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
    "lower_case_table_names": "0",
    "net_read_timeout": "300",
    "net_write_timeout": "300",
    "wait_timeout": "28800",
    "max_statement_time": "0.000000",
    "max_allowed_packet": "67108864",
}
GB = 2**30
DATABASE = DatabaseFacts(
    variables=SOUND,
    grants=(
        "GRANT ALL PRIVILEGES ON *.* TO `livemove_admin`@`%` IDENTIFIED BY PASSWORD '*X' WITH GRANT OPTION",
    ),
    schemas=frozenset({"shop"}),
    tables=(TableFact("shop", "listings", rows=300_000, bytes=2**28),),
    accounts=(AccountFact("shop_app", "%", frozenset({"USAGE"})),),
    writers=(("shop_app", 12),),
    known_accounts=frozenset({"shop_app@%", "root@localhost"}),
    # no harm without triggers and events
    code_makers=(("'shop_app'@'%'", "CREATE VIEW"),),
    sample=Sample(
        seconds=3,
        row_events=300,
        binlog_bytes=30_000,
        uptime=10 * 86400,
        row_events_ever=10**7,
        binlog_bytes_ever=10**9,
    ),
    trips=(0.4, 0.001, 0.5),
    zones=ServerZones("SYSTEM", "KST", Zone("Asia/Seoul"), Zone("Asia/Seoul")),
    system_zone_events=("shop.nightly",),
    clock_ahead=0.01,
)
CASCADE = ("shop.photos", "fk_listing", "ON DELETE CASCADE")
BUSY = Sample(seconds=3, row_events=3_000, binlog_bytes=3 * 2**20)
STANDING = TargetFacts(
    "10.11.6-MariaDB", known=False, grants=(f"GRANT {names(TARGET)} ON *.* TO `m`@`%` WITH GRANT OPTION",)
)
SOURCE_ADDRESS = next(s.address for s in SPEC.servers if s.address) or ""
CASES: list[Json] = yaml.safe_load(
    (Path(__file__).parent / "one_thing_wrong.yaml").read_text().replace("{privileges}", names(SOURCE))
)
FACTS = Facts(
    spec=SPEC,
    declared=frozenset({"site_state"}),
    connections={"shop_aws": "", "shop_source": ""},
    endpoint="http://127.1.2.1:5000",
    terraform="1.11.4",
    records=(RecordSet(SPEC.dns.name, "A", 20, (SOURCE_ADDRESS,)),),
    zone=ZoneFindings((), ("test delegates to ns1.shop.test (TTL 3600 s)",)),
    database=DATABASE,
    vpn=VpnGatewayFact("available"),
)


def bad(facts: Facts) -> list[Finding]:
    return [f for f in preflight.findings(facts) if f.severity is not Severity.OK]


def with_database(**changes: Any) -> Facts:
    return replace(FACTS, database=replace(DATABASE, **changes))


def with_variables(changes: Mapping[str, str]) -> Facts:
    return with_database(variables={**SOUND, **changes})


def with_spec(changes: Mapping[str, Any]) -> Facts:
    """`changes`: dotted path in the spec -> value."""
    data = SPEC.model_dump()
    for path, value in changes.items():
        part = data
        *way, last = path.split(".")
        for step in way:
            part = part[step]
        part[last] = value
    return replace(FACTS, spec=MigrationSpec.model_validate(data))


def changed(sound: Any, changes: Mapping[str, Any]) -> Any:
    """`sound`, a dataclass of facts, with these fields, which are as YAML has them."""
    types = get_type_hints(type(sound))
    return replace(sound, **{n: TypeAdapter(types[n]).validate_python(v) for n, v in changes.items()})


def facts_of(case: Json) -> Facts:
    facts = changed(with_spec(case.get("spec", {})), case.get("facts", {}))
    if facts.database:
        database = changed(DATABASE, case.get("database", {}))
        facts = replace(facts, database=replace(database, variables={**SOUND, **case.get("variables", {})}))
    return replace(facts, target=changed(STANDING, case["target"])) if "target" in case else facts


def test_a_sound_world_has_a_finding_of_every_check_and_all_are_ok() -> None:
    found = preflight.findings(FACTS)
    assert bad(FACTS) == []
    assert len({f.check for f in found}) == len(preflight.OF_THE_WORLD) + len(preflight.OF_THE_DATABASE)
    preflight.refuse(found)
    assert preflight.counts(found) == {"ok": len(found), "warning": 0, "error": 0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['check']}: {case['measured']}")
def test_one_thing_wrong_is_one_finding_with_its_remedy(case: Json) -> None:
    found = bad(facts_of(case))
    assert len(found) == 1, found
    assert (found[0].check, str(found[0].severity)) == (case["check"], case["severity"])
    assert case["measured"] in found[0].measured
    assert case["remedy"] in found[0].remedy
    assert found[0].limit


def test_tables_without_a_key_are_refused_where_the_spec_requires_keys() -> None:
    facts = with_spec({"source.require_keys": True})
    facts = replace(facts, database=replace(DATABASE, tables=(TableFact("shop", "log", has_key=False),)))
    with raises(RefusedError, "[primary keys] shop.log", "require_keys"):
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


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("10.11.6-MariaDB-1:log", (10, 11)),
        ("5.5.5-10.6.3-MariaDB", (10, 6)),
        ("8.0.36", (8, 0)),
        ("what", (0, 0)),
    ],
)
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
    slow = bad(
        with_database(
            tables=(TableFact("shop", "rows", rows=2 * 10**9),), variables={**SOUND, "expire_logs_days": "0"}
        )
    )
    assert [(f.check, str(f.severity)) for f in slow] == [("load", "error")]
    assert "full_load_timeout" in slow[0].remedy
    unseen = bad(with_database(sample=BUSY, trips=(0.0001,)))
    assert [(f.check, f.subject, "df -h" in f.remedy) for f in unseen if f.subject == "source"] == [
        ("disk room", "source", True)
    ]


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
    young = Sample(
        seconds=2, row_events=10, binlog_bytes=100, uptime=60, row_events_ever=10**6, binlog_bytes_ever=10**6
    )
    assert (young.row_rate, young.byte_rate) == (5, 50)
    assert replace(young, uptime=100_000).row_rate == 10


@pytest.mark.parametrize(
    ("name", "memory"),
    [("dms.t3.medium", 4), ("dms.c5.xlarge", 8), ("dms.r6i.large", 16), ("dms.huge", None)],
)
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


def test_an_endpoint_without_assessments_is_no_trouble() -> None:
    found = [
        f
        for f in preflight.findings(replace(FACTS, assessment=Assessment("", offered=False)))
        if f.check == "DMS assessment"
    ]
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
