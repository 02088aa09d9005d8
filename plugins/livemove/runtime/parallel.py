"""The same work for several servers, sides or documents at once; results come in the order of the items."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor


def in_parallel[T, R](
    items: Iterable[T], work: Callable[[T], R], limit: int = 16, *, name: Callable[[T], str] = str
) -> list[R]:
    """At most `limit` at once; after all have ended, the first failure is raised, noting whose it was."""
    listed = list(items)

    def named(item: T) -> R:
        try:
            return work(item)
        except Exception as e:
            e.add_note(f"This is the failure of {name(item)}")
            raise

    with ThreadPoolExecutor(max_workers=min(limit, len(listed)) or 1) as pool:
        return list(pool.map(named, listed))


def in_parallel_within[T, R](
    seconds: float, items: Iterable[T], work: Callable[[T], R]
) -> list[R | Exception]:
    """All at once; what fails has its exception in its place, what takes longer a TimeoutError.

    Whoever does not answer keeps nobody waiting: its thread is left behind when the time is over.
    """
    listed = list(items)
    outcomes: dict[int, R | Exception] = {}

    def safely(number: int, item: T) -> None:
        try:
            outcomes[number] = work(item)
        except Exception as e:
            outcomes[number] = e

    ends = time.monotonic() + seconds
    # threads of a pool would be waited for when the process ends
    threads = [threading.Thread(target=safely, args=pair, daemon=True) for pair in enumerate(listed)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    late = TimeoutError(f"no answer within {seconds:.0f} s")
    return [outcomes.get(number, late) for number in range(len(listed))]


def both[A, B](first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Two different things at once: the second in a thread beside the first."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        beside = pool.submit(second)
        return first(), beside.result()
