"""Build secondary indexes after the load: tables in parallel, with the server's own progress."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import pymysql

from livemove.model.ports import Progress
from livemove.runtime.mariadb import MariaDb, sql
from livemove.schema.adapters.stored_code import run_ddl

log = logging.getLogger(__name__)

LONG_DDL = 86400
"""Seconds that one ALTER may take, and may wait for one that a killed attempt left running."""
CONNECTIONS = 3
TELLING = 15.0
"""Seconds between two lines about statements that run."""


def build(
    target: MariaDb,
    statements: Mapping[str, Sequence[str]],
    progress: Progress,
    *,
    session: Mapping[str, Any],
    connections: int = CONNECTIONS,
    telling: float = TELLING,
) -> int:
    """Run each table's statements in order, several tables in parallel; returns how many statements ran.

    The first error lets the others finish their statement and is raised. When this task is ended, so is what
    it runs.
    """
    work = _Work(target, statements, progress, {**session, "lock_wait_timeout": LONG_DDL})
    workers = [
        threading.Thread(target=work.run, daemon=True) for _ in range(min(connections, len(statements)))
    ]
    for w in workers:
        w.start()
    try:
        for w in workers:
            while w.is_alive():
                w.join(telling)
                if w.is_alive():
                    work.tell()
    except BaseException:
        work.kill()
        raise
    if work.errors:
        raise work.errors[0]
    return work.done


class _Work:
    def __init__(
        self,
        target: MariaDb,
        statements: Mapping[str, Sequence[str]],
        progress: Progress,
        session: Mapping[str, Any],
    ) -> None:
        self.target, self.progress, self.session = target, progress, dict(session)
        self.todo = deque(statements.items())
        self.total, self.done = sum(map(len, statements.values())), 0
        self.running: dict[int, str] = {}
        """Connection id -> table."""
        self.errors: list[Exception] = []

    def run(self) -> None:
        try:
            with self.target.fresh(session=self.session, schema=None, read_timeout=LONG_DDL) as db:
                me = int(db.one("SELECT CONNECTION_ID() AS id")["id"])
                while self.todo and not self.errors:
                    table, statements = self.todo.popleft()
                    self.running[me] = table
                    for statement in statements:
                        run_ddl(db, statement, f"an index of {table}")
                        self.done += 1
                        self.progress(
                            f"index {self.done}/{self.total}: {statement.partition(' ADD ')[2][:120]} on"
                            f" {table}"
                        )
                    del self.running[me]
        except IndexError:
            return  # another one took the last table
        except Exception as e:
            self.errors.append(e)

    def tell(self) -> None:
        """What runs, and how far it is: stages and percent as MariaDB tells them."""
        running = dict(self.running)
        if not running:
            return
        try:
            with self.target.fresh(schema=None, read_timeout=10) as db:
                for r in db.rows(sql("schema/list_progress"), {"ids": tuple(running)}):
                    self.progress(
                        f"building on {running[r['id']]} for {r['seconds']} s: stage {r['stage']} of"
                        f" {r['stages']}, {r['percent']:.0f} % ({r['state']})"
                    )
        except pymysql.err.MySQLError as e:
            log.info("the server does not tell its progress: %s", e.args)

    def kill(self) -> None:
        self.todo.clear()
        with self.target.fresh(schema=None, timeout=5, read_timeout=5) as db:
            for number in list(self.running):
                try:
                    db.run(f"KILL {number}")
                except pymysql.err.MySQLError as e:
                    log.warning("connection %d was not ended: %s", number, e.args)
