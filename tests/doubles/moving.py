"""Two databases, a replicator, servers and users in memory, with a say in what happens between any two calls.

Every call of a port is one moment: before it and after it users write where they can, the replicator applies
what it may, and the promises are checked. At a chosen moment the process dies, an answer gets lost, or
another attempt runs from beginning to end.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from livemove.model.errors import UnreachableError
from livemove.model.ports import (
    Answered,
    Binlogs,
    ControlRow,
    ControlState,
    Json,
    Link,
    Mark,
    Newest,
    Outcome,
    ReplicationStatus,
    Reply,
    SwitchHealth,
    TableProgress,
    TaskState,
)
from livemove.model.spec import Side
from livemove.model.spec import Switchover as Settings
from livemove.switchover.steps import Dependencies
from tests.doubles.memory import HandClock, MemoryLedger

OPEN, FENCED, CEDED, FOLLOW, CLAIMED = ControlState
EVENT: Json = {"event_schema": "shop", "event_name": "e", "definer": ""}
"""The application's one event."""


def _key(event: Json) -> tuple[str, str]:
    return event["event_schema"], event["event_name"]


class Died(BaseException):
    """The process is gone. Its handlers still run in Python, but no call of theirs arrives any more."""


class Broken(AssertionError):
    """A promise of the protocol does not hold."""


