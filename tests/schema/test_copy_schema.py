"""Copying schemas to a target without special privileges; tests/schema_roundtrip has the hard cases."""

from __future__ import annotations

import pytest

from livemove.model.errors import SchemaError
from livemove.model.ledger import ApplicationCode
from livemove.schema.adapters.catalogue import check_parity
from livemove.schema.adapters.copy_schema import (
    code_of,
    create_events,
    create_triggers,
    drop_triggers,
    raise_auto_increment,
    set_events,
)
from livemove.schema.adapters.stored_code import prove_triggers
from livemove.schema.definers import stand_in
from livemove.schema.objects import Phase
from tests.doubles.sides import Sides, case_script, sides
from tests.raising import raises

__all__ = ["sides"]
pytestmark = pytest.mark.servers


def test_a_trigger_on_the_target_before_the_switchover_is_told(sides: Sides) -> None:
    schemas = sides.move("code", case_script("code"))
    with sides.source as source, sides.target as target:
        wanted = code_of(source, schemas)
        assert [e.status for e in code_of(target, schemas).events] == ["DISABLED"] * 3
        assert code_of(target, schemas).triggers == []
        assert len(create_triggers(target, wanted)) == len(wanted.triggers)
        assert create_triggers(target, wanted) == []
        awake = check_parity(source, target, schemas, ["shop_app"]).unexplained
        assert {d.category for d in awake} == {"triggers"}
        assert len(drop_triggers(target, schemas)) == len(wanted.triggers)


def test_code_that_was_changed_meanwhile_is_created_anew(sides: Sides) -> None:
    schemas = sides.make(
        "changed",
        "CREATE TABLE t (id INT, v INT); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET new.v = 1;"
        " CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;",
    )
    sides.carry(schemas, Phase.TABLES, Phase.CODE)
    with sides.source as source, sides.target as target:
        create_triggers(target, code_of(source, schemas))
        sides.source_server.query(
            "CREATE OR REPLACE TRIGGER changed.tr BEFORE INSERT ON changed.t FOR EACH ROW SET new.v = 2"
        )
        sides.source_server.query("ALTER EVENT changed.e DO SELECT 2")
        code = code_of(source, schemas)
        assert create_triggers(target, code) == ["changed.tr"]
        assert create_events(target, code) == ["changed.e"]
        assert create_events(target, code) == []
        assert "new.v = 2" in code_of(target, schemas).triggers[0].sql
        (event,) = code_of(target, schemas).events
    assert "SELECT 2" in event.sql
    assert event.status == "DISABLED"


def test_a_table_with_one_changed_trigger_gets_all_of_them_anew_in_their_order(sides: Sides) -> None:
    schemas = sides.make(
        "ordered",
        """
        CREATE TABLE t (v VARCHAR(9)); CREATE TABLE u (v INT);
        CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET new.v = CONCAT(new.v, '1');
        CREATE TRIGGER two BEFORE INSERT ON t FOR EACH ROW SET new.v = CONCAT(new.v, '2');
        CREATE TRIGGER other BEFORE INSERT ON u FOR EACH ROW SET new.v = 1;""",
    )
    sides.carry(schemas, Phase.TABLES)
    with sides.source as source, sides.target as target:
        create_triggers(target, code_of(source, schemas))
        sides.source_server.load(
            "USE ordered; DROP TRIGGER one; CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW PRECEDES two"
            " SET new.v = CONCAT(new.v, '3');"
        )
        assert create_triggers(target, code_of(source, schemas)) == ["ordered.one", "ordered.two"]
        sides.source_server.load(
            "USE ordered; DROP TRIGGER one; CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW SET new.v ="
            " CONCAT(new.v, '3');"
        )
        assert create_triggers(target, code_of(source, schemas)) == ["ordered.two", "ordered.one"]
        assert create_triggers(target, code_of(source, schemas)) == []
    sides.target_server.query("INSERT INTO ordered.t VALUES ('')")
    assert sides.target_server.query("SELECT v FROM ordered.t") == [("23",)]


