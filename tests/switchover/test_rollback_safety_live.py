"""Rollback on real servers: stored code created again as it was, binlogs that rotate, and refusals."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest

from lab.cloud import rds_server
from livemove.control.adapters.setup import keep_binlogs
from livemove.model.errors import RefusedError
from livemove.model.ports import Json, Link, TaskState
from livemove.model.spec import Side
from livemove.switchover import reverse_replication as return_path
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.guards import refusals, remarks
from livemove.switchover.protocol import Switchover
from livemove.switchover.rollback import go_back
from tests.raising import raises
from tests.switchover.conftest import Two
from tests.switchover.test_move import World, still_writing

S, T = Side.SOURCE, Side.TARGET
BACK = Link("shop", 2, T)
TABLES = (
    "CREATE TABLE shop.visits (k VARCHAR(60), n INT)",
    "CREATE TABLE shop.runs (id INT PRIMARY KEY, n INT NOT NULL)",
    "CREATE TABLE shop.parents (id INT PRIMARY KEY)",
    (
        "CREATE TABLE shop.children (id INT PRIMARY KEY, p INT, CONSTRAINT of FOREIGN KEY (p) REFERENCES"
        " shop.parents (id) ON DELETE CASCADE ON UPDATE CASCADE)"
    ),
)
CODE = (
    "INSERT INTO shop.runs VALUES (1, 0)",
    (
        "CREATE TRIGGER shop.visits_too AFTER INSERT ON shop.orders FOR EACH ROW PRECEDES after_order INSERT"
        " INTO visits VALUES (NEW.k, 1)"
    ),
    (
        "CREATE DEFINER=`shop_o'neil`@`127.%` TRIGGER shop.quoted BEFORE INSERT ON shop.orders FOR EACH ROW"
        ' SET NEW.v = "caf\u00e9 \U0001f600"'
    ),
    (
        "CREATE TRIGGER shop.again AFTER INSERT ON shop.orders FOR EACH ROW FOLLOWS visits_too INSERT INTO"
        " visits VALUES (NEW.k, 2)"
    ),
    """CREATE EVENT shop.ticks ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE DO BEGIN
         INSERT INTO shop.visits VALUES ('event', 0); UPDATE shop.runs SET n = n + 1 WHERE id = 1; END""",
    "CREATE EVENT shop.never ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
)
TRIGGERS = """SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER, ACTION_STATEMENT,
                     DEFINER, SQL_MODE,
                     CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION
                FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop' ORDER BY 1"""
EVENTS = (
    "SELECT EVENT_NAME, DEFINER, STATUS, SQL_MODE, EVENT_DEFINITION FROM information_schema.EVENTS WHERE"
    " EVENT_SCHEMA = 'shop' ORDER BY 1"
)


class Turning(World):
    """A world whose owners' binlogs rotate, and where RDS writes its row, at the worst moments."""

    def __init__(self, two: Two, folder: Path) -> None:
        super().__init__(two, folder)
        self.swapped: list[str] = []
        differences = self.parts.proof.differences

        def between_drain_and_commit(seconds: float) -> list[str]:
            found = differences(seconds)
            self.turn(next(side for side in Side if self.two.control[side].read().state == "FENCED"))
            return found

        self.parts.proof.differences = between_drain_and_commit  # type: ignore[method-assign]

    def turn(self, owner: Side) -> None:
        server, before = self.two.servers[owner], self.two.control[owner].binlog_position()
        if owner is T:
            rds_server.beat(server)
            rds_server.rotate(server)
            rds_server.beat(server)
        else:
            self.two.root(owner, "FLUSH BINARY LOGS")
        after = self.two.control[owner].binlog_position()
        assert before.split(":")[0] < after.split(":")[0]
        self.swapped.append(str(owner))

    def prepare(self, table: tuple[str, ...] = (), code: tuple[str, ...] = ()) -> None:
        for side in Side:
            for statement in table:
                self.two.root(side, statement)
        self.begin(*code)

    def go(self, to: Side, epoch: int) -> Json:
        """One move with reverse replication; meanwhile the next owner's binlog rotates past the position."""
        self.prepare_return(epoch, to.other)
        document = self.move(to)
        self.turn(to)
        assert (path := return_path.run(self.parts))
        assert path.position == document.position
        return document

    def go_back(self) -> Json:
        make: Callable[[Side], Switchover] = lambda to: Switchover(self.parts, to, "back", guards=refusals)  # noqa: E731

        def prepare(_: object) -> Json:
            self.prepare_return(2, T)
            return {}

        return go_back(self.parts, make, prepare)

    def look(self) -> str:
        position = self.two.t.read().position
        return way_back.look(self.parts, BACK, position, 5).message


@pytest.fixture
def world(two: Two, tmp_path: Path) -> Iterator[Turning]:
    made = Turning(two, tmp_path)
    yield made
    for user in made.users:
        user.end.set()
    made.replicators.close()
    made.stack.close()
    two.control[S].close_connection()


