"""One case of the kill matrix: a fault hits a move, a recovery follows (or none), and the result is judged.

The judgement trusts no report of the system under test. Users and direct writers keep lists of their own,
and each acknowledged write is looked for in the database that is OPEN at the end. The order of the writes
shows whether two databases ever took writes at the same time.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from lab.faults import Fault, FaultContext, FaultNotSeen
from lab.faults.context import NOBODY, ROLLBACK
from lab.faults.proxy import Proxy
from lab.switchover_harness import MoverProcess, SwitchoverHarness
from lab.switchover_harness.settings import PORT
from lab.switchover_harness.users import changes_of_owner
from livemove.model.ports import ControlState, Link
from livemove.model.spec import Side
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.adapters.wiring import build_dependencies, prepare_return
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover

PATIENCE = 12.0
"""Seconds beyond the lease after which a service without writes counts as stuck."""
AGAIN = 4
"""How often a recovery is repeated when it ended with an error, as Airflow's retries and a person would."""


class Verdict(StrEnum):
    OK = "ok"
    PERSON = "a person must decide"
    LOST = "LOST"
    DUPLICATED = "DUPLICATED"
    TWO_OWNERS = "TWO OWNERS"
    STUCK = "STUCK CLOSED"
    MISPLACED = "MISPLACED"
    """Rows that are only in the database that is not the owner, or that the follower misses."""
    ERROR = "no proof"
    """The fault did not happen, or the harness broke: this case proves nothing."""


BAD = frozenset(Verdict) - {Verdict.OK, Verdict.PERSON}


@dataclass
class Result:
    fault: str
    step: str
    to: str
    recovery: str
    verdict: Verdict
    owner: str = ""
    closed: float = 0.0
    """Seconds: the longest time without an acknowledged write of a user, from the start of the move on."""
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    changes: int = 0
    epoch: int = 0
    attempts: list[str] = field(default_factory=list)
    """How each recovery attempt ended."""
    waited_for_retry: bool = False
    """Nobody did anything after the commit: the service stayed closed until a retry, as designed."""
    text: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.fault} | {self.recovery} | to {self.to}"

    def json(self) -> dict[str, Any]:
        return asdict(self)


