"""The scratch schema on both databases, who writes there all the time, and livemove's accounts for the trial.

Only one trial is at work at a time: a lock on the source says so. A schema of that name that is not ours is
never touched: a table in ours names the service.
"""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pymysql

from livemove.control.adapters.setup import (
    APPLY_RIGHTS,
    DMS_SCHEMA,
    READ_RIGHTS,
    ensure_account,
    has_routine,
)
from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ports import Clock, Json, Link
from livemove.model.spec import Side
from livemove.model.sql_names import schema_pattern
from livemove.runtime.deadlines import Deadline, poll_until
from livemove.runtime.mariadb import MariaDb, sql
from livemove.trial.adapters.refusals import as_refusals

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)

SCHEMA = LOCK = "livemove_trial"
READER, APPLIER, LOCKED = "livemove_trial_read", "livemove_trial_apply", "livemove_trial_lock"
ACCOUNTS = (READER, APPLIER, LOCKED)
EVENT, PROCEDURE = "ticks", "answers"
KINDS = ("table", "routine", "event")
"""Of objects by which a schema is somebody's."""
TABLES = ("moment", "lob", "word", "parent", "child", "busy")
"""Compared after each way; `mark` says only when something arrived."""
SESSION = {
    "time_zone": "+00:00",
    "sql_mode": "NO_AUTO_VALUE_ON_ZERO",
    # it rests while a task loads, and holds the lock of the trial
    "wait_timeout": 3600,
    # a schema that somebody uses is told, and not waited for a day
    "lock_wait_timeout": 60,
}
EVERY, BUSY_ROWS, LARGE_EACH = 0.05, 200, 40
"""Seconds between two writes of the busy table; its rows; how often a LOB of 100 KB is among them."""
FIRST_MARK = 180.0
"""Seconds that the first change may take after a task was started."""
TICK = 0.02