def settled(world: Turning, owner: Side, tables: str) -> None:
    world.two.until(
        lambda: (
            world.two.root(S, f"CHECKSUM TABLE {tables}") == world.two.root(T, f"CHECKSUM TABLE {tables}")
        ),
        f"the {owner.other} equal to the {owner}",
        30,
    )


@pytest.fixture
def amazon(two: Two) -> Iterator[rds_server.HostManager]:
    """Rotates and beats twice a second once it is started."""
    manager = rds_server.HostManager(two.servers[T], 0.5)
    yield manager
    manager.end()


def test_trigger_event_keyless_table_and_cascade_there_and_back_have_exact_counts(
    world: Turning, two: Two, amazon: rds_server.HostManager
) -> None:
    two.root(S, "CREATE USER `shop_o'neil`@'127.%'")
    world.prepare(TABLES, CODE)
    two.root(S, "INSERT INTO shop.parents VALUES (1), (2), (3), (4)")
    two.root(S, "INSERT INTO shop.children VALUES (10, 1), (20, 2), (30, 3), (40, 4)")
    two.root(S, "DELETE FROM shop.parents WHERE id = 1")
    code = two.root(S, TRIGGERS), two.root(S, EVENTS)
    assert [(r[0], r[3]) for r in code[0]] == [
        ("after_order", 3),
        ("again", 2),
        ("quoted", 1),
        ("visits_too", 1),
    ]
    world.compare(S, 1)

    amazon.start()
    with still_writing(world):
        world.go(T, 1)
    assert two.root(S, TRIGGERS) == []
    assert {r[2] for r in two.root(S, EVENTS)} == {"DISABLED"}
    assert len(two.root(T, TRIGGERS)) == 4
    two.root(T, "UPDATE shop.parents SET id = 5 WHERE id = 2")
    two.root(T, "DELETE FROM shop.parents WHERE id = 3")
    ran = two.root(T, "SELECT n FROM shop.runs")[0][0]
    two.until(lambda: two.root(T, "SELECT n FROM shop.runs")[0][0] != ran, "the event running on the target")
    world.compare(T, 2)
    assert world.look().startswith("Reverse replication runs")

    with still_writing(world):
        assert world.go_back().although == []
    assert world.swapped == ["source", "target", "target"]
    assert (two.root(S, TRIGGERS), two.root(S, EVENTS)) == code
    assert two.root(T, TRIGGERS) == []
    world.audit(S)
    two.root(S, "ALTER EVENT shop.ticks DISABLE")
    settled(world, S, "shop.orders, shop.log, shop.visits, shop.runs, shop.parents, shop.children")
    for side in Side:
        orders = two.root(side, "SELECT COUNT(*) FROM shop.orders")[0][0]
        visits = two.root(side, "SELECT n, COUNT(*) FROM shop.visits GROUP BY n ORDER BY n")
        runs = two.root(side, "SELECT n FROM shop.runs")[0][0]
        assert visits == [(0, runs), (1, orders), (2, orders)]
        assert two.root(side, "SELECT * FROM shop.children ORDER BY id") == [(20, 5), (40, 4)]


def test_a_failed_return_path_stops_the_rollback_and_the_owner_serves(world: Turning, two: Two) -> None:
    world.prepare()
    world.go(T, 1)
    # somebody wrote on the follower: the next insert of that key is refused, and the task fails
    two.root(S, "INSERT INTO shop.orders (id, k) SELECT MAX(id) + 100000, 'stranger' FROM shop.orders")
    two.root(T, "INSERT INTO shop.orders (k) VALUES ('stranger')")
    two.until(lambda: world.replicators.status(BACK).state is TaskState.FAILED, "the failed task", 30)
    with still_writing(world):
        assert (
            "A rollback would lose writes: the source misses rows: shop.orders: Table error" in world.look()
        )
        with raises(RefusedError, "shop.orders", "Table error"):
            world.go_back()
    assert str(two.t.read()) == "target OPEN@2"


def test_a_purged_position_refuses_the_rollback_until_the_follower_is_copied_anew(
    world: Turning, two: Two, tmp_path: Path
) -> None:
    world.prepare()
    world.go(T, 1)
    world.look()
    world.replicators.stop(BACK)
    two.root(T, "UPDATE mysql.rds_configuration SET value = NULL")
    assert "binlog retention hours is NULL" in world.look()
    needs = way_back.facts(world.parts, BACK, two.t.read().position).needs.split(":")[0]

    def purged() -> bool:
        rds_server.rotate(two.servers[T])
        return needs not in two.t.binlogs().files

    two.until(purged, "the end of the binlog that reverse replication needs")
    assert "every write in between is missing on the source" in world.look()
    with still_writing(world), raises(RefusedError, needs):
        world.go_back()
    assert str(two.t.read()) == "target OPEN@2"

    # docs/runbook.md, Reverse replication is broken
    keep_binlogs(two.db[T], 168)
    copy_anew(world, tmp_path)
    world.replicators.forget(BACK)
    world.prepare_return(1, S)
    return_path.run(world.parts)
    world.compare(T, 2)
    assert world.look().startswith("Reverse replication runs")
    with still_writing(world):
        world.go_back()
    world.audit(S)