def moment[F: Callable[..., Any]](method: F) -> F:
    """One call of a port: the world moves before it and after it."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        world: Universe = self.world
        world.arrive(f"{getattr(self, 'side', '')} {method.__name__}".strip(), self)
        busy = world.busy(self, method.__name__)
        result = busy or method(self, *args, **kwargs)
        world.leave(method.__name__)
        return result

    return call  # type: ignore[return-value]


@dataclass
class Db:
    """One database: its control row as the SQL guards it, its rows, its binlog."""

    world: Universe
    side: Side
    state: ControlState
    epoch: int = 1
    attempt: str = ""
    deadline: Any = None
    position: str = ""
    locked: bool = False
    triggers: bool = False
    helped: bool = False
    """A follower's helpers for LOBs are there: never on a database that is open."""
    events_on: bool = False
    asleep: list[Json] = field(default_factory=list)
    reachable: bool = True
    hold_until: Any = None
    rows: list[tuple[str, int]] = field(default_factory=list)
    log: list[tuple[Any, ...]] = field(default_factory=list)
    marks: dict[tuple[Side, str, int], float] = field(default_factory=dict)
    files: tuple[str, ...] = ("bin",)
    keeps: float | None = 7 * 86400.0
    uptime: float = 1e6
    intruders: list[str] = field(default_factory=list)
    stubborn: list[str] = field(default_factory=list)
    promoted: bool = False
    replicators: frozenset[int] = frozenset()
    """Epochs whose replicator's account may log in."""
    test_until: datetime | None = None
    beaten: datetime | None = None
    """When the newest watermark that it has was written."""
    armed_at: datetime | None = None

    def __post_init__(self) -> None:
        self._let_replicators_in()

    # what the world does to it
    def writable(self) -> bool:
        return not self.locked

    def tick(self) -> None:
        """The dead-man's switch."""
        if self.state is FENCED and self.deadline <= self.world.clock.now():
            self.state, self.attempt, self.deadline = OPEN, "", None
        self._match()

    def _disable_events(self) -> None:
        """The list grows until it is restored."""
        if self.events_on:
            self._put_events([EVENT])
            self.events_on = False

    def _put_events(self, events: Sequence[Json]) -> None:
        known = {_key(e) for e in self.asleep}
        self.asleep = [*self.asleep, *(e for e in events if _key(e) not in known)]

    def _let_replicators_in(self) -> None:
        tested = self.test_until is not None and self.test_until > self.world.clock.now()
        follows = self.state is FOLLOW
        self.replicators = frozenset([self.epoch] * follows + [self.epoch + 1] * tested)

    def _match(self) -> None:
        self._let_replicators_in()
        if self.state is OPEN:
            self.locked = False
            self.events_on |= any(_key(e) == _key(EVENT) for e in self.asleep)
            self.asleep = []
        elif self.state is not FENCED:
            self.locked = True

    def _outcome(self, done: bool, remaining: int = 0) -> Outcome:
        left = (self.deadline - self.world.clock.now()).total_seconds() if self.deadline else None
        word = Answered.DONE if done else Answered.REFUSED
        return Outcome(word, self.state, self.epoch, self.attempt, remaining, left)

    # the port
    @moment
    def read(self) -> ControlRow:
        left = (self.deadline - self.world.clock.now()).total_seconds() if self.deadline else None
        armed = (self.world.clock.now() - self.armed_at).total_seconds() if self.armed_at else None
        return ControlRow(
            self.side, self.state, self.epoch, self.attempt, self.position, left, 0.1, armed, self.promoted
        )

    @moment
    def health(self, longest: float) -> SwitchHealth:
        return SwitchHealth(True, True, 0.1, uptime=self.uptime)

    @moment
    def arm(self, epoch: int, attempt: str, lease: float) -> Outcome:
        done = (self.state, self.epoch) == (OPEN, epoch)
        if done:
            self.state, self.attempt, self.armed_at = FENCED, attempt, self.world.clock.now()
            self.deadline = self.world.clock.now() + timedelta(seconds=lease)
        return self._outcome(done)

    def _mine(self, epoch: int, attempt: str) -> bool:
        return (self.state, self.epoch, self.attempt) == (FENCED, epoch, attempt)

    @moment
    def close(self, epoch: int, attempt: str) -> Outcome:
        if not self._mine(epoch, attempt) or self.deadline <= self.world.clock.now():
            return self._outcome(False)
        self.locked = True
        self._disable_events()
        return self._outcome(True)

    @moment
    def lift(self, epoch: int, attempt: str) -> Outcome:
        done = self._mine(epoch, attempt)
        if done:
            self.state, self.attempt, self.deadline = OPEN, "", None
        if (self.state, self.epoch) == (OPEN, epoch):
            self._match()
        return self._outcome(done)

    @moment
    def cede(self, epoch: int, attempt: str, margin: float) -> Outcome:
        done = self._mine(epoch, attempt) and self.deadline > self.world.clock.now() + timedelta(
            seconds=margin
        )
        if done:
            self.state, self.epoch, self.attempt, self.deadline = CEDED, epoch + 1, "", None
        return self._outcome(done)

    @moment
    def claim(self, epoch: int) -> Outcome:
        if (self.state, self.epoch) == (FOLLOW, epoch - 1):
            self.state, self.epoch, self.position, self.test_until = CLAIMED, epoch, "", None
        done = (self.state, self.epoch) == (CLAIMED, epoch)
        if done:
            self._match()
        return self._outcome(done)

    @moment
    def while_in(self, state: ControlState, epoch: int, work: Callable[[], None]) -> Outcome:
        if (self.state, self.epoch) != (state, epoch):
            return self._outcome(False)
        self.world.lock_of.append(self)
        try:
            work()
        finally:
            self.world.lock_of.remove(self)
        return self._outcome(True)

    @moment
    def set_position(self, epoch: int, position: str) -> Outcome:
        done = (self.state, self.epoch, self.position) == (CLAIMED, epoch, "")
        if done:
            self.position = position
        return self._outcome(done)

    @moment
    def open(self, epoch: int) -> Outcome:
        if (self.state, self.epoch) == (CLAIMED, epoch) and self.position:
            self.state = OPEN
        done = (self.state, self.epoch) == (OPEN, epoch)
        if done:
            self._match()
        return self._outcome(done)

    @moment
    def follow(self, epoch: int) -> Outcome:
        if (self.state, self.epoch) == (CEDED, epoch):
            self.state, self.asleep, self.position = FOLLOW, [], ""
        done = (self.state, self.epoch) == (FOLLOW, epoch)
        if done:
            self._match()
        return self._outcome(done)

    @moment
    def promote(self, epoch: int, token: str) -> Outcome:
        if (self.state, self.epoch) == (FOLLOW, epoch) and token:
            self.state, self.epoch, self.attempt, self.position, self.promoted = (
                CLAIMED,
                epoch + 1,
                token,
                "",
                True,
            )
            self.test_until = None
        done = (self.state, self.epoch, self.attempt) == (CLAIMED, epoch + 1, token) and self.promoted
        if done:
            self._match()
        return self._outcome(done)

    @moment
    def abandon(self, epoch: int) -> Outcome:
        if self.state in (OPEN, FENCED) and self.epoch == epoch:
            self.state, self.epoch, self.attempt, self.deadline = CEDED, epoch + 1, "", None
        done = (self.state, self.epoch) == (CEDED, epoch + 1)
        if done:
            self._disable_events()
            self._match()
        return self._outcome(done)

    @moment
    def newest_watermark(self, reads: Side) -> Newest | None:
        return (
            Newest(self.beaten, (self.world.clock.now() - self.beaten).total_seconds())
            if self.beaten
            else None
        )

    @moment
    def allow_test(self, epoch: int, seconds: int) -> Outcome:
        done = (self.state, self.epoch) == (OPEN, epoch)
        if done:
            now = self.world.clock.now()
            self.test_until = now + timedelta(seconds=seconds) if seconds > 0 else None
            self._let_replicators_in()
        return self._outcome(done)

    @moment
    def ask_hold(self, epoch: int, seconds: float) -> Outcome:
        done = (self.state, self.epoch) == (FOLLOW, epoch)
        if done:
            self.hold_until = self.world.clock.now() + timedelta(seconds=seconds)
        return self._outcome(done)

    @moment
    def held(self, epoch: int) -> dict[str, bool]:
        waiting = [s for s in self.world.fleet.servers if s.armed == (epoch, self.side)]
        return {s.name: s.held for s in waiting if s.held}

    def ping(self) -> None:
        pass

    @moment
    def sleeping_events(self) -> list[Json]:
        return list(self.asleep)

    @moment
    def put_events(self, events: Sequence[Json]) -> None:
        self._put_events(events)

    @moment
    def write_watermark(self, reads: Side, stream: str, number: int) -> None:
        mark = (reads, stream, number)
        if mark in self.marks:
            return
        self.marks[mark] = self.world.clock.now().timestamp()
        self.log.append(("mark", mark))

    @moment
    def has_watermark(self, reads: Side, stream: str, number: int) -> bool:
        return (reads, stream, number) in self.marks

    @moment
    def watermarks(self, reads: Side) -> list[Mark]:
        return [
            Mark(stream, number, at) for (side, stream, number), at in self.marks.items() if side is reads
        ]

    @moment
    def binlogs(self) -> Binlogs:
        return Binlogs(self.files, self.keeps)

    @moment
    def unfenced_writers(self) -> list[str]:
        return list(self.intruders)

    @moment
    def undisablable_events(self) -> list[str]:
        return list(self.stubborn)

    @moment
    def replicator_sessions(self, epoch: int) -> frozenset[int]:
        return frozenset({1}) if self.world.replicator.writes_to(self) else frozenset()

    @moment
    def binlog_position(self) -> str:
        return f"bin:{len(self.log)}"

    @moment
    def touched_since(self, position: str) -> list[str]:
        return [str(e) for e in self.log[int(position.split(":")[1]) :] if e[0] != "mark"]


