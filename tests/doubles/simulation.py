"""The world of doubles/moving.py, moving in small steps around attempts that can be halted anywhere.

Every attempt is a greenlet. It halts before each call of a port (not arrived yet) and after it (done, its
answer still on the way). There it may go on, die, or get no answer; meanwhile anything else may happen. The
databases' guards are those of doubles/moving.py; what is added here is what a step of the real world may
leave half done: sessions that are inside COMMIT, read_only that a restart forgets, batches that a replicator
applies in any order, repoints that are late, lost or doubled, and the lock of a row that keeps everybody else
out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from greenlet import getcurrent, greenlet

from livemove.model.errors import LivemoveError, RefusedError, SwitchoverAborted, UnreachableError
from livemove.model.ledger import SwitchoverRecord
from livemove.model.ports import Answered, ControlState, Json, Link, Outcome, Reply, TaskState
from livemove.model.spec import Side
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover
from livemove.switchover.rollback import go_back
from livemove.switchover.steps import Dependencies
from tests.doubles.memory import HandClock
from tests.doubles.moving import (
    CEDED,
    CLAIMED,
    FENCED,
    FOLLOW,
    OPEN,
    Broken,
    Code,
    Db,
    Died,
    Fleet,
    Proof,
    Replicator,
    Universe,
)

UNDER_LOCK = {
    "arm",
    "close",
    "lift",
    "cede",
    "claim",
    "set_position",
    "open",
    "follow",
    "allow_test",
    "ask_hold",
    "while_in",
}
"""Acts that take the lock of the row (control_procedures.sql); reading takes none."""


class Attempt:
    """One run of a task, halted at a call of a port."""

    def __init__(self, world: LivingWorld, what: str, run: Callable[[Attempt], object]) -> None:
        self.world, self.what = world, what
        self.dead, self.lost_lock = False, None
        self.asking = False
        """In the guards, which change nothing: the world goes on, and nobody halts there."""
        self.ended: object = None
        self.committed = 0
        """The epoch that its own commit made."""
        self.at = "not begun"
        self._greenlet = greenlet(functools.partial(self._run, run))

    def __repr__(self) -> str:
        return self.what

    def _run(self, run: Callable[[Attempt], object]) -> None:
        try:
            self.ended = run(self) or "done"
        except (LivemoveError, Died) as e:
            self.ended = e
            if self.committed and isinstance(e, (SwitchoverAborted, RefusedError)) and "undone" in str(e):
                raise Broken(f"{self.what} committed epoch {self.committed} and says: {e}") from e

    @property
    def runs(self) -> bool:
        return self.ended is None and not self.dead

    def step(self) -> None:
        self._greenlet.switch()

    def throw(self, error: BaseException) -> None:
        if self.at == "not begun":
            self.ended = error
        else:
            self._greenlet.throw(error)

    def die(self) -> None:
        """kill -9: no call of its handlers arrives any more, its sessions end, locks with them."""
        self.dead = True
        self.throw(Died(self.what))
        self.ended = self.ended or "died"

    def halt(self, where: str) -> None:
        if self.asking:
            self.world.live()
            return
        self.at = where
        self.world.main.switch()


@dataclass
class LivingDb(Db):
    read_only: bool = False
    holder: Attempt | None = None
    held_since: Any = None
    have: set[tuple[str, int]] = field(default_factory=set)
    """The same as `rows`, for looking up."""
    in_commit: list[tuple[str, int]] = field(default_factory=list)
    """Writes of sessions that neither KILL nor read_only stops any more."""

    def writable(self) -> bool:
        pooled = any(s.session is self for s in self.world.fleet.servers)
        return bool(self.in_commit) or (not self.read_only and (pooled or not self.locked))

    def _match(self) -> None:
        super()._match()
        if self.state is OPEN:
            self.read_only = False
        elif self.state is not FENCED and self.side is Side.SOURCE:
            self.read_only = True

    def tick(self) -> None:
        if self.holder is None:
            super().tick()

    def shut(self, epoch: int, attempt: str) -> Outcome:
        """close_fence: end sessions, set read_only; what is inside COMMIT is still seen."""
        out = super().close.__wrapped__(self, epoch, attempt)
        if out.answered is not Answered.DONE:
            return out
        idle = [s for s in self.world.fleet.servers if s.session is self]
        for server in idle:
            server.session = None
        # SET GLOBAL read_only waits for commits, and gives up after two seconds
        if self.side is Side.SOURCE and not self.in_commit:
            self.read_only = True
        return self._outcome(True, len(idle) + len(self.in_commit))

    def close(self, epoch: int, attempt: str) -> Outcome:
        return _moment("close", self, lambda: self.shut(epoch, attempt))

    def cede(self, epoch: int, attempt: str, margin: float) -> Outcome:
        def act() -> Outcome:
            out = super(LivingDb, self).cede.__wrapped__(self, epoch, attempt, margin)
            if out.done:
                self.world.current.committed = out.epoch
            return out

        return _moment("cede", self, act)

    def while_in(self, state: ControlState, epoch: int, work: Callable[[], None]) -> Outcome:
        def act() -> Outcome:
            if (self.state, self.epoch) != (state, epoch):
                return self._outcome(False)
            me = self.holder = self.world.current
            self.held_since = self.world.clock.now()
            try:
                work()
            finally:
                if self.holder is me:
                    self.holder = None
                me.lost_lock = None
            return self._outcome(True)

        return _moment("while_in", self, act)

    def replicator_sessions(self, epoch: int) -> frozenset[int]:
        task = self.world.replicator
        return _moment(
            "replicator_sessions",
            self,
            lambda: frozenset({task.incarnation}) if task.writes_to(self) else frozenset(),
        )

    def commits(self) -> None:
        """What is inside COMMIT arrives."""
        for write in self.in_commit:
            self.take(*write)
        self.in_commit.clear()

    def take(self, kind: str, number: int) -> None:
        """An application write, acknowledged."""
        if self.helped:
            raise Broken(f"I2: the application writes to the {self.side}, which a follower's helpers change")
        for what in (kind, "effect") if self.triggers else (kind,):
            if (what, number) in self.have:
                raise Broken(f"I2: {what} {number} is written to the {self.side} twice")
            self.have.add((what, number))
            self.rows.append((what, number))
            self.log.append((what, number))
        self.world.acknowledged.append(number)

    def restart(self) -> None:
        """mariadbd starts anew: read_only is forgotten, the row, the accounts and the events are not."""
        self.commits()
        self.read_only = False
        for server in self.world.fleet.servers:
            if server.session is self:
                server.session = None
        self.unlock()

    def unlock(self) -> None:
        """End the session that holds the row's lock, as a restart or 30 s of standing still would."""
        if self.holder:
            self.holder.lost_lock, self.holder = self, None