class Case:
    def __init__(
        self,
        harness: SwitchoverHarness,
        fault: Fault,
        recovery: str,
        to: Side,
        proxies: dict[Side, Proxy],
        *,
        first: Callable[[FaultContext], None] = lambda context: None,
    ) -> None:
        """`first` is done before the fault strikes: to break something on purpose."""
        self.harness, self.fault, self.recovery, self.to, self.proxies = harness, fault, recovery, to, proxies
        self.first = first
        self.result = Result(fault.name, fault.step, str(to), recovery, Verdict.ERROR)

    def run(self) -> Result:
        began = time.monotonic()
        try:
            self._play()
        except FaultNotSeen as e:
            self.result.text = f"the fault did not happen: {e}"
        except Exception:
            self.result.text = f"the harness broke: {traceback.format_exc()[-1500:]}"
        finally:
            with contextlib.suppress(Exception):
                self.harness.clear()
            self.result.seconds = round(time.monotonic() - began, 1)
        return self.result

    def _play(self) -> None:
        for proxy in self.proxies.values():
            proxy.reset()
        mover_addresses = (
            {side: p.address for side, p in self.proxies.items()} if self.fault.through_proxies else None
        )
        self.harness.begin(direct_writers=True, mover_addresses=mover_addresses)
        if self.to is Side.SOURCE:
            self._move_first()
        context = FaultContext(self.harness, self.to, self.proxies)
        self.result.notes = context.notes
        self.first(context)
        self.fault.inject(context)
        self._recover(context)
        for act in context.after_recovery:
            act()
        if self.harness.owner() is None and not self.result.text:
            # what woke up late was in the middle of something: somebody looks after it once more
            self._again(context, "move")
        self._judge(context)

    def _move_first(self) -> None:
        """Move to the target, so that the source follows: a move back starts from there."""
        world = self.harness.world()
        with build_dependencies(world) as parts:
            Switchover(parts, Side.TARGET, "before", guards=refusals).run()
            return_path.run(parts)
            prepare_return(world, parts)

    # recovering -----------------------------------------------------------------------------------
    def _recover(self, context: FaultContext) -> None:
        match self.recovery:
            case "nobody":
                self._nobody(context)
            case "retry":
                self._again(context, "move")
            case "rollback":
                self._again(context, "rollback")
            case "two retries":
                self.harness.compared()
                both = [context.attempt(), context.attempt()]
                for mover in both:
                    mover.wait(120)
                    self._note(mover)
                if not any(_good(m) for m in both):
                    self._again(context, "move")
            case other:
                raise ValueError(f"unknown recovery {other}")

    def _nobody(self, context: FaultContext) -> None:
        since = time.monotonic()
        lease = self.harness.settings.lease
        writes = self._writes_again(since, lease + PATIENCE, context)
        if self._committed(context):
            # reverse replication at least waits for the task to be run again
            self.result.waited_for_retry = not writes
            self._again(context, "move")

    def _writes_again(
        self, since: float, seconds: float, context: FaultContext, *, early: bool = True
    ) -> bool:
        """Whether users write again, into a database that is OPEN, within so many seconds.

        `early`: give up at once when the move is committed and no server was told.
        """
        deadline = since + seconds
        while time.monotonic() < deadline:
            if self.harness.record.last() > since and self.harness.owner() is not None:
                return True
            if early and self._committed(context) and time.monotonic() > since + 2:
                return False
            time.sleep(0.02)
        return False

    def _committed(self, context: FaultContext) -> bool:
        row = self.harness.row(context.f)
        return (row is not None and row[0] is ControlState.CEDED) or self.harness.owner() is context.t

    def _again(self, context: FaultContext, verb: str) -> None:
        for _ in range(AGAIN):
            with contextlib.suppress(Exception):
                self.harness.compared()  # a restarted owner asks for it, and a person would do it
            mover = context.attempt(verb)
            if mover.wait(120) is None:
                self.result.attempts.append("did not end")
                self.result.text = f"{verb} did not end within 120 s: {mover.log()[-800:]}"
                mover.end()
                return
            self._note(mover)
            if _good(mover):
                self.result.text = ""
                return
            time.sleep(0.5)

    def _note(self, mover: MoverProcess) -> None:
        out = mover.outcome or {}
        self.result.attempts.append(out.get("error") or out.get("result") or f"died ({mover.process.poll()})")
        if out.get("error"):
            self.result.text = str(out.get("text", ""))

    # judging --------------------------------------------------------------------------------------
    def _judge(self, context: FaultContext) -> None:
        harness, r = self.harness, self.result
        since = time.monotonic()
        # a hold that a late attempt left behind ends by itself within a lease
        alive = self._writes_again(since, harness.settings.lease + PATIENCE, context, early=False)
        r.closed = round(
            max(
                [
                    time.monotonic() - harness.record.last() if not alive else 0.0,
                    *harness.record.gaps(context.begun),
                ]
            ),
            2,
        )
        owner = harness.owner()
        r.owner = str(owner or "nobody")
        harness.stop_users()
        rows = [harness.row(s) for s in Side]
        r.epoch = max((row[1] for row in rows if row), default=0)
        r.changes = changes_of_owner(harness.record.acked)
        r.acknowledged = len(harness.record.acked)
        bad: list[Verdict] = []
        if r.changes > max(0, r.epoch - 1):
            bad.append(Verdict.TWO_OWNERS)
        if owner is None:
            last = r.attempts[-1] if r.attempts else ""
            r.notes.append(f"rows: {rows}")
            r.verdict = (
                Verdict.PERSON if last in ("ManualInterventionRequired", "RefusedError") else Verdict.STUCK
            )
            r.verdict = bad[0] if bad else r.verdict
            return
        found = harness.audit(owner)
        r.lost, r.duplicated = found.lost, found.duplicated
        if found.lost:
            bad.append(Verdict.LOST)
        if found.duplicated or found.effects:
            bad.append(Verdict.DUPLICATED)
        r.notes += found.examples
        if not alive:
            bad.append(Verdict.STUCK)
        # seen twice: a row that is written between the look at one side and at the other is none
        again = set(harness.misplaced_rows(owner))
        misplaced = [s for s in harness.misplaced_rows(owner) if s in again]
        misplaced += self._misses(owner) + self._helpers(owner)
        if misplaced:
            bad.append(Verdict.MISPLACED)
            r.notes += misplaced[:5]
        if self.recovery != NOBODY and not bad:
            wanted = Side.SOURCE if self.recovery == ROLLBACK else self.to
            if owner is not wanted:
                r.verdict = Verdict.PERSON
                r.text = r.text or f"the {owner} is the owner, wanted the {wanted}"
                return
        r.verdict = bad[0] if bad else Verdict.OK
        if r.verdict is not Verdict.OK and r.waited_for_retry:
            r.notes.append("nobody acted until a retry")

    def _misses(self, owner: Side) -> list[str]:
        """Rows that the follower still lacks after its running replicator had time to bring them."""
        row = self.harness.row(owner.other)
        if row is None or row[0] is not ControlState.FOLLOW:
            return []
        link = Link("shop", row[1], owner)
        if self.harness.replicators.pid(link) is None:
            return [f"{link.name} does not run: {self.harness.replicators.status(link)}"]
        same: Callable[[], bool] = lambda: self._counts(owner) == self._counts(owner.other)  # noqa: E731
        deadline = time.monotonic() + 15
        while not same():
            if time.monotonic() > deadline:
                return [f"the follower has {self._counts(owner.other)}, the owner {self._counts(owner)}"]
            time.sleep(0.05)
        return []

    def _helpers(self, owner: Side) -> list[str]:
        """Helpers for LOBs that are left on the owner, or missing on its follower."""
        row = self.harness.row(owner.other)
        wanted = {owner: (0, 0)} | ({owner.other: (2, 1)} if row and row[0] is ControlState.FOLLOW else {})
        found = {side: self.harness.query(side, HELPERS)[0] for side in wanted}
        return [
            f"the {side} has {found[side]} helper triggers and columns, wanted {wanted[side]}"
            for side in wanted
            if tuple(map(int, found[side])) != wanted[side]
        ]

    def _counts(self, side: Side) -> list[tuple[Any, ...]]:
        return self.harness.query(
            side,
            "SELECT (SELECT COUNT(*) FROM shop.orders), (SELECT COUNT(*) FROM shop.order_audit), (SELECT"
            " SUM(orders) FROM shop.customers), (SELECT SUM(CRC32(CONCAT(id, note,"
            " UNIX_TIMESTAMP(touched)))) FROM shop.orders)",
        )


HELPERS = (
    "SELECT (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = 'shop' AND trigger_name"
    " LIKE 'livemove%'), (SELECT COUNT(*) FROM livemove.follower_column)"
)


def _good(mover: MoverProcess) -> bool:
    return bool(mover.outcome) and not (mover.outcome or {}).get("error")


def proxies_for(harness: SwitchoverHarness) -> dict[Side, Proxy]:
    """One proxy before each database, on loopback addresses of the harness's network."""
    octet = harness.settings.source.split(".")[1]
    return {
        side: Proxy(f"127.{octet}.9.{n}", (harness.settings.address(side), PORT))
        for n, side in enumerate(Side, 1)
    }
