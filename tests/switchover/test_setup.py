"""Accounts and control objects as prepare_control and prepare_return make them, on both kinds of server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import boto3
import pymysql
import pytest
from moto import mock_aws

from livemove.control.adapters.control_row import Control, version
from livemove.control.adapters.setup import credentials, ensure_account, locked_copy, secret_name
from livemove.control.adapters.state import never_left
from livemove.model.errors import RefusedError, SetupError
from livemove.model.ledger import Outputs, WayBack
from livemove.model.ports import Json, Link, TaskState
from livemove.model.spec import MigrationSpec, Side, load_spec, project_root
from livemove.runtime.clock import SystemClock
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.adapters.reverse_replication_status import look
from livemove.switchover.adapters.wiring import (
    build_dependencies,
    prepare_control,
    prepare_return,
    refuse_a_rebuilt_source,
    refuse_after_a_move,
    remove_control,
)
from tests.doubles.memory import MemoryLedger
from tests.doubles.worlds import OwnPorts
from tests.raising import raises
from tests.switchover.conftest import Two
from tests.switchover.replicating import Replicators
from tests.switchover.test_control_row import make_owner

S, T = Side.SOURCE, Side.TARGET


class LoggingIn(Replicators):
    """Logs in with both accounts, as DMS's connection test does."""

    def prepare(
        self, link: Link, *, full_load: bool, reader: Json | None = None, applier: Json | None = None
    ) -> None:
        for login in (reader, applier):
            assert login is not None
            pymysql.connect(
                host=login["host"], port=login["port"], user=login["username"], password=login["password"]
            ).close()
        super().prepare(link, full_load=full_load)


class FakeWorld(OwnPorts):
    """What these functions ask of the service context, on the two servers and an AWS in memory."""

    def __init__(self, two: Two, folder: Any) -> None:
        spec = load_spec(project_root() / "include" / "migrations" / "shop.yaml")
        server = two.servers[S]
        source = spec.source.model_copy(update={"address": server.address, "port": server.port})
        self.spec: MigrationSpec = spec.model_copy(update={"source": source})
        self.two, self.ledger, self.clock = two, MemoryLedger(), SystemClock()
        self.outputs = Outputs(database_address=two.servers[T].address, database_port=two.servers[T].port)
        self.ledger.save(self.outputs)
        self.replicator = LoggingIn(folder, two.servers)

    def secret(self, connection_id: str) -> Any:
        return SimpleNamespace(host="")

    def aws(self, service: str) -> Any:
        return boto3.client(
            service, region_name="ap-northeast-2", aws_access_key_id="x", aws_secret_access_key="x"
        )

    def database(self, side: Side, **options: Any) -> Any:
        return self.two.db[side].fresh(**options)

    def host(self, server: Any) -> Any:
        raise SetupError("no servers here")

    def hosts(self) -> list[Any]:
        return []


