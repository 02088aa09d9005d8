"""Waiting with a time limit on the caller's clock; tests move theirs on, so they need not wait."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from livemove.model.ports import Clock


class Deadline:
    """So many seconds from now on; by a clock that nobody sets."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self._began = clock.monotonic()

    @property
    def waited(self) -> float:
        return self.clock.monotonic() - self._began

    @property
    def left(self) -> float:
        return max(0.0, self.seconds - self.waited)

    @property
    def is_over(self) -> bool:
        return self.waited >= self.seconds


def poll_until[T](
    look: Callable[[], T],
    deadline: Deadline,
    *,
    every: float | Iterable[float],
    done: Callable[[T], object] = bool,
    meanwhile: Callable[[], object] = lambda: None,
) -> T:
    """Look until it is `done` or the deadline is over, at least once; returns what was seen last.

    `every`: seconds between two looks, or one such number after the other. `meanwhile` is called after each
    look in vain, and ends the wait when it raises.
    """
    pauses = itertools.repeat(every) if isinstance(every, int | float) else iter(every)
    while not done(seen := look()):
        meanwhile()
        if deadline.is_over:
            break
        deadline.clock.sleep(next(pauses))
    return seen


def growing(first: float, factor: float, most: float) -> Iterator[float]:
    """Pauses that grow from `first` to `most`, so that short waits end soon and long ones ask seldom."""
    pause = first
    while True:
        yield pause
        pause = min(most, pause * factor)
