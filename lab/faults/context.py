"""What a fault can use: the harness, the direction of the move, and the attempts that were made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.faults.proxy import Proxy
from lab.switchover_harness import MoverProcess, SwitchoverHarness
from livemove.model.ports import ControlState, Link
from livemove.model.spec import Side

NOBODY, RETRY, ROLLBACK, TWO = "nobody", "retry", "rollback", "two retries"
RECOVERIES = (NOBODY, RETRY, ROLLBACK, TWO)


class FaultNotSeen(Exception):
    """The fault did not happen, so the case proves nothing."""


class FaultContext:
    """One case on the harness.

    `f` is the owner at the start, `t` the side that shall become the owner. Names of points may
    contain {f} and {t}.
    """

    def __init__(self, harness: SwitchoverHarness, to: Side, proxies: dict[Side, Proxy]) -> None:
        self.harness, self.to, self.proxies = harness, to, proxies
        self.notes: list[str] = []
        self.after_recovery: list[Callable[[], None]] = []
        self.begun = time.monotonic()

    @property
    def f(self) -> Side:
        return self.to.other

    @property
    def t(self) -> Side:
        return self.to

    @property
    def epoch(self) -> int:
        """The one at which the move starts."""
        return 1 if self.to is Side.TARGET else 2

    @property
    def link(self) -> Link:
        """The replication that runs before the move."""
        return Link("shop", self.epoch, self.f)

    @property
    def way_back(self) -> Link:
        return Link("shop", self.epoch + 1, self.t)

    def fill_in(self, text: str) -> str:
        return text.replace("{f}", self.f).replace("{t}", self.t)

    def attempt(self, verb: str = "move", *, at: Sequence[str] = ()) -> MoverProcess:
        return self.harness.mover(verb, to=self.to, at=[self.fill_in(p) for p in at])

    def attempt_until(self, point: str, act: str = "wait") -> MoverProcess:
        """An attempt that has arrived at `point` and stops there (`wait` or `stop`)."""
        mover = self.attempt(at=[f"{point}={act}"])
        arrived = mover.until(lambda: bool(mover.reached) and (act != "stop" or mover.stopped))
        self.require(arrived, f"the attempt came to {point}", mover)
        return mover

    def require(self, true: bool, what: str, mover: MoverProcess | None = None) -> None:
        """Raise FaultNotSeen unless it is true; note what was seen."""
        if not true:
            said = f"; it ended with {mover.process.poll()}: {mover.outcome}" if mover else ""
            raise FaultNotSeen(f"not seen: {what}{said}")
        self.notes.append(what)

    def state(self, side: Side) -> ControlState | None:
        row = self.harness.row(side)
        return row[0] if row else None

    def until(self, true: Callable[[], bool], what: str, seconds: float = 30) -> None:
        """Wait for a state that belongs to the fault; FaultNotSeen when it does not come."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise FaultNotSeen(f"not seen within {seconds:.0f} s: {what}")
            time.sleep(0.005)
        self.notes.append(what)

    def schedule(self, seconds: float, act: Callable[[], object]) -> None:
        """Do it after so many seconds, while the recovery runs."""
        timer = threading.Timer(seconds, act)
        timer.daemon = True
        timer.start()
        self.after_recovery.append(timer.join)

    def finish(self, mover: MoverProcess) -> None:
        """Wait for its end, up to 100 s, and note how it ended."""
        if mover.wait(100) is None:
            raise FaultNotSeen(f"the attempt did not end within 100 s:\n{mover.log()[-1500:]}")
        out = mover.outcome or {}
        self.notes.append(f"first attempt: {out.get('error') or out.get('result') or 'killed'}")


@dataclass(frozen=True)
class Fault:
    """`step`: the step of the switchover that it hits, for the table of results."""

    name: str
    step: str
    inject: Callable[[FaultContext], None]
    recoveries: tuple[str, ...] = RECOVERIES
    """What is done about it afterwards, in the move to the target; each is a case of its own."""
    back: tuple[str, ...] = (RETRY,)
    """The same for the move back, from the target to the source."""
    through_proxies: bool = False
    """Movers reach the databases through the proxies."""
    sampled: bool = True
    """May be drawn for the sample in `make test`; not if it takes tens of seconds."""
