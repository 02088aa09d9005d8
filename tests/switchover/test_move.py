"""Whole moves between two real servers, with a real replicator and an application that keeps writing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pymysql
import pytest

from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.control.adapters.setup import keep_binlogs
from livemove.model.errors import SwitchoverAborted
from livemove.model.ports import Json, Link, Reply
from livemove.model.spec import Side
from livemove.model.spec import Switchover as Settings
from livemove.runtime.clock import SystemClock
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.adapters.wiring import FinalCheck, StoredCode
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover
from livemove.switchover.steps import Dependencies
from tests.doubles.memory import MemoryLedger
from tests.raising import raises
from tests.switchover.armed import ShellServer, ShellSite, allow_watching
from tests.switchover.conftest import Two
from tests.switchover.replicating import Replicators

TRIGGER = (
    "CREATE TRIGGER shop.after_order AFTER INSERT ON shop.orders FOR EACH ROW INSERT INTO shop.log (what)"
    " VALUES (CONCAT('order ', NEW.k))"
)


class Site:
    """An application on both sites: a hold that makes writers wait, and one setting that repoint flips."""

    def __init__(self, two: Two) -> None:
        self.two, self.side, self.epoch = two, Side.SOURCE, 0
        self.free = threading.Event()
        self.free.set()

    def status(self, watching: Side | None = None) -> list[Reply]:
        return [Reply("web", True, facts={"epoch": self.epoch, "site": "source", "reached": True})]

    def arm(self, epoch: int, to: Side, seconds: float) -> list[Reply]:
        return [Reply("web", False, "no client", {"reached": True})]

    def jobs_off(self) -> list[Reply]:
        return []

    def jobs_on(self, owner: Side) -> list[Reply]:
        return []

    def hold(self, seconds: float, servers: Collection[str]) -> list[Reply]:
        self.free.clear()
        return self.status()

    def release(self) -> list[Reply]:
        self.free.set()
        return self.status()

    def repoint(self, epoch: int, to: Side) -> list[Reply]:
        if epoch < self.epoch:
            return [Reply("web", False, f"epoch {epoch} is older than {self.epoch}", {"reached": True})]
        self.epoch, self.side = epoch, to
        return self.status()

    def stop(self) -> list[Reply]:
        return []


class Users(threading.Thread):
    """One user who places orders under a key of his own, and again under the same key after a failure."""

    def __init__(self, site: Any, number: int) -> None:
        super().__init__(daemon=True)
        self.site, self.number = site, number
        self.acknowledged: list[tuple[float, str]] = []
        self.errors = 0
        self.end = threading.Event()

    def run(self) -> None:
        connection, where, key, n = None, None, "", itertools.count()
        while not self.end.is_set():
            key = key or f"{self.number}-{next(n)}"
            self.site.free.wait(20)
            try:
                if connection is None or where is not self.site.side:
                    where = self.site.side
                    connection = self.site.two.application(where)
                with connection.cursor() as cursor:
                    cursor.execute("INSERT IGNORE INTO orders (k) VALUES (%s)", (key,))
                self.acknowledged.append((time.monotonic(), key))
                key = ""
            except pymysql.err.MySQLError:
                self.errors += 1
                connection = None
            time.sleep(0.005)
        if connection:
            connection.close()


class World:
    def __init__(self, two: Two, folder: Path, site: Any = None) -> None:
        self.two, self.site = two, site or Site(two)
        self.replicators = Replicators(folder, two.servers)
        self.ledger = MemoryLedger()
        self.users = [Users(self.site, n) for n in range(4)]
        self.stack = ExitStack()
        self.parts = Dependencies(
            service="shop",
            control=two.control,
            servers=self.site,
            replicator=self.replicators,
            code=StoredCode(two.db, two.control, self.ledger, ["shop"]),
            proof=FinalCheck(two.db, two.control, self.tables, ["shop"], self.ledger, self.stack),
            tables=self.tables,
            ledger=self.ledger,
            clock=SystemClock(),
            settings=Settings(lease=20, pause_budget=8),
        )

    def tables(self) -> list[str]:
        rows = self.two.root(
            Side.SOURCE, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'"
        )
        return sorted(f"shop.{name}" for (name,) in rows)

    def compare(self, owner: Side, epoch: int) -> None:
        """What the tasks `compare` and `compare_back` do."""
        ours, theirs = self.two.db[owner], self.two.db[owner.other]
        for table in self.tables():
            verdict = compare_table(ours, theirs, *table.split("."), Options(self.parts.clock))
            assert verdict.equal, verdict
            now = self.parts.clock.now().isoformat()
            self.ledger.save(verdict.kept(epoch=epoch, table=table, owner=owner, checked_at=now))

    def begin(self, *more: str) -> None:
        """`more`: statements for the source, before its first user comes."""
        link = Link("shop", 1, Side.SOURCE)
        with closing(self.two.servers[Side.SOURCE].connect()) as c, c.cursor() as cursor:
            cursor.execute(TRIGGER)
            cursor.execute("SET SESSION sql_mode = 'PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'")
            for statement in more:
                cursor.execute(statement)
        self.replicators.prepare(link, full_load=True)
        self.replicators.start(link)
        self.replicators.until_following(link)
        keep_binlogs(self.two.db[Side.TARGET], 168)
        self.compare(Side.SOURCE, 1)
        for user in self.users:
            user.start()

    def prepare_return(self, epoch: int, owner: Side) -> None:
        self.two.allow_replicator(owner, epoch + 1)
        self.replicators.prepare(Link("shop", epoch + 1, owner.other), full_load=False)

    def move(self, to: Side, attempt: str = "attempt") -> Json:
        return Switchover(self.parts, to, attempt, guards=refusals).run()

    def audit(self, owner: Side) -> None:
        for user in self.users:
            user.end.set()
        for user in self.users:
            user.join(20)
        keys = [r[0] for r in self.two.root(owner, "SELECT k FROM shop.orders")]
        acknowledged = {k for u in self.users for _, k in u.acknowledged}
        assert acknowledged - set(keys) == set()
        logged = [r[0] for r in self.two.root(owner, "SELECT what FROM shop.log WHERE what LIKE 'order %'")]
        assert sorted(logged) == sorted(f"order {k}" for k in keys), "the trigger's effect, exactly once"

    def pause_ms(self) -> float:
        """The longest gap between two acknowledged writes of anybody."""
        times = sorted(t for u in self.users for t, _ in u.acknowledged)
        return max(b - a for a, b in itertools.pairwise(times)) * 1000


@pytest.fixture
def world(two: Two, tmp_path: Path) -> Iterator[World]:
    made = World(two, tmp_path)
    made.begin()
    yield made
    for user in made.users:
        user.end.set()
    made.replicators.close()
    made.stack.close()


@contextmanager
def still_writing(world: World) -> Iterator[None]:
    before = sum(len(u.acknowledged) for u in world.users)
    yield
    world.two.until(
        lambda: sum(len(u.acknowledged) for u in world.users) > before + 20, "writes going on", 20
    )


@pytest.fixture
def armed(two: Two, tmp_path: Path) -> Iterator[World]:
    """The same, with a real livemove-server to which the word to move comes late."""
    allow_watching(two)
    server = ShellServer(two, tmp_path / "web", late=True)
    made = World(two, tmp_path, ShellSite(server))
    made.begin()
    yield made
    for user in made.users:
        user.end.set()
    made.site.close()
    made.replicators.close()


def test_armed_servers_move_before_the_word_to_move_is_delivered(armed: World) -> None:
    server = armed.site.shells[0]
    for epoch, to in ((2, Side.TARGET), (3, Side.SOURCE)):
        with still_writing(armed):
            armed.prepare_return(epoch - 1, to.other)
            record = armed.move(to)
            print(
                "pause",
                armed.pause_ms(),
                record.fenced_ms,
                [(s.name, s.ms, s.seen) for s in record.steps],
            )
        assert record.steps[1].seen == "armed: 1 of 1 servers; requests wait: 1 of 1 servers"
        assert server.waiter.startswith(f"{epoch} {to} moved")
        assert server.reloads == epoch - 1
        return_path.run(armed.parts)
        for table in ("shop.orders", "shop.log"):
            armed.ledger.write(
                f"comparison/{table}", {"equal": True, "checked_at": armed.parts.clock.now().isoformat()}
            )
    print("errors", sum(u.errors for u in armed.users))
    armed.audit(Side.SOURCE)


def test_there_and_back_and_there_again_loses_nothing_under_load(world: World) -> None:
    owner, epoch = Side.SOURCE, 1
    for to in (Side.TARGET, Side.SOURCE, Side.TARGET):
        with still_writing(world):
            world.prepare_return(epoch, owner)
            record = world.move(to)
            print(record.fenced_ms, [(s.name, s.ms) for s in record.steps])
        epoch += 1
        assert (record.epoch, record.to, record.result) == (epoch, to, "moved")
        assert [s.step for s in record.steps] == list(range(12))
        follow = return_path.run(world.parts)
        assert follow
        assert follow.position == record.position
        assert (again := return_path.run(world.parts))
        assert again.epoch == epoch
        world.compare(to, epoch)
        owner = to
    print("pause", world.pause_ms())
    world.audit(owner)
    world.two.until(
        lambda: (
            world.two.root(owner.other, "CHECKSUM TABLE shop.orders, shop.log")
            == world.two.root(owner, "CHECKSUM TABLE shop.orders, shop.log")
        ),
        "the follower equal to the owner",
        30,
    )
    triggers = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'"
    assert world.two.root(owner, triggers) == [(1,)]
    assert world.two.root(owner.other, triggers) == [(0,)]
    assert [how for _, how in world.replicators.started] == ["start"] * 4


NIGHTLY = (
    "CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' DO DELETE FROM shop.log"
    " WHERE id < 0"
)
EACH_SECOND = (
    "CREATE EVENT shop.each_second ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.log (what)"
    " VALUES (CONCAT('hours ahead ', TIMESTAMPDIFF(HOUR, UTC_TIMESTAMP(), NOW())))"
)


def test_events_of_the_machines_own_zone_keep_their_hours_there_and_back(two: Two, tmp_path: Path) -> None:
    """Seoul's SYSTEM is Seoul's time on RDS, whose machine is in UTC, and SYSTEM again at home."""
    world = World(two, tmp_path)
    try:
        world.begin(NIGHTLY, EACH_SECOND)
        owner, epoch = Side.SOURCE, 1
        for to, zone in ((Side.TARGET, "Asia/Seoul"), (Side.SOURCE, "SYSTEM"), (Side.TARGET, "Asia/Seoul")):
            world.prepare_return(epoch, owner)
            world.move(to)
            epoch += 1
            return_path.run(world.parts)
            events = two.root(
                to, "SELECT name, time_zone, starts, status FROM mysql.event WHERE db = 'shop' ORDER BY name"
            )
            assert [(name, where) for name, where, *_ in events] == [("each_second", zone), ("nightly", zone)]
            # mysql.event keeps moments in UTC
            assert events[1][2:] == (datetime(2034, 12, 31, 18), "ENABLED")
            before = two.root(to, "SELECT MAX(id) FROM shop.log")[0][0]
            asked = f"SELECT DISTINCT what FROM shop.log WHERE id > {before} AND what LIKE 'hours%'"
            world.two.until(lambda: bool(two.root(to, asked)), "the event's next run", 20)  # noqa: B023
            assert two.root(to, asked) == [("hours ahead 9",)]
            world.compare(to, epoch)
            owner = to
        world.audit(owner)
    finally:
        for user in world.users:
            user.end.set()
        world.replicators.close()
        world.stack.close()


def test_a_drain_that_does_not_end_is_undone_within_the_budget(world: World) -> None:
    world.prepare_return(1, Side.SOURCE)
    world.parts.settings = Settings(lease=20, pause_budget=1.5)
    mover = Switchover(world.parts, Side.TARGET, "slow", guards=lambda *_: [])
    with closing(world.two.servers[Side.TARGET].connect()) as c, still_writing(world):
        with c.cursor() as cursor:
            cursor.execute("LOCK TABLES livemove.watermark_source_target WRITE")
        with raises(SwitchoverAborted, owner="the source", changed=False):
            mover.run()
        with c.cursor() as cursor:
            cursor.execute("UNLOCK TABLES")
    assert str(world.two.s.read()) == "source OPEN@1"
    assert world.ledger.kept["switchover/2"]["result"] == "aborted"
    world.audit(Side.SOURCE)


def test_a_write_that_never_reached_the_target_is_found_inside_the_fence(world: World) -> None:
    world.prepare_return(1, Side.SOURCE)
    world.two.root(Side.TARGET, "INSERT INTO shop.log (id, what) VALUES (1000000, 'only here')")
    with still_writing(world), raises(SwitchoverAborted, owner="the source", changed=False):
        world.move(Side.TARGET)
    assert str(world.two.s.read()) == "source OPEN@1"
    world.audit(Side.SOURCE)
