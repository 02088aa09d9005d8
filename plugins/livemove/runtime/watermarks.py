"""Wait until the owner's committed writes have reached the follower, by watermark rows or else by time."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Sequence

from livemove.model.errors import LivemoveError
from livemove.model.ports import Clock, ControlDb
from livemove.model.spec import Side
from livemove.runtime.deadlines import Deadline, poll_until

Arrival = Callable[[float], bool]
"""Called with the seconds to wait at most; True when all that was committed before the call is there."""

WAITS = (2.0, 2.0, 2.0, 4.0, 6.0)
"""Seconds; three of them together are longer than the replicator may lag (max_lag, 5 s)."""
TICK = 0.02
LIMIT = 120.0
"""Seconds that a watermark may take while rows are read again; a larger lag allows no comparison."""


def wait_for_watermark(
    follower: ControlDb,
    reads: Side,
    stream: str,
    number: int,
    deadline: Deadline,
    *,
    every: float | Iterable[float] = TICK,
    meanwhile: Callable[[], object] = lambda: None,
) -> bool:
    """Whether the watermark of the side that is read has arrived at the follower before the deadline.

    `meanwhile` is called after each look in vain, and ends the wait when it raises.
    """
    return poll_until(
        lambda: follower.has_watermark(reads, stream, number), deadline, every=every, meanwhile=meanwhile
    )


def watermark_trip(
    owner: ControlDb,
    follower: ControlDb,
    reads: Side,
    stream: str,
    number: int,
    deadline: Deadline,
    *,
    every: float = TICK,
    meanwhile: Callable[[], object] = lambda: None,
) -> float | None:
    """Seconds from writing a watermark to its arrival; None when it did not arrive before the deadline."""
    sent = deadline.waited
    owner.write_watermark(reads, stream, number)
    arrived = wait_for_watermark(follower, reads, stream, number, deadline, every=every, meanwhile=meanwhile)
    return deadline.waited - sent if arrived else None


def by_waiting(clock: Clock, waits: Sequence[float] = WAITS) -> Arrival:
    """Without a watermark table: each call waits for a time, the last one again and again."""
    left = itertools.chain(waits, itertools.repeat(waits[-1]))

    def arrived(limit: float) -> bool:
        clock.sleep(min(limit, next(left)))
        return True

    return arrived


def by_watermark(owner: ControlDb, follower: ControlDb, reads: Side, clock: Clock) -> Arrival:
    """Two watermarks in turn: in a batched apply the first may arrive before rows written ahead of it."""
    stream, numbers = f"compare-{secrets.token_hex(6)}", itertools.count(1)

    def arrived(limit: float) -> bool:
        deadline = Deadline(clock, limit)
        return all(
            watermark_trip(owner, follower, reads, stream, number, deadline) is not None
            for number in itertools.islice(numbers, 2)
        )

    return arrived


def require_arrival(arrived: Arrival, table: str) -> None:
    """LivemoveError when the follower is too far behind for rows to be judged."""
    if not arrived(LIMIT):
        raise LivemoveError(
            f"{table} cannot be judged: a watermark row did not arrive at the follower within {LIMIT:.0f} s",
            wanted="a replicator that has caught up",
            next_step="look at the DMS task, wait until it has caught up, then clear this task",
        )