@pytest.fixture
def world(two: Two, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    two.root(T, "DROP DATABASE livemove")
    two.root(S, "DROP DATABASE livemove")
    for user in ("livemove_read", "livemove_apply_e1"):
        two.root(T, f"DROP USER IF EXISTS {user}@'%'")
    monkeypatch.setattr(
        "livemove.switchover.adapters.wiring.Servers.of", lambda world: SimpleNamespace(status=list)
    )
    with mock_aws():
        made = FakeWorld(two, tmp_path)
        yield made
        made.replicator.close()


def test_control_is_prepared_twice_without_changing_anything(world: Any, two: Two) -> None:
    first = prepare_control(world)
    assert first == {"installed": {"source": True, "target": True}, "version": version(), "granted_later": []}
    assert str(two.s.read()) == "source OPEN@1"
    assert str(two.t.read()) == "target FOLLOW@1"
    made = credentials(world, T, "livemove_apply_e1")
    again = prepare_control(world)
    assert again["installed"] == {"source": False, "target": False}
    assert credentials(world, T, "livemove_apply_e1") == made
    applier = pymysql.connect(
        host=made["host"], port=made["port"], user=made["username"], password=made["password"]
    )
    with closing(applier) as c, c.cursor() as cursor:
        cursor.execute("INSERT INTO livemove.watermark_source_target VALUES ('x', 1, NOW())")
        cursor.execute("INSERT INTO shop.log (what) VALUES ('x')")
        with pytest.raises(pymysql.err.MySQLError):
            cursor.execute("UPDATE livemove.control SET state = 'OPEN'")
    assert two.locked(T)
    assert not two.locked(S)


def test_the_way_back_is_tested_with_its_account_open_and_locked_afterwards(world: Any, two: Two) -> None:
    prepare_control(world)
    with build_dependencies(world) as parts:
        parts.settings = parts.settings.model_copy(update={"pause_budget": 0.2})
        # nothing replicates here: the pause cannot be measured, but the way is prepared by then
        with pytest.raises(Exception, match="did not arrive"):
            prepare_return(world, parts)
    link = Link("shop", 2, T)
    assert world.ledger.kept["switchover/plan"]["steps"][6].startswith("6 commit: reads source FENCED@1")
    assert world.replicator.status(link).state is TaskState.READY
    assert two.locked(S, "livemove_apply_e2")


def test_the_watch_looks_at_the_return_path_in_use(world: Any, two: Two) -> None:
    prepare_control(world)
    ensure_account(two.db[T], "livemove_read", "r", [], locked=False)
    with pytest.raises(RefusedError, match="since a move"):
        look(world)
    two.allow_replicator(S, 2)
    make_owner(two, T)
    link = Link("shop", 2, T)
    Replicators.prepare(world.replicator, link, full_load=False)
    world.replicator.start(link, position=two.t.read().position)
    world.replicator.until_following(link)
    seen = look(world)
    assert seen.message.startswith("Reverse replication runs, ")
    assert (seen.epoch, seen.losses, seen.needs) == (2, [], way_back.checkpoint(seen.needs))
    assert world.ledger.load(WayBack) == seen
    world.replicator.stop(link)
    assert look(world).message.startswith("Reverse replication is stopped")


def test_the_way_back_is_refused_while_a_move_is_under_way(world: Any, two: Two) -> None:
    prepare_control(world)
    assert two.s.arm(1, "me", 60).done
    with (
        build_dependencies(world) as parts,
        raises(RefusedError, wanted="OPEN@e on one side, FOLLOW@e on the other"),
    ):
        prepare_return(world, parts)


def test_control_is_removed_only_when_the_target_owns_and_the_application_stays_in(
    world: Any, two: Two
) -> None:
    prepare_control(world)
    with raises(RefusedError, "target FOLLOW@1"):
        remove_control(world)
    for out in (two.s.arm(1, "a", 60), two.s.close(1, "a"), two.s.cede(1, "a", 1), two.t.claim(2)):
        assert out.done
    two.t.set_position(2, two.t.binlog_position())
    assert two.t.open(2).done
    assert two.s.follow(2).done
    assert remove_control(world) == {"target": "removed", "source": "removed"}
    assert remove_control(world) == {"target": "removed", "source": "removed"}
    for side in Side:
        assert two.root(side, "SELECT COUNT(*) FROM mysql.global_priv WHERE User LIKE 'livemove%'") == [(0,)]
    two.application(T).close()
    assert two.locked(S)
    assert two.root(S, "SELECT @@read_only") == [(1,)]
    assert world.aws("secretsmanager").list_secrets()["SecretList"] == []


def test_before_both_sides_are_prepared_the_writes_cannot_have_left(world: Any, two: Two) -> None:
    assert "neither database has a control row" in str(never_left(world))
    outputs = world.ledger.kept.pop("outputs")
    assert "neither database has a control row" in str(never_left(world)), "no target at all"
    world.ledger.write("outputs", outputs)
    prepare_control(world)
    assert never_left(world) is None, "then the rows tell"
    two.root(T, "DROP DATABASE livemove")
    assert "the target was not prepared yet" in str(never_left(world))
    two.root(S, "UPDATE livemove.control SET state = 'CEDED', epoch = 2")
    assert never_left(world) is None


def test_what_was_prepared_is_taken_down_and_the_source_never_notices(world: Any, two: Two) -> None:
    prepare_control(world)
    with closing(two.application(S)) as c, c.cursor() as cursor:
        assert remove_control(world, S) == {"target": "removed", "source": "removed"}
        cursor.execute("INSERT INTO log (what) VALUES ('all the time')")
    assert remove_control(world, S) == {"target": "removed", "source": "removed"}
    for side in Side:
        assert two.root(side, "SELECT COUNT(*) FROM mysql.global_priv WHERE User LIKE 'livemove%'") == [(0,)]
        assert two.root(side, "SHOW DATABASES LIKE 'livemove'") == []
    two.application(S).close()
    assert two.root(S, "SELECT @@read_only") == [(0,)]
    assert two.locked(T)
    world.ledger.kept.pop("outputs")
    assert remove_control(world, S) == {"target": "was never made", "source": "removed"}


def test_nothing_is_taken_down_once_the_writes_have_moved(world: Any, two: Two) -> None:
    prepare_control(world)
    assert two.t.promote(1, "me").done  # the source is OPEN@1 by its own row, and the target owns
    with raises(RefusedError, "target CLAIMED@2"):
        remove_control(world, S)
    with raises(RefusedError, wanted="epoch 1 on both sides: writes that never left the source"):
        refuse_after_a_move(world)
    assert two.root(S, "SHOW DATABASES LIKE 'livemove'")


def test_a_connection_that_rested_too_long_is_made_anew(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control(two.db[S])
    number = control.db.one("SELECT CONNECTION_ID() AS id")["id"]
    two.root(S, f"KILL {number}")
    control._used -= 100
    assert control.read().epoch == 1
    control.close_connection()


def test_accounts_of_the_spec_that_the_source_does_not_have_are_named(world: Any, two: Two) -> None:
    two.root(S, "DROP USER shop_app@'127.%'")
    with raises(SetupError, "shop_app"):
        prepare_control(world)


def test_a_copied_account_is_locked_whatever_it_was() -> None:
    for lock in ("", " ACCOUNT LOCK"):
        made = locked_copy(f"CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*X' REQUIRE SSL{lock}")
        assert (
            made == "CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED BY PASSWORD '*X' REQUIRE SSL ACCOUNT LOCK"
        )


def test_secrets_stand_under_the_service_and_the_side() -> None:
    assert secret_name("shop", T, "livemove_read") == "shop/livemove/target/livemove_read"


def test_a_rebuilt_source_is_not_opened_beside_a_target_that_has_owned_the_writes(two: Two) -> None:
    source, target = two.db[Side.SOURCE], two.db[Side.TARGET]
    refuse_a_rebuilt_source(source, target)
    two.root(Side.SOURCE, "DROP DATABASE livemove")
    refuse_a_rebuilt_source(source, target)  # the target never owned anything
    assert two.t.promote(1, "me").done
    with raises(RefusedError, "target CLAIMED@2"):
        refuse_a_rebuilt_source(source, target)