def test_a_trigger_that_cannot_be_created_is_found_before_the_load(sides: Sides) -> None:
    schemas = sides.make(
        "unproved",
        "CREATE TABLE t (id INT, v INT); CREATE TRIGGER fits BEFORE INSERT ON t FOR EACH ROW SET new.v = 1;",
    )
    with sides.source as source, sides.target as target:
        (done,) = sides.carry(schemas, Phase.TABLES)
        assert done["triggers_proved"] == 1
        assert code_of(target, schemas).triggers == []
        sides.target_server.query("DROP TABLE unproved.t")
        create_them = code_of(source, schemas)
        sides.target_server.query("CREATE TABLE unproved.t (id INT)")
        with raises(SchemaError, "unproved.fits", "Unknown column 'v'"):
            prove_triggers(target, create_them, {("unproved", "t")})
        # what an attempt that was killed between creating and dropping has left
        sides.target_server.query("ALTER TABLE unproved.t ADD v INT")
        create_triggers(target, create_them)
        prove_triggers(target, create_them, set())
        assert code_of(target, schemas).triggers == []


def test_definers_that_the_target_may_not_name_are_told(sides: Sides) -> None:
    schemas = sides.move("ghosts", case_script("ghosts"))
    (code,) = sides.carry(schemas, Phase.CODE)
    by_object = {d["object"]: (d["source"], d["target"]) for d in code["definers"]}  # type: ignore[attr-defined]
    assert by_object["view ghosts.v"] == ("ghost@10.1.%", "@".join(stand_in(("ghost", "10.1.%"))))
    assert by_object["trigger ghosts.of_root"] == ("root@localhost", "master@127.%")
    assert by_object["event ghosts.e"] == ("root@localhost", "master@127.%")
    with sides.source as source, sides.target as target:
        lines = check_parity(source, target, schemas, ["a"]).lines()
    assert any("explained: defined by ghost@10.1.%" in line for line in lines)


def test_events_wake_only_where_they_were_awake(sides: Sides) -> None:
    schemas = sides.move("code", case_script("code"))
    with sides.source as source, sides.target as target:
        create_events(target, code_of(source, schemas))
        assert set_events(target, ["code.nightly", ("code", "once")], True) == ["code.nightly", "code.once"]
        assert set_events(target, ["code.nightly"], True) == []
        states = {e.name: e.status for e in code_of(target, schemas).events}
        assert states == {"nightly": "ENABLED", "once": "ENABLED", "asleep": "DISABLED"}