def _moment(name: str, port: Any, act: Callable[[], Any]) -> Any:
    port.world.arrive(f"{getattr(port, 'side', '')} {name}".strip(), port)
    busy = port.world.busy(port, name)
    result = busy or act()
    port.world.leave(name)
    return result


class LivingReplicator(Replicator):
    """Takes entries in batches and applies each batch in any order; after a restart the batch comes again."""

    BATCH = 8
    world: LivingWorld

    def __init__(self, world: Universe) -> None:
        super().__init__(world)
        self.in_hand: dict[Link, list[int]] = {}
        self.ends: dict[Link, int] = {}
        self.first: dict[Link, int] = {}
        self.applied: dict[Link, set[int]] = {}
        self.incarnation = 1
        self.hostile = False
        """It applies the last of a batch first and then starts over, always."""

    def apply(self) -> None:
        """Nothing by itself: `advance` does it, one entry at a time."""

    def running(self) -> list[Link]:
        return [k for k, s in self.tasks.items() if s is TaskState.RUNNING and self._may(k) and k in self.at]

    def advance(self, link: Link, pick: int = 0) -> bool:
        """One entry of the batch in hand, whichever; False when there is nothing."""
        reader, writer = self.world.db[link.reads], self.world.db[link.writes]
        self.first.setdefault(link, self.at[link])
        hand = self.in_hand.setdefault(link, [])
        if not hand:
            hand.extend(range(self.at[link], min(len(reader.log), self.at[link] + self.BATCH)))
            if not hand:
                return False
            self.ends[link] = hand[-1] + 1
        index = hand.pop(pick % len(hand))
        self._apply(link, writer, reader.log[index], index)
        if not hand:
            self.at[link] = self.ends[link]
        return True

    def start_over(self, link: Link) -> None:
        """One entry, the last that is missing of the batch; then the connection breaks."""
        reader, done = self.world.db[link.reads], self.applied.setdefault(link, set())
        self.first.setdefault(link, self.at[link])
        batch = range(self.at[link], min(len(reader.log), self.at[link] + self.BATCH))
        missing = [n for n in batch if n not in done]
        if missing:
            self._apply(link, self.world.db[link.writes], reader.log[missing[-1]], missing[-1])
        else:
            self.at[link] += len(batch)
        self.in_hand.pop(link, None)
        self.incarnation += 1

    def _apply(self, link: Link, writer: Any, entry: tuple[Any, ...], index: int) -> None:
        again = index in self.applied.setdefault(link, set())
        self.applied[link].add(index)
        if writer.writable():
            raise Broken(f"I1: the replicator writes to {writer.side}, where the application may write")
        if writer.state is CLAIMED:
            raise Broken(f"I1: the replicator writes to {writer.side}, which is claimed")
        if entry[0] == "mark":
            writer.marks[entry[1]] = self.world.db[link.reads].marks[entry[1]]
        elif entry[0] == "ddl":
            raise Broken("I2: DDL of step 8 lies behind the position of reverse replication")
        elif not again:
            if writer.triggers:
                raise Broken(f"I2: the replicator writes to {writer.side}, whose triggers fire")
            if not writer.helped:
                raise Broken(f"I2: the replicator writes a LOB to {writer.side}, which is NOT NULL there")
            if entry[:2] in writer.have:
                raise Broken(f"I2: {entry} comes to {writer.side} twice")
            writer.have.add(entry[:2])
            writer.rows.append(entry[:2])
            writer.log.append(entry)

    def restart(self) -> None:
        """Every task begins again at an older checkpoint, with new sessions."""
        self.in_hand.clear()
        for link, first in self.first.items():
            self.at[link] = max(first, self.at[link] - 2)
        self.incarnation += 1


