"""Looking again until it is so or the time is over; no test here waits for anything."""

from __future__ import annotations

from itertools import islice

import pytest

from livemove.runtime.deadlines import Deadline, growing, poll_until
from tests.doubles.memory import START, HandClock


class Answers:
    """Says one answer after the other, and counts how often it was asked."""

    def __init__(self, *answers: object) -> None:
        self.left, self.asked = list(answers), 0

    def __call__(self) -> object:
        self.asked += 1
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


def passed(clock: HandClock) -> float:
    return (clock.now() - START).total_seconds()


def test_what_is_so_at_once_is_not_waited_for() -> None:
    clock = HandClock()
    assert poll_until(Answers("there"), Deadline(clock, 0), every=5) == "there"
    assert passed(clock) == 0


def test_it_is_looked_at_again_until_it_is_so() -> None:
    clock, look = HandClock(), Answers(None, "", "there")
    assert poll_until(look, Deadline(clock, 60), every=2) == "there"
    assert (look.asked, passed(clock)) == (3, 4)


def test_at_the_deadline_it_is_looked_at_once_more_and_that_is_the_answer() -> None:
    clock, look = HandClock(), Answers(0)
    assert poll_until(look, Deadline(clock, 10), every=4) == 0
    assert (look.asked, passed(clock)) == (4, 12)


def test_done_judges_what_was_seen() -> None:
    look = Answers(1, 2, 3, 4)
    assert poll_until(look, Deadline(HandClock(), 60), every=1, done=lambda n: n == 3) == 3


def test_meanwhile_is_asked_after_each_look_in_vain_and_may_end_the_wait() -> None:
    def refuse() -> None:
        if look.asked == 2:
            raise RuntimeError("stopped")

    clock, look = HandClock(), Answers(False)
    with pytest.raises(RuntimeError, match="stopped"):
        poll_until(look, Deadline(clock, 60), every=1, meanwhile=refuse)
    assert passed(clock) == 1


def test_pauses_may_grow() -> None:
    clock = HandClock()
    poll_until(Answers(0, 0, 0, 0, 1), Deadline(clock, 60), every=growing(1, 2, 3))
    assert list(islice(growing(1, 2, 3), 4)) == [1, 2, 3, 3]
    assert passed(clock) == 1 + 2 + 3 + 3


def test_a_deadline_tells_what_is_left() -> None:
    clock = HandClock()
    deadline = Deadline(clock, 10)
    clock.sleep(4)
    assert (deadline.waited, deadline.left, deadline.is_over) == (4, 6, False)
    clock.sleep(6)
    assert (deadline.left, deadline.is_over) == (0, True)
    clock.sleep(5)
    assert deadline.left == 0
