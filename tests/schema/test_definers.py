"""Views and routines run on the target with their definer's rights and no more: never the master user's."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from livemove.schema.definers import describe_definers, rights_on, stand_in
from tests.doubles.sides import Sides, sides

__all__ = ["sides"]

CLERK, GHOST = stand_in(("clerk", "10.%")), stand_in(("ghost", "%"))
SCRIPT = """
CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE secret (id INT PRIMARY KEY);
INSERT INTO t VALUES (1); INSERT INTO secret VALUES (1);
CREATE OR REPLACE USER clerk@'10.%'; GRANT SELECT (id), INSERT ON stood.t TO clerk@'10.%';
CREATE OR REPLACE USER ghost@'%'; GRANT ALL ON *.* TO ghost@'%';
CREATE DEFINER=clerk@'10.%' PROCEDURE run(q TEXT) EXECUTE IMMEDIATE q;
CREATE DEFINER=clerk@'10.%' FUNCTION how_many() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM t);
GRANT EXECUTE ON PROCEDURE stood.run TO clerk@'10.%';
GRANT EXECUTE ON FUNCTION stood.how_many TO clerk@'10.%';
CREATE DEFINER=clerk@'10.%' PROCEDURE not_its_own() SELECT 1;
CREATE DEFINER=clerk@'10.%' VIEW seen AS SELECT id FROM t;
CREATE DEFINER=clerk@'10.%' VIEW unseen AS SELECT id FROM secret;
CREATE DEFINER=ghost@'%' VIEW of_a_ghost AS SELECT id FROM t;
CREATE DEFINER=ghost@'%' PROCEDURE haunt() SELECT COUNT(*) FROM t;
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW SET new.id = new.id;
DROP USER ghost@'%';
"""


@pytest.fixture(scope="module")
def stood(sides: Sides) -> Iterator[Sides]:
    """Carried, with the application's account on both sides, which may read and call everything in there."""
    sides.move("stood", SCRIPT)
    for server in (sides.source_server, sides.target_server):
        server.query("CREATE OR REPLACE USER asker@'%' IDENTIFIED BY 'asker'")
        server.query("GRANT SELECT, EXECUTE ON stood.* TO asker@'%'")
    yield sides
    for server in (sides.source_server, sides.target_server):
        server.query("DROP USER asker@'%'")


def ask(stood: Sides, query: str) -> list[object]:
    """What the application gets on the source and on the target: a row, or the number of the error."""
    got: list[object] = []
    for server in (stood.source_server, stood.target_server):
        with (
            pymysql.connect(host=server.address, port=server.port, user="asker", password="asker") as c,
            c.cursor() as cursor,
        ):
            try:
                cursor.execute(query)
                got.append(cursor.fetchone())
            except pymysql.err.MySQLError as e:
                got.append(int(e.args[0]))
    return got


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("SELECT stood.how_many()", [(1,), (1,)]),
        ("SELECT id FROM stood.seen", [(1,), (1,)]),
        ("CALL stood.run('SELECT COUNT(*) FROM stood.t')", [(1,), (1,)]),
        # what its definer must not, nobody may through it
        ("CALL stood.run('SELECT COUNT(*) FROM stood.secret')", [1142, 1142]),
        ("CALL stood.run('SELECT COUNT(*) FROM mysql.global_priv')", [1142, 1142]),
        ("CALL stood.run('CREATE USER me_too')", [1227, 1227]),
        ("CALL stood.run('DELETE FROM stood.t')", [1142, 1142]),
        ("CALL stood.run('DROP VIEW stood.seen')", [1142, 1142]),
        ("SELECT id FROM stood.unseen", [1356, 1356]),
        # it may not execute what somebody else has defined for it
        ("CALL stood.not_its_own()", [1370, 1370]),
    ],
)
def test_code_has_its_definers_rights_on_both_sides(stood: Sides, query: str, answer: list[object]) -> None:
    assert ask(stood, query) == answer


@pytest.mark.parametrize("query", ["SELECT id FROM stood.of_a_ghost", "CALL stood.haunt()"])
def test_what_fails_as_its_definer_is_gone_goes_on_failing(stood: Sides, query: str) -> None:
    assert all(isinstance(got, int) for got in ask(stood, query))


