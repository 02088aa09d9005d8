"""Several at once: order, whose failure it was, and that a silent one keeps nobody waiting."""

from __future__ import annotations

import threading
import time

import pytest

from livemove.runtime.parallel import both, in_parallel, in_parallel_within


def test_results_come_in_the_order_of_the_items() -> None:
    last = threading.Event()

    def work(n: int) -> int:
        if n == 0:
            last.wait(5)  # the first one ends last
        elif n == 3:
            last.set()
        return n * 10

    assert in_parallel(range(4), work) == [0, 10, 20, 30]
    assert in_parallel([], work) == []


def test_no_more_than_the_limit_at_once() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def work(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1

    in_parallel(range(8), work, limit=2)
    assert most == 2


def test_a_failure_names_whose_it_was() -> None:
    def work(name: str) -> str:
        if name == "www2":
            raise ValueError("no answer")
        return name

    with pytest.raises(ValueError, match="no answer") as caught:
        in_parallel(["www1", "www2"], work, name=lambda n: f"server {n}")
    assert caught.value.__notes__ == ["This is the failure of server www2"]


def test_within_a_time_failures_and_silence_have_their_places() -> None:
    silent = threading.Event()

    def work(name: str) -> str:
        if name == "broken":
            raise ValueError("it is broken")
        if name == "silent":
            silent.wait(10)
        return name.upper()

    began = time.monotonic()
    well, broken, late, last = in_parallel_within(0.2, ["well", "broken", "silent", "last"], work)
    assert time.monotonic() - began < 5
    silent.set()
    assert (well, last) == ("WELL", "LAST")
    assert isinstance(broken, ValueError)
    assert isinstance(late, TimeoutError)
    assert in_parallel_within(0.2, [], work) == []


def test_both_run_at_the_same_time() -> None:
    here, there = threading.Event(), threading.Event()

    def first() -> bool:
        here.set()
        return there.wait(5)

    def second() -> bool:
        there.set()
        return here.wait(5)

    assert both(first, second) == (True, True)
