"""The application's accounts on a target whose master has no special rights."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from livemove.control.adapters.setup import copy_application_accounts
from livemove.model.errors import SetupError
from livemove.model.spec import find_spec
from livemove.preflight.adapters.facts_reader import read_database
from livemove.preflight.checks import passwords
from tests.doubles.sides import Sides, sides
from tests.raising import raises

__all__ = ["sides"]
pytestmark = pytest.mark.servers
USERS = ("guest_app", "guest_ed")


@pytest.fixture
def clean(sides: Sides) -> Iterator[Sides]:
    def drop() -> None:
        for server in (sides.source_server, sides.target_server):
            for role in ("guest_reads", "guest_writes"):
                server.query(f"DROP ROLE IF EXISTS {role}")
            for user, host in server.query(f"SELECT user, host FROM mysql.user WHERE user IN {USERS}"):
                server.query(f"DROP USER `{user}`@`{host}`")

    drop()
    sides.make("guests", "CREATE TABLE t (id INT, secret INT); INSERT INTO t VALUES (1, 2);")
    yield sides
    drop()


def copy(sides: Sides) -> list[str]:
    with sides.source as source, sides.target as target:
        return copy_application_accounts(source, target, ["guest_app"])


def test_an_account_keeps_its_password_its_roles_and_its_lock(clean: Sides) -> None:
    for statement in (
        "CREATE USER guest_app@'127.%' IDENTIFIED BY 'pass''word'",
        "CREATE ROLE guest_reads",
        "CREATE ROLE guest_writes",
        "GRANT SELECT (id) ON guests.t TO guest_reads",
        "GRANT guest_reads TO guest_writes",
        "GRANT INSERT ON guests.* TO guest_writes",
        "GRANT guest_writes TO guest_app@'127.%'",
        "SET DEFAULT ROLE guest_writes FOR guest_app@'127.%'",
        "GRANT EXECUTE ON guests.* TO guest_app@'127.%'",
    ):
        clean.source_server.query(statement)
    (later,) = copy(clean)
    assert "guests" in later
    assert "1146" in later, "its table is carried later"
    clean.target_server.load("CREATE DATABASE guests; CREATE TABLE guests.t (id INT, secret INT);")
    assert copy(clean) == []
    where = {
        "host": clean.target_server.address,
        "user": "guest_app",
        "password": "pass'word",
        "autocommit": True,
    }
    with pytest.raises(pymysql.err.OperationalError, match="locked"):
        pymysql.connect(**where)
    clean.target_server.query("ALTER USER guest_app@'127.%' ACCOUNT UNLOCK")
    with pymysql.connect(**where) as c, c.cursor() as cursor:
        cursor.execute("INSERT INTO guests.t VALUES (1, 2)")
        cursor.execute("SELECT id FROM guests.t")
        assert cursor.fetchall() == ((1,),)
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("SELECT secret FROM guests.t")


def test_a_login_without_a_hash_that_can_be_carried_is_refused_beforehand(clean: Sides) -> None:
    clean.source_server.query("CREATE USER guest_app@localhost IDENTIFIED VIA unix_socket")
    clean.source_server.query("CREATE USER guest_app@'127.%' IDENTIFIED BY 'x'")
    with clean.source as source:
        facts = read_database(source, ["guests"], ["guest_app"], sample_seconds=0)
    found = {(f.subject, str(f.severity)) for f in passwords.check(facts, find_spec("shop"))}
    assert found == {("'guest_app'@'localhost'", "error")}


def test_a_plugin_that_the_target_lacks_is_told_and_an_account_made_by_hand_is_kept(
    clean: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean.source_server.query("CREATE USER guest_app@'127.%' IDENTIFIED BY 'x'")
    monkeypatch.setattr(
        "livemove.control.adapters.setup.locked_copy",
        lambda create: create.replace("IDENTIFIED BY PASSWORD", "IDENTIFIED VIA nosuch USING"),
    )
    with raises(SetupError, "'guest_app'@'127.%'", "nosuch"):
        copy(clean)
    clean.target_server.query("CREATE USER guest_app@'127.%' IDENTIFIED BY 'y'")
    assert copy(clean) == []