def test_a_stand_in_is_locked_and_holds_what_its_definer_holds(stood: Sides) -> None:
    locked = "SELECT user, JSON_VALUE(priv, '$.account_locked') FROM mysql.global_priv"
    found = dict(stood.target_server.query(locked))
    assert {found[CLERK[0]], found[GHOST[0]]} == {"1"}
    grants = [g for (g,) in stood.target_server.query(f"SHOW GRANTS FOR `{CLERK[0]}`")]
    assert {str(g).split(" TO ")[0] for g in grants if "USAGE" not in str(g)} == {
        "GRANT SELECT (`id`), INSERT ON `stood`.`t`",
        "GRANT EXECUTE ON FUNCTION `stood`.`how_many`",
        "GRANT EXECUTE ON PROCEDURE `stood`.`run`",
    }


def test_every_definer_is_told_and_carrying_again_changes_nothing(stood: Sides) -> None:
    from livemove.schema.objects import Phase

    (done,) = stood.carry(["stood"], Phase.CODE)
    assert (done["routines_created"], done["views_created"]) == (0, 0)
    by_object = {d["object"]: d["target"] for d in done["definers"]}  # type: ignore[attr-defined]
    assert by_object["view stood.seen"] == by_object["procedure stood.run"] == "@".join(CLERK)
    assert by_object["view stood.of_a_ghost"] == "@".join(GHOST)
    assert by_object["trigger stood.tr"] == "master@127.%"


def test_code_that_an_earlier_version_made_as_the_master_is_made_again(stood: Sides) -> None:
    from livemove.schema.objects import Phase

    with stood.target as db:
        db.run("DROP PROCEDURE stood.run")
        db.run("CREATE PROCEDURE stood.run(q TEXT) EXECUTE IMMEDIATE q")
    stood.carry(["stood"], Phase.CODE)
    asked = "SELECT definer FROM information_schema.routines WHERE routine_name = 'run'"
    assert stood.target_server.query(asked) == [("@".join(CLERK),)]


def test_code_of_the_same_definer_that_moved_before_keeps_its_rights(stood: Sides) -> None:
    stood.move(
        "stood_later",
        "CREATE TABLE t (id INT PRIMARY KEY); GRANT SELECT ON stood_later.* TO clerk@'10.%';"
        " CREATE DEFINER=clerk@'10.%' VIEW seen AS SELECT id FROM t;",
    )
    assert ask(stood, "SELECT stood.how_many()") == [(1,), (1,)]
    grants = [str(g) for (g,) in stood.target_server.query(f"SHOW GRANTS FOR `{CLERK[0]}`")]
    assert [g.split(" TO ")[0] for g in grants if "later" in g] == ["GRANT SELECT ON `stood\\_later`.*"]


EVERY = ["SELECT", "INSERT", "EXECUTE", "CREATE VIEW"]


@pytest.mark.parametrize(
    ("line", "rights"),
    [
        ("GRANT USAGE ON *.* TO `a`@`%` IDENTIFIED BY PASSWORD '*X'", []),
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", ["GRANT {every} ON `my\\_shop`.*"]),
        ("GRANT SELECT, SUPER, FILE ON *.* TO `a`@`%`", ["GRANT SELECT ON `my\\_shop`.*"]),
        ("GRANT SELECT ON `my\\_shop`.* TO `a`@`%`", ["GRANT SELECT ON `my\\_shop`.*"]),
        ("GRANT SELECT ON `my%`.* TO `a`@`%`", ["GRANT SELECT ON `my\\_shop`.*"]),
        ("GRANT ALL PRIVILEGES ON `other`.* TO `a`@`%`", []),
        ("GRANT SELECT ON `mysql`.* TO `a`@`%`", []),
        (
            "GRANT SELECT (`a`, `b`), INSERT ON `my_shop`.`t` TO `a`@`%`",
            ["GRANT SELECT (`a`, `b`), INSERT ON `my_shop`.`t`"],
        ),
        ("GRANT EXECUTE ON PROCEDURE `my_shop`.`p` TO `a`@`%`", ["GRANT EXECUTE ON PROCEDURE `my_shop`.`p`"]),
        ("GRANT `role` TO `a`@`%`", []),
    ],
)
def test_rights_on_the_schemas_that_move_and_on_nothing_else(line: str, rights: list[str]) -> None:
    assert rights_on([line], ["my_shop"], EVERY) == [r.format(every=", ".join(EVERY)) for r in rights]


def test_definers_are_told_by_who_stands_in_for_whom() -> None:
    def one(what: str, source: str, target: str) -> dict[str, str]:
        return {"object": what, "source": source, "target": target}

    lines = describe_definers(
        [one("view s.a", "app@%", "m@%"), one("event s.e", "app@%", "m@%"), one("view s.b", "m@%", "m@%")]
    )
    assert lines == ["definer app@% becomes m@% in 2: view s.a, event s.e"]
