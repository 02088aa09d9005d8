"""The users of the harness: open-loop writers that keep lists of their own, and the audit of those lists.

Every write has a key of its own. A refused write is repeated under the same key. An unclear write is never
repeated: it may be there once or not at all. `DirectWriter` writes past the servers, straight to one
database, with the application's account. It shows whether that database admits the application, whatever
the servers' settings say.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pymysql

from lab.switchover_harness.application import NOT_DONE, Application, Refused, Unclear
from lab.switchover_harness.settings import ACCOUNT, PASSWORD, PORT, SCHEMA
from livemove.model.spec import Side

CUSTOMERS = 12


@dataclass(frozen=True)
class Write:
    """One acknowledged write; times are time.monotonic()."""

    key: str
    side: Side
    sent: float
    acked: float
    owner: str = "user"
    """user or direct."""


@dataclass
class Record:
    """What the users know. Appending to lists is atomic."""

    acked: list[Write] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why, for a person who reads a bad case."""

    def of_users(self) -> list[Write]:
        return [w for w in self.acked if w.owner == "user"]

    def last(self) -> float:
        """When the last write of a user was acknowledged; 0 when none was."""
        return max((w.acked for w in list(self.acked) if w.owner == "user"), default=0.0)

    def gaps(self, since: float = 0.0) -> list[float]:
        """Seconds between acknowledged writes of users, longest first; those that end after `since`."""
        times = sorted(w.acked for w in self.of_users())
        return sorted((b - a for a, b in pairwise(times) if b > since), reverse=True)


class Users:
    """`connections` users who write `rate` orders a second together, each at a server chosen anew."""

    def __init__(
        self, servers: Sequence[Application], record: Record, *, rate: float, connections: int, seed: int = 0
    ) -> None:
        self.servers, self.record, self.rate = list(servers), record, rate
        self.end = threading.Event()
        self.run_id = f"{seed:x}-{time.monotonic_ns() & 0xFFFFFF:x}"
        self.threads = [
            threading.Thread(
                target=self._run, args=(n, connections, random.Random(f"{seed}-{n}")), daemon=True
            )
            for n in range(connections)
        ]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.end.set()
        for server in self.servers:
            server.free.set()
        for thread in self.threads:
            thread.join(20)

    def _run(self, number: int, of: int, chance: random.Random) -> None:
        every = of / self.rate
        due = time.monotonic() + every * number / of
        key = ""
        for n in itertools.count():
            wait = due - time.monotonic()
            if self.end.wait(max(0.0, wait)):
                return
            # an outage is not made good: the load goes on at its rate
            due = max(due + every, time.monotonic() - 1)
            key = key or f"{self.run_id}-{number}-{n}"
            sent = time.monotonic()
            try:
                side = chance.choice(self.servers).write(key, 1 + chance.randrange(CUSTOMERS))
            except Refused as e:
                _remember(self.record.refused, str(e))
                continue
            except Unclear:
                self.record.unclear.append(key)
                key = ""
                continue
            self.record.acked.append(Write(key, side, sent, time.monotonic()))
            key = ""


class DirectWriter:
    """Tries to write to one database as the application, again and again."""

    def __init__(self, side: Side, address: str, record: Record, *, every: float = 0.03) -> None:
        self.side, self.address, self.record, self.every = side, address, record, every
        self.end = threading.Event()
        self.asked = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.end.set()
        self.thread.join(20)

    def _run(self) -> None:
        connection: Any = None
        run = f"{time.monotonic_ns() & 0xFFFFFF:x}"
        while not self.end.wait(self.every):
            self.asked += 1
            key = f"direct-{self.side}-{run}-{self.asked}"
            sent = time.monotonic()
            tried = False
            try:
                if connection is None:
                    connection = pymysql.connect(
                        host=self.address,
                        port=PORT,
                        user=ACCOUNT,
                        password=PASSWORD,
                        database=SCHEMA,
                        autocommit=True,
                        connect_timeout=2,
                        read_timeout=5,
                        write_timeout=5,
                    )
                with connection.cursor() as cursor:
                    tried = True
                    cursor.execute("INSERT INTO orders (k, customer) VALUES (%s, 1)", (key,))
                self.record.acked.append(Write(key, self.side, sent, time.monotonic(), "direct"))
            except (pymysql.err.MySQLError, OSError) as e:
                code = e.args[0] if e.args and isinstance(e.args[0], int) else -1
                if tried and code not in NOT_DONE:
                    self.record.unclear.append(key)
                if connection is not None:
                    with contextlib.suppress(pymysql.err.Error, OSError):
                        connection.close()
                connection = None