class LivingFleet(Fleet):
    """A repoint arrives at once, or is lost, or comes late; all of them may come again."""

    def __init__(self, world: Universe) -> None:
        super().__init__(world)
        self.mail = "arrives"
        self.post: list[tuple[Any, int, Side]] = []
        self.waiters: set[tuple[int, Side]] = set()
        for server in self.servers:
            server.session = None

    def tell(self, server: Any, epoch: int, to: Side) -> bool:
        """livemove-server repoint: an epoch lower than the highest one seen is refused."""
        if epoch < server.epoch:
            return False
        server.epoch, server.session = epoch, None
        server.uses = to
        return True

    def repoint(self, epoch: int, to: Side) -> list[Reply]:
        def one(server: Any) -> Reply:
            self.post.append((server, epoch, to))
            if self.mail != "arrives":
                return Reply(server.name, False, "no answer", {})
            return Reply(
                server.name, self.tell(server, epoch, to), "", {"epoch": server.epoch, "reached": True}
            )

        return _moment("repoint", self, lambda: [one(s) for s in self.servers])

    def look(self, server: Any) -> None:
        """An armed waiter reads the row that it watches."""
        for epoch, to in sorted(self.waiters):
            db = self.world.db[to]
            if (db.state, db.epoch) == (OPEN, epoch):
                self.tell(server, epoch, to)


class LivingCode(Code):
    """DDL of step 8 and 12, on the session that holds the lock of the row."""