def copy_anew(world: Turning, folder: Path) -> None:
    t, s, dump = world.two.servers[T], world.two.servers[S], folder / "dump.sql"
    login = ["--no-defaults", f"--host={t.address}", f"--port={t.port}", "--user=master", "--password=m"]
    kept = [
        f"--ignore-table=livemove.{name}"
        for name in (
            "control",
            "application_account",
            "application_schema",
            "sleeping_event",
            "watermark_source_target",
        )
    ]
    with dump.open("wb") as out:
        subprocess.run(
            [
                "mariadb-dump",
                *login,
                "--single-transaction",
                "--master-data=2",
                "--skip-triggers",
                "--no-create-db",
                *kept,
                "--databases",
                "shop",
                "livemove",
            ],
            stdout=out,
            check=True,
            timeout=60,
        )
    text = dump.read_text()
    line = next(x for x in text.splitlines() if "MASTER_LOG_FILE" in x)
    file, at = line.split("'")[1], line.split("MASTER_LOG_POS=")[1].rstrip(";")
    s.load(text)
    world.two.db[T].run(
        "UPDATE livemove.control SET position = %s WHERE id = 1 AND state = 'OPEN' AND epoch = 2",
        (f"{file}:{at}",),
    )


def test_guards_see_strangers_restarts_ddl_and_retention_on_real_servers(world: Turning, two: Two) -> None:
    world.prepare()
    world.prepare_return(1, S)
    assert refusals(world.parts, T, 1) == []
    two.root(S, "CREATE USER shop_cron@'127.%' IDENTIFIED BY 'x'")
    two.root(S, "CREATE USER shop_reads@'127.%' IDENTIFIED BY 'x'")
    two.root(S, "GRANT INSERT ON shop.log TO shop_cron@'127.%'")
    two.root(S, "GRANT SELECT ON *.* TO shop_reads@'127.%'")
    two.root(S, "GRANT ALL ON elsewhere.* TO shop_reads@'127.%'")
    with closing(login(two, "shop_cron")), closing(login(two, "shop_reads")):
        (reason,) = refusals(world.parts, T, 1)
    assert "of shop_cron@127.0.0.1 may write to the source and would not be fenced" in reason
    two.root(S, "GRANT CREATE USER ON *.* TO shop_app@'127.%'")
    (reason,) = refusals(world.parts, T, 1)
    assert "application account 'shop_app'@'127.%' with CREATE USER" in reason
    two.root(S, "REVOKE CREATE USER ON *.* FROM shop_app@'127.%'")

    two.root(T, "UPDATE mysql.rds_configuration SET value = NULL")
    (reason,) = refusals(world.parts, T, 1)
    assert "the target keeps its binlogs for 0 h" in reason
    keep_binlogs(two.db[T], 168)
    assert two.t.binlogs().keeps == 168 * 3600
    assert two.s.binlogs().keeps == 86400

    two.root(T, "CREATE TRIGGER shop.stray AFTER DELETE ON shop.log FOR EACH ROW SET @x = 1")
    (reason,) = refusals(world.parts, T, 1)
    assert "trigger shop.stray is awake on the target, which only follows" in reason
    two.root(T, "DROP TRIGGER shop.stray")

    for side in (S, T):
        two.root(
            side, "CREATE DEFINER = shop_app@'127.%' EVENT shop.theirs ON SCHEDULE EVERY 1 DAY DO SET @x = 1"
        )
    assert two.s.undisablable_events() == []  # SET USER is in the rights of the data centre's login
    assert two.t.undisablable_events() == ["shop.theirs of shop_app@127.%"]
    for side in (S, T):
        two.root(side, "DROP EVENT shop.theirs")

    two.root(S, "ALTER TABLE shop.log ADD COLUMN more INT")
    apart, changed = refusals(world.parts, T, 1)
    assert "shop.log cannot follow: the columns differ: only on one side more" in apart
    assert "shop.log was changed by DDL on the source" in changed
    two.root(S, "ALTER TABLE shop.log DROP COLUMN more")
    assert refusals(world.parts, T, 1) == []

    for user in world.users:
        user.end.set()
    world.replicators.stop(Link("shop", 1, S))
    for control in two.control.values():
        control.close_connection()
    two.servers[S].stop()
    two.servers[S].start()
    told = refusals(world.parts, T, 1)
    assert any("the source was restarted at" in r and "run validate again" in r for r in told)
    assert remarks(world.parts, T, 1) == []


def login(two: Two, user: str) -> pymysql.Connection:
    server = two.servers[S]
    return pymysql.connect(host=server.address, port=server.port, user=user, password="x")
