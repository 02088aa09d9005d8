"""Deltas of counters: they grow, they begin at zero again, and some kinds are not told."""

from __future__ import annotations

from livemove.model.counters import has_restarted, increase, increases, total


def test_an_increase_is_the_difference() -> None:
    assert increase(10, 15) == 5
    assert increase(10, 10) == 0
    assert increase(1.5, 2.0) == 0.5


def test_after_a_restart_what_is_counted_since_counts() -> None:
    assert has_restarted(10, 3)
    assert not has_restarted(10, 10)
    assert increase(10, 3) == 3


def test_the_requests_tell_that_a_server_restarted() -> None:
    before = {"requests": 100, "errors": 1, "seconds": 5.0}
    # the new process counted more errors than the old one: still a new one
    now = {"requests": 10, "errors": 2, "seconds": 0.5}
    assert increases(before, now) == now
    later = {"requests": 110, "errors": 3, "seconds": 6.0}
    assert increases(before, later) == {"requests": 10, "errors": 2, "seconds": 1.0}


def test_a_kind_that_one_look_does_not_tell_is_unknown() -> None:
    before = {"requests": 100, "errors": None, "seconds": 5.0}
    now = {"requests": 110, "errors": 3, "seconds": None}
    assert increases(before, now) == {"requests": 10, "errors": None, "seconds": None}
    assert increases({}, {"requests": 4})["requests"] is None


def test_a_total_is_known_when_all_tell_it() -> None:
    found = [{"requests": 3, "errors": 1}, {"requests": 4, "errors": None}]
    assert total(found, "requests") == 7
    assert total(found, "errors") is None
    assert total([], "errors") == 0