class Scratch:
    """One session to each database, in the scratch schema; the lock is held as long as it is open."""

    def __init__(self, service: str, databases: Mapping[Side, MariaDb], clock: Clock) -> None:
        self.service, self.clock, self.databases = service, clock, dict(databases)
        self._numbers = itertools.count(1)

    def of(self, side: Side) -> MariaDb:
        return self.databases[side]

    # Making and removing ----------------------------------------------------------------------------
    def make(self) -> None:
        """The schema with its tables on both sides, after what an earlier trial left is gone."""
        self.drop()
        for db in self.databases.values():
            db.run(f"CREATE DATABASE {SCHEMA} DEFAULT CHARACTER SET utf8mb4")
            db.run(f"USE {SCHEMA}")
            db.script(sql("trial/create_tables"))
            db.run("INSERT INTO made_by_livemove VALUES (%s)", (self.service,))

    def refuse_others(self, side: Side) -> None:
        """RefusedError where a schema of that name was not made by a trial of this service.

        One without tables, or whose first table has no row yet, is what is left of a trial that ended there.
        """
        db = self.of(side)
        found = {
            kind: {
                r["name"]
                for r in db.rows(
                    f"SELECT {kind}_name AS name FROM information_schema.{kind}s WHERE {kind}_schema = %s",
                    (SCHEMA,),
                )
            }
            for kind in KINDS
        }
        if "made_by_livemove" in found["table"]:
            by = {r["service"] for r in db.rows(f"SELECT service FROM {SCHEMA}.made_by_livemove")}
            if by - {self.service}:
                raise _foreign(side, f"it is the trial of {', '.join(sorted(by))}")
        elif found["table"] or found["routine"] - {PROCEDURE} or found["event"] - {EVENT}:
            raise _foreign(side, "livemove did not make it")

    def drop(self, sides: Iterable[Side] = Side) -> list[str]:
        """Schema and accounts, on both sides; what was there, as text."""
        for side in sides:
            self.refuse_others(side)
        return [what for side in sides for what in self._drop(side)]

    def _drop(self, side: Side) -> list[str]:
        """The accounts first: they may read everything, and the schema may be in use for a while."""
        db, gone = self.of(side), []
        names = ", ".join(["%s"] * len(ACCOUNTS))
        for r in db.rows(f"SELECT DISTINCT User AS u FROM mysql.user WHERE User IN ({names})", ACCOUNTS):
            db.run(f"DROP USER IF EXISTS '{r['u']}'@'%'")
            gone.append(f"account {r['u']} on the {side}")
        if db.rows("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (SCHEMA,)):
            db.run(f"DROP DATABASE IF EXISTS {SCHEMA}")
            gone.append(f"schema {SCHEMA} on the {side}")
        return gone

    # Logins -----------------------------------------------------------------------------------------
    def account(self, side: Side, user: str, grants: Sequence[str], *, locked: bool = False) -> str:
        """Its password, which is new each time and kept nowhere but in the endpoint's secret."""
        password = secrets.token_urlsafe(24)
        ensure_account(self.of(side), user, password, grants, locked=locked)
        return password

    def logins(self, link: Link) -> tuple[Json, Json]:
        """The reader and the applier of a link."""
        grants = [f"{APPLY_RIGHTS} ON {schema_pattern(s)}.*" for s in (SCHEMA, DMS_SCHEMA)]
        return (
            self._login(link.reads, READER, [f"{READ_RIGHTS} ON *.*"]),
            self._login(link.writes, APPLIER, grants),
        )

    def _login(self, side: Side, user: str, grants: Sequence[str]) -> Json:
        place = self.of(side).login
        return {
            "username": user,
            "password": self.account(side, user, grants),
            "host": place.host,
            "port": place.port,
        }

    # Changes and their arrival ----------------------------------------------------------------------
    def change(self, side: Side, *, first: int, gone: int) -> None:
        """Every kind of change. `first` keeps keys of the two ways apart, `gone` is a parent to delete."""
        for statement in sql("trial/change_rows").split(";\n"):
            if statement.strip():
                self.of(side).run(statement, {"first": first, "gone": gone})

    def trip(self, link: Link, seconds: float) -> float | None:
        """Seconds that one change took from the side that is read; None when it did not arrive in time."""
        number = link.epoch * 1_000_000 + next(self._numbers)
        deadline = Deadline(self.clock, seconds)
        self.of(link.reads).run("INSERT INTO mark VALUES (%s, NOW(6))", (number,))
        follower = self.of(link.writes)
        there = poll_until(
            lambda: follower.rows("SELECT 1 FROM mark WHERE number = %s", (number,)), deadline, every=TICK
        )
        return deadline.waited if there else None

    @contextmanager
    def written_all_the_time(self, side: Side) -> Iterator[None]:
        """The busy table changes meanwhile, in a session of its own; a write that fails is raised here."""
        writer = _Writer(self.of(side).fresh(schema=SCHEMA, session=SESSION))
        writer.start()
        try:
            yield
        finally:
            writer.end()
        if writer.failed is not None:
            raise RefusedError(
                f"The busy table on the {side} could not be written: {writer.failed}",
                wanted="writes that go on during load and changes",
                next_step="look at that database's log, then clear the trial",
            )


class _Writer(threading.Thread):
    def __init__(self, db: MariaDb) -> None:
        super().__init__(name="trial-writer", daemon=True)
        self._db, self._over = db, threading.Event()
        self.failed: Exception | None = None

    def run(self) -> None:
        try:
            for n in itertools.count(1):
                note = "x" * (100_000 if n % LARGE_EACH == 0 else 50 + n % 50)
                self._db.run(
                    "INSERT INTO busy (id, n, note) VALUES (%s, %s, %s)"
                    " ON DUPLICATE KEY UPDATE n = VALUES(n), note = VALUES(note)",
                    (n % BUSY_ROWS, n, note),
                )
                if n % 7 == 0:
                    self._db.run("DELETE FROM busy WHERE id = %s", (n * 3 % BUSY_ROWS,))
                if self._over.wait(EVERY):
                    return
        except (LivemoveError, pymysql.err.MySQLError) as e:
            self.failed = e
        finally:
            self._db.close()

    def end(self) -> None:
        self._over.set()
        self.join(30)


def _foreign(side: Side, why: str) -> RefusedError:
    return RefusedError(
        f"The {side} database has a schema {SCHEMA}, and {why}",
        wanted=f"no schema {SCHEMA}, or one that this service's own trial has left",
        next_step="rename or drop it, if nobody needs it; then clear the trial. Nothing was changed",
    )


def end_session(db: MariaDb, number: int) -> None:
    """As the fence does it: by RDS's procedure where there is one."""
    kill = "CALL mysql.rds_kill(%s)" if has_routine(db, "mysql", "rds_kill") else "KILL CONNECTION %s"
    db.run(kill, (number,))


@contextmanager
def scratch_of(world: ServiceContext) -> Iterator[Scratch]:
    """Both databases, open and locked; what a database refuses becomes a RefusedError in its words."""
    with ExitStack() as stack:
        stack.enter_context(as_refusals())
        databases = {side: stack.enter_context(world.database(side, session=SESSION)) for side in Side}
        source = databases[Side.SOURCE]
        if source.one(f"SELECT GET_LOCK('{LOCK}', 0) AS got")["got"] != 1:
            raise _at_work(source)
        # a session that broke would come back without the lock
        source.pinned = True
        yield Scratch(world.spec.service, databases, world.clock)


def refuse_beside_another(world: ServiceContext) -> None:
    """RefusedError while a trial is at work on these databases."""
    with as_refusals(), world.database(Side.SOURCE, session=SESSION) as source:
        if source.one(f"SELECT IS_FREE_LOCK('{LOCK}') AS free")["free"] != 1:
            raise _at_work(source)


def _at_work(source: MariaDb) -> RefusedError:
    by = source.one(f"SELECT IS_USED_LOCK('{LOCK}') AS id")["id"]
    return RefusedError(
        f"Another trial is at work on these databases: session {by} of the source holds its lock",
        wanted="one trial at a time",
        next_step=(
            "wait for it to end, then clear this task. If its worker is gone, end that session (KILL) first"
        ),
    )