class Replicator:
    """One task per link; each applies only where the row of its writer's side lets it in."""

    def __init__(self, world: Universe) -> None:
        self.world = world
        self.tasks: dict[Link, TaskState] = {}
        self.at: dict[Link, int] = {}
        self.started: dict[Link, str] = {}
        self.broken: set[Link] = set()

    def writes_to(self, db: Db) -> bool:
        return any(
            self._may(k) for k, s in self.tasks.items() if s is TaskState.RUNNING and k.writes is db.side
        )

    def _may(self, link: Link) -> bool:
        writer = self.world.db[link.writes]
        return link.epoch in writer.replicators

    def apply(self) -> None:
        for link, state in self.tasks.items():
            if state is not TaskState.RUNNING or not self._may(link):
                continue
            reader, writer = self.world.db[link.reads], self.world.db[link.writes]
            for entry in reader.log[self.at[link] :]:
                self.at[link] += 1
                if writer.writable():
                    raise Broken(f"the replicator writes to {writer.side}, where the application may write")
                if writer.triggers:
                    raise Broken(f"the replicator writes to {writer.side}, whose triggers fire")
                if entry[0] == "mark":
                    writer.marks[entry[1]] = reader.marks[entry[1]]
                else:
                    writer.rows.append((entry[0], entry[1]))
                    writer.log.append(entry)

    @moment
    def prepare(self, link: Link, **_: Any) -> None:
        self.tasks.setdefault(link, TaskState.READY)

    @moment
    def start(self, link: Link, *, position: str | None = None) -> None:
        if link not in self.at:
            self.at[link] = int((position or "bin:0").split(":")[1])
            self.started[link] = position or ""
        self.tasks[link] = TaskState.RUNNING

    @moment
    def status(self, link: Link) -> ReplicationStatus:
        state = self.tasks.get(link, TaskState.ABSENT)
        at = f"bin:{self.at[link]}" if link in self.at else ""
        return ReplicationStatus(state, checkpoint=at, started_from=self.started.get(link, ""))

    def tables(self, link: Link) -> list[TableProgress]:
        return [TableProgress("shop", "orders", "Table error")] if link in self.broken else []

    @moment
    def stop(self, link: Link) -> None:
        if self.tasks.get(link) is TaskState.RUNNING:
            self.tasks[link] = TaskState.STOPPED

    def delete(self, link: Link) -> None:
        self.tasks.pop(link, None)

    def reload(self, link: Link, tables: Sequence[tuple[str, str]]) -> None:
        raise NotImplementedError

    def diagnostics(self, link: Link) -> dict[str, Any]:
        return {"failures": [], "latency": {}}

    def links(self) -> list[Link]:
        return list(self.tasks)