def _remember(refused: list[str], why: str) -> None:
    if len(refused) < 2000:
        refused.append(why)


# Judging --------------------------------------------------------------------------------------------
@dataclass
class Audit:
    """What one database holds of what was promised. All but `acknowledged` and `unclear_there` must be 0."""

    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    effects: int = 0
    """Trigger effects that are missing or too many."""
    unclear_there: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.effects)

    def _say(self, text: str) -> None:
        if len(self.examples) < 10:
            self.examples.append(text)


def audit(connection: Any, record: Record) -> Audit:
    """Look in the owner's database for every acknowledged write, in one snapshot. `connection`: root's."""
    acked, unclear = [w.key for w in list(record.acked)], list(record.unclear)
    found = Audit(acknowledged=len(acked))
    with connection.cursor() as cursor:
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        orders = _count(cursor, "orders", [*acked, *unclear])
        effects = _count(cursor, "order_audit", [*acked, *unclear])
        cursor.execute(
            f"SELECT c.id, c.orders, COUNT(o.id) FROM {SCHEMA}.customers c LEFT JOIN {SCHEMA}.orders o ON"
            " o.customer = c.id GROUP BY c.id, c.orders HAVING c.orders <> COUNT(o.id)"
        )
        for customer, counted, there in cursor.fetchall():
            found.effects += abs(counted - there)
            found._say(f"customer {customer} counts {counted} orders and has {there}")
        cursor.execute("ROLLBACK")
    for key in acked:
        if not orders[key]:
            found.lost += 1
            found._say(f"lost: {key}")
    for key, n in orders.items():
        if n > 1:
            found.duplicated += n - 1
            found._say(f"{key} is there {n} times")
        if effects[key] != n:
            found.effects += abs(effects[key] - n)
            found._say(f"{key} is there {n} times, its trigger's row {effects[key]} times")
    found.unclear_there = sum(orders[k] > 0 for k in unclear)
    return found


def _count(cursor: Any, table: str, keys: Sequence[str]) -> Counter[str]:
    """How often each of these is there, by one walk through the table itself."""
    wanted = set(keys)
    cursor.execute(f"SELECT k, COUNT(*) FROM {SCHEMA}.{table} IGNORE INDEX (k) GROUP BY k")
    return Counter({k: n for k, n in cursor.fetchall() if k in wanted})


def misplaced_rows(owner: Any, other: Any) -> list[str]:
    """Rows that only the database that does not own has: written to the wrong place."""
    out: list[str] = []
    for table, column in (("orders", "k"), ("order_audit", "k"), ("ticks", "token")):
        here, there = (_values(c, table, column) for c in (owner, other))
        out += [f"{table} {value}" for value in sorted(there - here)]
    return out


def _values(connection: Any, table: str, column: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {SCHEMA}.{table}")
        return {str(r[0]) for r in cursor.fetchall()}


def changes_of_owner(writes: Sequence[Write]) -> int:
    """How often the side that takes writes has certainly changed.

    It is the longest chain of writes to alternating sides, each sent after the one before was acknowledged,
    less one. With one owner at a time it is at most the number of committed moves.
    """
    best = 0
    by_ack = sorted(writes, key=lambda w: w.acked)
    for first in Side:
        want, clock, length = first, float("-inf"), 0
        for w in by_ack:
            if w.side is want and w.sent > clock:
                clock, length, want = w.acked, length + 1, want.other
        best = max(best, length - 1)
    return best
