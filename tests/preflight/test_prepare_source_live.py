"""The account that `livemove prepare-source` asks for can do what the move needs of it, on a real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pymysql
import pytest

from lab.mariadb import Server
from livemove.control.adapters.control_row import Control
from livemove.control.adapters.setup import APPLY_RIGHTS, READ_RIGHTS, drop_accounts, ensure_account, install
from livemove.model.ports import Json, Severity
from livemove.model.source_settings import CODE, SETTINGS
from livemove.model.spec import Side
from livemove.preflight.adapters.facts_reader import read_database
from livemove.preflight.adapters.source_needs import needs
from livemove.preflight.checks import privileges
from livemove.preflight.facts import Facts
from livemove.preflight.prepare_source import parts
from livemove.runtime.mariadb import Login, MariaDb
from livemove.runtime.service_context import Secret, ServiceContext
from livemove.schema.adapters.stored_code import code_of, create_code, drop_triggers
from tests.preflight.test_preflight import SPEC

SHOP = """
CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY, v INT);
CREATE USER other@'127.%' IDENTIFIED BY 'o';
CREATE DEFINER=other@'127.%' TRIGGER shop.twice BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.v = NEW.id * 2;
CREATE DEFINER=other@'127.%' EVENT shop.rests ON SCHEDULE EVERY 1 DAY DO SET @n = 1;
CREATE USER shop_app@'127.%' IDENTIFIED BY 'a';
GRANT SELECT, INSERT ON shop.* TO shop_app@'127.%';
"""


@pytest.fixture(scope="module")
def server(make_mariadb: Callable[..., Server]) -> Server:
    asked_for = next(s for s in SETTINGS if s.check == CODE)
    made = make_mariadb(**{asked_for.name: asked_for.value})
    made.load(SHOP)
    asked = next(p.text for p in parts(SPEC, None) if p.file == "livemove.sql")
    made.load(re.sub("<password[^>]*>", "secret", asked))
    return made


@pytest.fixture
def db(server: Server) -> Iterator[MariaDb]:
    with MariaDb(Side.SOURCE, Login(server.address, server.port, "livemove", "secret")) as db:
        yield db


def test_the_preflight_finds_nothing_missing(db: MariaDb) -> None:
    facts = read_database(db, ["shop"], ["shop_app"], sample_seconds=0)
    assert [f.severity for f in privileges.check(Facts(spec=SPEC, database=facts))] == [Severity.OK]


def test_it_fences_the_application_and_lets_it_in_again(server: Server, db: MariaDb) -> None:
    assert install(db, ["shop_app"], ["shop"])
    control = Control(db)
    with pymysql.connect(host=server.address, port=server.port, user="shop_app", password="a") as session:
        assert control.arm(1, "me", 30).done
        assert control.close(1, "me").done
        with pytest.raises(pymysql.err.MySQLError), session.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert server.query("SELECT @@read_only") == [(1,)]
    assert control.lift(1, "me").done
    assert server.query("SELECT @@read_only") == [(0,)]
    assert control.binlog_position()
    control.close_connection()


def test_it_makes_the_accounts_of_the_replicator(db: MariaDb) -> None:
    ensure_account(db, "livemove_read", "r", [f"{READ_RIGHTS} ON *.*"], locked=False)
    ensure_account(
        db, "livemove_apply_e2", "w", [f"{APPLY_RIGHTS} ON `shop`.*", "READ_ONLY ADMIN ON *.*"], locked=True
    )
    facts = read_database(db, ["shop"], ["shop_app"], sample_seconds=0)
    assert [f.severity for f in privileges.check(Facts(spec=SPEC, database=facts))] == [Severity.OK]
    drop_accounts(db)


def test_it_puts_triggers_and_events_back_under_their_own_definers(server: Server, db: MariaDb) -> None:
    kept = code_of(db, ["shop"])
    assert drop_triggers(db, ["shop"]) == ["shop.twice"]
    assert create_code(db, kept) == ["shop.twice"]
    found = server.query("SELECT definer FROM information_schema.triggers WHERE trigger_schema = 'shop'")
    assert found == [("other@127.%",)]


class Reachable(ServiceContext):
    """A world whose source is the server of this test, and nothing else answers."""

    at: tuple[str, int]
    extra: Json = {}

    def secret(self, connection_id: str) -> Secret:
        return Secret(connection_id, *self.at, "livemove", "secret", self.extra)


def test_the_command_names_only_what_the_running_source_lacks(server: Server) -> None:
    world = Reachable(SPEC)
    world.at = (server.address, server.port)
    assert server.certificate
    world.extra = {"ssl": {"ca": str(server.certificate[0])}}
    server.query("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    found, why = needs(world, look=True)
    server.query("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
    files = {p.file: p.text for p in found}
    assert "only what is missing" in why
    assert "\ninnodb_flush_log_at_trx_commit = 1" in files["livemove.cnf"]
    assert "\nsync_binlog" not in files["livemove.cnf"]
    assert "'livemove'@'%' has every right" in files["livemove.sql"]


def test_a_source_that_does_not_answer_gets_the_whole_list() -> None:
    world = Reachable(SPEC)
    world.at = ("127.0.0.1", 1)
    found, why = needs(world, look=True)
    assert "could not be asked" in why
    assert "log_bin = mysql-bin" in found[0].text