@dataclass
class Server:
    name: str
    uses: Side = Side.SOURCE
    epoch: int = 0
    dead: bool = False
    armed: tuple[int, Side] | None = None
    held: bool = False
    moved_by: str = ""
    """"itself" or "word": how it came to the database that it uses."""

    def turn_to(self, epoch: int, to: Side, by: str) -> bool:
        if epoch < self.epoch:
            return False
        if (self.epoch, self.uses) != (epoch, to):
            self.epoch, self.uses, self.moved_by = epoch, to, by
        self.held = False
        return True

    def look(self, db: Db) -> None:
        """The waiter, on the row of the database that it watches."""
        epoch, to = self.armed or (0, db.side)
        if (db.state, db.epoch) == (OPEN, epoch):
            self.armed = None
            self.turn_to(epoch, to, "itself")
        elif db.epoch > epoch:
            self.armed, self.held = None, False
        else:
            self.held = db.hold_until is not None and db.hold_until > db.world.clock.now()


class Fleet:
    def __init__(self, world: Universe) -> None:
        self.world = world
        self.servers = [Server("idc"), Server("cloud")]
        self.unarmed: set[str] = set()
        """Names of servers that have no client."""
        self.asleep = False
        """True: no waiter looks, until somebody wakes them by `look`."""
        self.delivery = 0.0
        """Seconds until a word to the servers is answered."""
        self.told_to_hold: list[str] = []

    def _all(
        self, act: Callable[[Server], bool] = lambda s: True, of: Callable[[Server], bool] = lambda s: True
    ) -> list[Reply]:
        return [
            Reply(s.name, False, "dead", {}) if s.dead else Reply(s.name, act(s), "", self._facts(s))
            for s in self.servers
            if of(s)
        ]

    def _facts(self, server: Server) -> Json:
        watch = "no client" if server.name in self.unarmed else "ready"
        return {"epoch": server.epoch, "reached": True, "watch": watch, "probe_ms": 30}

    def look(self) -> None:
        for server in self.servers:
            if server.armed and not server.dead and self.world.db[server.armed[1]].reachable:
                server.look(self.world.db[server.armed[1]])

    @moment
    def status(self, watching: Side | None = None) -> list[Reply]:
        self.world.clock.sleep(self.delivery)
        return self._all()

    @moment
    def arm(self, epoch: int, to: Side, seconds: float) -> list[Reply]:
        def one(server: Server) -> bool:
            if server.name in self.unarmed or epoch < server.epoch:
                return False
            server.armed = (epoch, to)
            return True

        return self._all(one)

    @moment
    def hold(self, seconds: float, servers: Collection[str]) -> list[Reply]:
        self.told_to_hold += servers

        def one(server: Server) -> bool:
            server.held = True
            return True

        return self._all(one, of=lambda s: s.name in servers)

    @moment
    def release(self) -> list[Reply]:
        def one(server: Server) -> bool:
            server.armed, server.held = None, False
            return True

        return self._all(one)

    @moment
    def repoint(self, epoch: int, to: Side) -> list[Reply]:
        def one(server: Server) -> bool:
            server.armed = None
            return server.turn_to(epoch, to, "word")

        return self._all(one)

    def jobs_off(self) -> list[Reply]:
        self.jobs = None
        return []

    def jobs_on(self, owner: Side) -> list[Reply]:
        self.jobs = owner
        return []

    jobs: Side | None = Side.SOURCE

    def stop(self) -> list[Reply]:
        return []


