"""Waiting until what the owner committed has arrived at the follower: by watermark rows, or, where there are none, by time."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable, Sequence

from livemove.model.errors import LivemoveError
from livemove.model.ports import Clock, ControlDb
from livemove.model.spec import Side

Arrival = Callable[[float], bool]
"""Called with the seconds to wait at most; True when all that was committed before the call is there."""

WAITS = (2.0, 2.0, 2.0, 4.0, 6.0)
"""Seconds; three of them together are longer than the replicator may lag (max_lag, 5 s)."""
TICK = 0.02
LIMIT = 120.0
"""Seconds that a watermark may take while rows are looked at again; a follower behind by more is not comparable."""


def by_waiting(clock: Clock, waits: Sequence[float] = WAITS) -> Arrival:
    """Without a watermark table: each call waits for a time, the last one again and again."""
    left = itertools.chain(waits, itertools.repeat(waits[-1]))

    def arrived(limit: float) -> bool:
        clock.sleep(min(limit, next(left)))
        return True

    return arrived


def by_watermark(owner: ControlDb, follower: ControlDb, reads: Side, clock: Clock) -> Arrival:
    """Two watermarks, one after the other: with batched apply the first may come before rows written ahead of it."""
    stream, numbers = f"compare-{secrets.token_hex(6)}", itertools.count(1)

    def arrived(limit: float) -> bool:
        deadline = time.monotonic() + limit
        for number in itertools.islice(numbers, 2):
            owner.write_watermark(reads, stream, number)
            while not follower.has_watermark(reads, stream, number):
                if time.monotonic() > deadline:
                    return False
                clock.sleep(TICK)
        return True

    return arrived


def insist(arrived: Arrival, table: str) -> None:
    """LivemoveError when the follower is too far behind for rows to be judged."""
    if not arrived(LIMIT):
        raise LivemoveError(
            f"{table} cannot be judged: a watermark row did not arrive at the follower within {LIMIT:.0f} s",
            wanted="a replicator that has caught up",
            next_step="look at the DMS task, wait until it has caught up, then clear this task",
        )
