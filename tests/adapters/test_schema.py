"""Carrying schemas to a target where livemove has no special rights; tests/carrying has the nasty ones."""

from __future__ import annotations

import pytest

from livemove.adapters.parity import check_parity
from livemove.adapters.schema import (
    code_of,
    create_events,
    create_triggers,
    drop_triggers,
    raise_auto_increment,
    set_events,
)
from livemove.core.schema import Phase, same_code
from livemove.errors import SchemaError
from tests.adapters.sides import Sides, case_script, sides

__all__ = ["sides"]
pytestmark = pytest.mark.servers


@pytest.mark.parametrize("case", ["code", "search_text"])
def test_triggers_and_events_come_to_life_as_they_were(sides: Sides, case: str) -> None:
    schemas = sides.move(case, case_script(case))
    with sides.source as source, sides.target as target:
        wanted = code_of(source, schemas)
        assert code_of(target, schemas) == {"triggers": [], "events": []}
        assert len(create_triggers(target, wanted)) == len(wanted["triggers"])
        create_events(target, wanted, enabled=False)
        found = code_of(target, schemas)
        for kind in ("triggers", "events"):
            for a, b in zip(wanted[kind], found[kind], strict=True):
                assert same_code(a["sql"], b["sql"])
                for remembered in ("name", "sql_mode", "charset", "collation", "time_zone"):
                    assert a[remembered] == b[remembered], (a["name"], remembered)
        assert {e["status"] for e in found["events"]} <= {"DISABLED"}
        assert create_triggers(target, wanted) == []
        awake = check_parity(source, target, schemas, ["shop_app"]).unexplained
        assert {d.category for d in awake} == {"triggers"}, (
            "a trigger on the target before the switchover is told"
        )
        assert len(drop_triggers(target, schemas)) == len(wanted["triggers"])


def test_events_wake_only_where_they_were_awake(sides: Sides) -> None:
    schemas = sides.move("code", case_script("code"))
    with sides.source as source, sides.target as target:
        create_events(target, code_of(source, schemas), enabled=False)
        assert set_events(target, ["code.nightly", ("code", "once")], True) == ["code.nightly", "code.once"]
        assert set_events(target, ["code.nightly"], True) == []
        states = {e["name"]: e["status"] for e in code_of(target, schemas)["events"]}
        assert states == {"nightly": "ENABLED", "once": "ENABLED", "asleep": "DISABLED"}


def test_switching_an_event_keeps_its_definer(sides: Sides) -> None:
    schemas = sides.make("definer_kept", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;")
    sides.source_server.query("CREATE USER IF NOT EXISTS owner_of_it@'%'")
    sides.source_server.query("ALTER DEFINER=owner_of_it@'%' EVENT definer_kept.e ON SCHEDULE EVERY 2 DAY")
    with sides.source as source:
        set_events(source, ["definer_kept.e"], False)
        (event,) = code_of(source, schemas)["events"]
    assert event["status"] == "DISABLED"
    assert "DEFINER=`owner_of_it`@`%`" in event["sql"]


def test_code_keeps_a_definer_that_the_server_knows(sides: Sides) -> None:
    """On the way back the IDC gets its triggers with the definers that they had."""
    schemas = sides.make("way_back", "CREATE TABLE t (id INT); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET new.id = 1;")  # fmt: skip
    sides.source_server.query("CREATE USER IF NOT EXISTS trigger_owner@'%'")
    with sides.source as source:
        code = code_of(source, schemas)
        code["triggers"][0]["sql"] = code["triggers"][0]["sql"].replace("root`@`127.%", "trigger_owner`@`%")
        drop_triggers(source, schemas)
        create_triggers(source, code)
        assert "DEFINER=`trigger_owner`@`%`" in code_of(source, schemas)["triggers"][0]["sql"]


def test_counters_are_raised_and_never_lowered(sides: Sides) -> None:
    schemas = sides.move("counters", case_script("counters"))
    sides.source_server.query("ALTER TABLE counters.not_first AUTO_INCREMENT = 9000")
    sides.target_server.query("ALTER TABLE counters.unique_one AUTO_INCREMENT = 77777")
    sides.source_server.query("SELECT NEXT VALUE FOR counters.tickets")
    with sides.source as source, sides.target as target:
        raised = raise_auto_increment(source, target, schemas)
        assert "counters.not_first: 5002 -> 9000" in raised
        assert raise_auto_increment(source, target, schemas) == []
        assert target.one("SELECT next_not_cached_value v FROM counters.tickets")["v"] >= source.one("SELECT next_not_cached_value v FROM counters.tickets")["v"]  # fmt: skip
        kept = target.one("SELECT auto_increment n FROM information_schema.tables WHERE table_schema = 'counters' AND table_name = 'unique_one'")  # fmt: skip
        assert kept["n"] == 77777


def test_a_half_made_state_is_completed(sides: Sides) -> None:
    schemas = sides.move("cycle", case_script("cycle"))
    for statement in (
        "ALTER TABLE cycle.person DROP FOREIGN KEY person_chief",
        "ALTER TABLE cycle.person DROP FOREIGN KEY person_shop, DROP KEY person_shop",
        "DROP TABLE cycle.booking",
    ):
        sides.target_server.query(statement)
    with sides.source as source, sides.target as target:
        missing = check_parity(source, target, schemas, ["a"]).unexplained
        assert {(d.category, d.kind) for d in missing} >= {("foreign_keys", "missing"), ("tables", "missing")}
        sides.carry(schemas, Phase.TABLES, Phase.KEYS, Phase.CODE)
        assert check_parity(source, target, schemas, ["a"]).unexplained == []


def test_another_table_of_the_same_name_is_refused(sides: Sides) -> None:
    schemas = sides.make("clash", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10));")
    sides.target_server.load("CREATE DATABASE clash CHARACTER SET utf8mb4; CREATE TABLE clash.t (id INT PRIMARY KEY, v INT);")  # fmt: skip
    with pytest.raises(SchemaError, match=r"clash\.t stands on the target, but differs.*`v` int.*Wanted: `v` varchar\(10\).*DROP TABLE"):  # fmt: skip
        sides.carry(schemas, Phase.TABLES)


def test_a_schema_that_is_not_there_is_named(sides: Sides) -> None:
    with pytest.raises(SchemaError, match="no schema nosuch"):
        sides.carry(["nosuch"], Phase.TABLES)


@pytest.mark.parametrize(
    ("damage", "category"),
    [
        ("ALTER TABLE generated.g DROP CONSTRAINT small", "checks"),
        ("ALTER TABLE generated.g MODIFY made DATETIME NOT NULL", "columns"),
        ("ALTER TABLE generated.g DROP KEY by_tax", "indexes"),
        ("ALTER TABLE generated.ignored_index ADD SYSTEM VERSIONING", "tables"),
        ("ALTER TABLE generated.g COMMENT 'other'", "tables"),
        ("ALTER DATABASE generated CHARACTER SET latin1", "schemata"),
        ("CREATE TABLE generated.stranger (id INT)", "tables"),
        ("CREATE EVENT generated.e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "events"),
    ],
)
def test_parity_sees_each_damage(sides: Sides, damage: str, category: str) -> None:
    schemas = sides.move("generated", case_script("generated"))
    sides.target_server.query(damage)
    with sides.source as source, sides.target as target:
        report = check_parity(source, target, schemas, ["a"])
    assert category in {d.category for d in report.unexplained}
    with pytest.raises(SchemaError):
        report.refuse()