class Code:
    """Triggers come alive only while nobody is in and no position is recorded."""

    def __init__(self, world: Universe) -> None:
        self.world = world

    def ready(self, owner: Side) -> None:
        pass

    @moment
    def wake(self, owner: Side, follower: Side | None) -> None:
        db = self.world.db[owner]
        if db.triggers and not db.helped:
            return
        if db.state is not CLAIMED or db.position:
            raise Broken(f"DDL on {db.side} in {db.state} with position {db.position!r}")
        db.helped = False
        db.triggers = True
        db.log.append(("ddl", 0))

    def events_to_wake(self, owner: Side) -> list[Json]:
        return [EVENT]

    def changed(self, owner: Side) -> list[str]:
        return list(self.world.ddl)

    def awake(self, side: Side) -> list[str]:
        return ["trigger shop.t"] if self.world.db[side].triggers else []

    @moment
    def sleep(self, follower: Side) -> None:
        db = self.world.db[follower]
        if db.triggers and db.state is not CEDED:
            raise Broken(f"triggers of {db.side} dropped in {db.state}")
        db.triggers = False
        db.helped = True

    @moment
    def help(self, follower: Side) -> None:
        db = self.world.db[follower]
        if not db.helped and db.state not in (CEDED, FOLLOW):
            raise Broken(f"helpers of a follower made on {db.side} in {db.state}")
        db.helped = True


class Proof:
    def __init__(self, world: Universe) -> None:
        self.world = world

        self.digests: dict[Side, dict[str, str]] = {side: {} for side in Side}
        self.apart: list[str] = []

    def ready(self) -> None:
        pass

    def definitions(self, side: Side) -> dict[str, str]:
        return self.digests[side]

    def unlike(self, owner: Side) -> list[str]:
        return self.apart

    def covered(self) -> str:
        return "all rows"

    def differences(self, seconds: float) -> list[str]:
        s, t = (sorted(self.world.db[side].rows) for side in Side)
        return [] if s == t else ["rows differ"]


class TickingClock(HandClock):
    """Time passes only when somebody sleeps; the switches tick then."""

    world: Universe

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.world.turn(tick=True)