def test_switching_an_event_keeps_its_definer(sides: Sides) -> None:
    schemas = sides.make("definer_kept", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;")
    sides.source_server.query("CREATE USER IF NOT EXISTS owner_of_it@'%'")
    sides.source_server.query("ALTER DEFINER=owner_of_it@'%' EVENT definer_kept.e ON SCHEDULE EVERY 2 DAY")
    with sides.source as source:
        set_events(source, ["definer_kept.e"], False)
        (event,) = code_of(source, schemas).events
    assert event.status == "DISABLED"
    assert "DEFINER=`owner_of_it`@`%`" in event.sql


def test_code_keeps_a_definer_that_the_server_knows(sides: Sides) -> None:
    """At a rollback the source gets its triggers with the definers that they had."""
    schemas = sides.make(
        "way_back",
        "CREATE TABLE t (id INT); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET new.id = 1;",
    )
    sides.source_server.query("CREATE USER IF NOT EXISTS trigger_owner@'%'")
    with sides.source as source:
        code = code_of(source, schemas)
        (trigger,) = code.triggers
        changed = trigger.sql.replace("root`@`localhost", "trigger_owner`@`%")
        code = ApplicationCode(triggers=[trigger.model_copy(update={"sql": changed})])
        drop_triggers(source, schemas)
        create_triggers(source, code)
        assert "DEFINER=`trigger_owner`@`%`" in code_of(source, schemas).triggers[0].sql


def test_counters_are_raised_and_never_lowered(sides: Sides) -> None:
    schemas = sides.move("counters", case_script("counters"))
    sides.source_server.query("ALTER TABLE counters.not_first AUTO_INCREMENT = 9000")
    sides.target_server.query("ALTER TABLE counters.unique_one AUTO_INCREMENT = 77777")
    sides.source_server.query("SELECT NEXT VALUE FOR counters.tickets")
    with sides.source as source, sides.target as target:
        raised = raise_auto_increment(source, target, schemas)
        assert "counters.not_first: 5002 -> 9000" in raised
        assert raise_auto_increment(source, target, schemas) == []
        assert (
            target.one("SELECT next_not_cached_value v FROM counters.tickets")["v"]
            >= source.one("SELECT next_not_cached_value v FROM counters.tickets")["v"]
        )
        kept = target.one(
            "SELECT auto_increment n FROM information_schema.tables WHERE table_schema = 'counters' AND"
            " table_name = 'unique_one'"
        )
        assert kept["n"] == 77777


def test_a_sequence_in_its_second_round_is_ahead_of_a_higher_number(sides: Sides) -> None:
    schemas = sides.make(
        "rounds",
        "CREATE SEQUENCE s MINVALUE 1 MAXVALUE 5 CYCLE NOCACHE; CREATE SEQUENCE down START WITH -1 INCREMENT"
        " BY -1 MINVALUE -9 MAXVALUE -1 NOCACHE;",
    )
    sides.carry(schemas, Phase.TABLES)
    sides.target_server.query("SELECT SETVAL(rounds.s, 4, 0)")
    sides.target_server.query("SELECT SETVAL(rounds.down, -7, 0)")
    for _ in range(7):
        sides.source_server.query("SELECT NEXTVAL(rounds.s), NEXTVAL(rounds.down)")
    with sides.source as source, sides.target as target:
        assert raise_auto_increment(source, target, schemas) == [
            "sequence rounds.down: -7 -> -8",
            "sequence rounds.s: 4 -> 3",
        ]
        assert raise_auto_increment(source, target, schemas) == []
    assert sides.target_server.query("SELECT NEXTVAL(rounds.s), NEXTVAL(rounds.down)") == [(3, -8)]


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
        sides.carry(schemas, Phase.TABLES, Phase.INDEXES, Phase.FOREIGN_KEYS, Phase.CODE)
        assert check_parity(source, target, schemas, ["a"]).unexplained == []


def test_another_table_of_the_same_name_is_refused(sides: Sides) -> None:
    schemas = sides.make("clash", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10));")
    sides.target_server.load(
        "CREATE DATABASE clash CHARACTER SET utf8mb4; CREATE TABLE clash.t (id INT PRIMARY KEY, v INT);"
    )
    with raises(SchemaError, "clash.t", "`v` int", "`v` varchar(10)", "DROP TABLE"):
        sides.carry(schemas, Phase.TABLES)


def test_a_schema_that_is_not_there_is_named(sides: Sides) -> None:
    with raises(SchemaError, "nosuch"):
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


def test_a_timestamps_default_is_the_same_moment_on_a_server_of_another_zone(sides: Sides) -> None:
    """SHOW CREATE TABLE writes it in the session's zone, and CREATE TABLE reads it in the session's."""
    asked = "SELECT UNIX_TIMESTAMP(DEFAULT(at)) FROM moment.t"
    sides.target_server.query("SET GLOBAL time_zone = 'America/New_York'")
    try:
        sides.move(
            "moment",
            "CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NOT NULL DEFAULT '2001-02-03 04:05:06');"
            "INSERT INTO t (id) VALUES (1);",
        )
        # in Seoul
        assert sides.source_server.query(asked) == [(981140706,)]
        assert sides.target_server.query(asked) == [(981140706,)]
    finally:
        sides.target_server.query("SET GLOBAL time_zone = 'Asia/Seoul'")