class LivingClock(HandClock):
    """Time passes when somebody waits, and by the machine's own rule."""

    world: LivingWorld

    def sleep(self, seconds: float) -> None:
        super().sleep(max(seconds, 0.1))
        if self.world.current:
            self.world.current.halt("sleeps")


class LivingWorld(Universe):
    def __init__(self) -> None:
        self.main = getcurrent()
        self.attempts: list[Attempt] = []
        self.next_write = self.moments = 0
        super().__init__()
        self.clock = LivingClock()
        self.clock.world = self
        self.db = {
            Side.SOURCE: LivingDb(self, Side.SOURCE, OPEN, triggers=True, events_on=True),
            Side.TARGET: LivingDb(self, Side.TARGET, FOLLOW, locked=True, helped=True),
        }
        tasks = self.replicator.tasks
        self.replicator, self.fleet = LivingReplicator(self), LivingFleet(self)
        self.replicator.tasks, self.replicator.at = tasks, {Link("shop", 1, Side.SOURCE): 0}
        self.acknowledged.clear()

    def parts(self) -> Dependencies:
        made = super().parts()
        made.code = LivingCode(self)
        made.proof = NoProof(self)
        return made

    # halting --------------------------------------------------------------------------------------
    @property
    def current(self) -> Attempt | None:
        return next((a for a in self.attempts if a._greenlet is getcurrent()), None)

    def arrive(self, name: str, port: object) -> None:
        me = self.current
        if me is None:
            return
        self._stop_here(me)
        me.halt(f"before {name}")
        self._stop_here(me)
        if isinstance(port, Db) and not port.reachable:
            raise UnreachableError(f"{port.side} does not answer")
        if me.lost_lock and (port is me.lost_lock or isinstance(port, Code)):
            raise UnreachableError(f"the session on the {me.lost_lock.side} has ended")

    def _stop_here(self, me: Attempt) -> None:
        if me.dead:
            raise Died(me.what)

    def leave(self, name: str) -> None:
        self.check()
        if me := self.current:
            me.halt(f"after {name}")

    def busy(self, port: object, name: str) -> Outcome | None:
        """The answer of a guarded procedure while somebody else holds the lock of the row."""
        if isinstance(port, LivingDb) and name in UNDER_LOCK and port.holder not in (None, self.current):
            out = port._outcome(False)
            return Outcome(Answered.BUSY, out.state, out.epoch, out.attempt, 0, out.seconds_left)
        return None

    def turn(self, *, tick: bool = False) -> None:
        """Nothing by itself: see `live`."""

    # what is checked always -----------------------------------------------------------------------
    def check(self) -> None:
        super().check()
        for db in self.db.values():
            if db.holder and (self.clock.now() - db.held_since).total_seconds() > 30:
                db.unlock()
        owner = self.owner()
        if owner and (lost := [n for n in self.acknowledged if ("write", n) not in owner.have]):
            raise Broken(f"I2: {lost[:5]} are not in the {owner.side}, which takes writes")

    # tasks ----------------------------------------------------------------------------------------
    def begin(self, what: str, run: Callable[[Attempt], object]) -> Attempt:
        attempt = Attempt(self, f"{what} {len(self.attempts)}", run)
        self.attempts.append(attempt)
        return attempt

    def move(self, to: Side) -> Attempt:
        return self.begin(f"move to {to}", lambda me: self._switchover(to, me.what).run())

    def return_path(self) -> Attempt:
        return self.begin("return path", lambda me: return_path.run(self.parts()))

    def rollback(self) -> Attempt:
        return self.begin(
            "rollback",
            lambda me: go_back(self.parts(), lambda to: self._switchover(to, me.what), self._prepare_return),
        )

    def _switchover(self, to: Side, name: str) -> Switchover:
        def guards(parts: Dependencies, side: Side, epoch: int) -> list[str]:
            self._prepare_return(parts)
            me = self.current
            assert me
            me.asking = True
            try:
                reasons = refusals(parts, side, epoch)
            finally:
                me.asking = False
            if not reasons:
                self.fleet.waiters.add((epoch + 1, side))
            return reasons

        return Switchover(self.parts(), to, name, guards=guards)

    def _prepare_return(self, parts: Dependencies) -> Json:
        for db in self.db.values():
            if db.state in (OPEN, FENCED):
                self.replicator.tasks.setdefault(Link("shop", db.epoch + 1, db.side.other), TaskState.READY)
        return {}

    # the world ------------------------------------------------------------------------------------
    def write(self, server: Any, *, halfway: bool) -> None:
        """One request of a user; `halfway` leaves its session inside COMMIT."""
        db = self.db[server.uses]
        if server.session is None and not db.locked:
            server.session = db
        if server.session is None or server.session.read_only:
            return
        self.next_write += 1
        if halfway:
            server.session.in_commit.append(("write", self.next_write))
        else:
            server.session.take("write", self.next_write)

    def live(self) -> None:
        """One ordinary step: users write, commits arrive, switches tick, waiters look, rows replicate."""
        self.moments += 1
        if self.moments % 4 == 0:
            self.write(self.fleet.servers[self.moments // 4 % 2], halfway=False)
        for server in self.fleet.servers:
            self.fleet.look(server)
        for db in self.db.values():
            if self.moments % 48 == 0:
                db.commits()
            db.tick()
        if self.moments % 12 == 0 or (self.replicator.hostile and self.moments % 3 == 0):
            self.flow()
        self.check()

    def flow(self) -> None:
        """Everything that is written arrives where it may."""
        for link in self.replicator.running():
            if self.replicator.hostile:
                self.replicator.start_over(link)
                continue
            while self.replicator.advance(link):
                pass

    def rest(self, seconds: float) -> None:
        """Nobody acts for so long, and the switches tick."""
        for _ in range(int(seconds)):
            self.clock.time += timedelta(seconds=1)
            self.live()

    def finish(self, attempt: Attempt, calls: int = 4000) -> None:
        """Let it run to its end in an ordinary world."""
        for _ in range(calls):
            if not attempt.runs:
                return
            attempt.step()
            self.live()
        raise Broken(f"{attempt} does not end; it stands {attempt.at}")

    def end_all(self) -> None:
        for attempt in self.attempts:
            if attempt.runs:
                attempt.die()
        self.attempts.clear()

    def nobody_comes(self) -> None:
        """I3: all tasks are gone for longer than a lease; shut is right only after a commit."""
        self.end_all()
        for db in self.db.values():
            db.reachable = True
        self.fleet.mail, self.replicator.hostile = "arrives", False
        self.rest(25)
        committed = any(db.state is CEDED for db in self.db.values())
        if self.owner() is None and not committed:
            raise Broken("I3: nobody may write, and nothing was committed")

    def somebody_comes(self, to: Side) -> None:
        """I3 and I4: cleared tasks bring the writes to where they should be, and nothing is lost."""
        self.nobody_comes()
        said: list[object] = []
        for _ in range(4):
            move = self.move(to)
            self.finish(move)
            back = self.return_path()
            self.finish(back)
            said += [move.ended, back.ended]
            owner = self.owner()
            follows = owner is not None and self.db[owner.side.other].state is FOLLOW
            if owner is self.db[to] and follows and isinstance(move.ended, SwitchoverRecord):
                break
        else:
            raise Broken(f"I4: the {to} does not get the writes: {said}")
        self.end_all()
        for db in self.db.values():
            db.commits()
        self.flow()
        for message in reversed(self.fleet.post):
            self.fleet.tell(*message)  # late and doubled: an older epoch is refused
        self.audit(to)
        if sorted(self.db[to].rows) != sorted(self.db[to.other].rows):
            raise Broken(f"I2: the {to.other} follows and has other rows than the {to}")


class NoProof(Proof):
    """The last comparison finds nothing: the promises must hold without it."""

    def covered(self) -> str:
        return "all rows"

    def differences(self, seconds: float) -> list[str]:
        return []