class Universe:
    ddl: tuple[str, ...] = ()
    """What DDL did to the owner since both sides were seen alike."""

    def __init__(self) -> None:
        self.clock = TickingClock()
        self.clock.world = self
        self.db = {
            Side.SOURCE: Db(self, Side.SOURCE, OPEN, triggers=True, events_on=True),
            Side.TARGET: Db(self, Side.TARGET, FOLLOW, locked=True, helped=True),
        }
        self.replicator, self.fleet, self.proof = Replicator(self), Fleet(self), Proof(self)
        self.tables: list[str] = []
        self.due: list[str] = []
        self.replicator.tasks = {
            Link("shop", 1, Side.SOURCE): TaskState.RUNNING,
            Link("shop", 2, Side.TARGET): TaskState.READY,
        }
        self.replicator.at = {Link("shop", 1, Side.SOURCE): 0}
        self.ledger = MemoryLedger()
        self.acknowledged: list[int] = []
        self.calls: list[str] = []
        self.lock_of: list[Db] = []
        self.at_call: int | None = None
        self.fault: Callable[[str], None] | None = None
        self.after = False
        self.dead = False
        self.turn()

    def parts(self) -> Dependencies:
        return Dependencies(
            service="shop",
            control=dict(self.db),
            servers=self.fleet,
            replicator=self.replicator,
            code=Code(self),
            proof=self.proof,
            tables=lambda: list(self.tables),
            ledger=self.ledger,
            clock=self.clock,
            settings=Settings(lease=20, pause_budget=8),
            upkeep=lambda: self.due,
        )

    # moments --------------------------------------------------------------------------------------
    def strike(self, number: int, fault: Callable[[str], None], *, after: bool) -> None:
        """Fail the n-th call from now on (0: the next), before it acts or before it answers."""
        self.at_call, self.fault, self.after = len(self.calls) + number, fault, after

    def die(self, name: str) -> None:
        self.dead = True
        raise Died(name)

    def arrive(self, name: str, port: object) -> None:
        if self.dead:
            raise Died(name)
        self.turn()
        if isinstance(port, Db) and not port.reachable:
            raise UnreachableError(f"{port.side} does not answer")
        self.calls.append(name)
        if not self.after:
            self._fault(name)

    def busy(self, port: object, name: str) -> Outcome | None:
        """Who else holds the lock of the row? Here nobody: calls do not overlap."""
        return None

    def leave(self, name: str) -> None:
        self.turn()
        if self.after:
            self._fault(name)

    def _fault(self, name: str) -> None:
        if self.at_call is not None and len(self.calls) - 1 >= self.at_call and self.fault:
            fault, self.fault, self.at_call = self.fault, None, None
            fault(name)

    def turn(self, *, tick: bool = False) -> None:
        """Users write, the switch ticks (if time passed), the replicator applies; then check the promises."""
        if tick:
            for db in self.db.values():
                db.tick()
        if not self.fleet.asleep:
            self.fleet.look()
        for server in self.fleet.servers:
            db = self.db[server.uses]
            if not server.dead and db.writable():
                write = len(self.acknowledged)
                db.rows.append(("write", write))
                db.log.append(("write", write))
                if db.triggers:
                    db.rows.append(("effect", write))
                    db.log.append(("effect", write))
                self.acknowledged.append(write)
        self.check()
        self.replicator.apply()

    def check(self) -> None:
        open_now = [db for db in self.db.values() if db.writable()]
        if len(open_now) > 1:
            raise Broken("I1: the application can write to both databases")
        if any(db.events_on for db in self.db.values() if not db.writable() and db.state is not FENCED):
            raise Broken("I1: events run where the application may not write")

    # the end --------------------------------------------------------------------------------------
    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.sleep(1)

    def owner(self) -> Db | None:
        return next((db for db in self.db.values() if db.writable()), None)

    def audit(self, side: Side) -> None:
        """Every acknowledged write and its trigger's effect exactly once in the owner's database."""
        owner = self.owner()
        if owner is None or owner.side is not side:
            raise Broken(f"the owner is {owner and owner.side}, wanted {side}")
        for kind in ("write", "effect"):
            have = sorted(n for k, n in owner.rows if k == kind)
            if have != sorted(self.acknowledged):
                lost = set(self.acknowledged) - set(have)
                raise Broken(f"I2: {kind}: lost {sorted(lost)[:5]}, {len(have) - len(set(have))} twice")
        if not owner.events_on or self.db[side.other].events_on:
            raise Broken("events do not run where the application writes")
        if {s.uses for s in self.fleet.servers if not s.dead} != {side}:
            raise Broken("a server was left behind")
