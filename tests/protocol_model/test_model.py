"""A few seconds of `make model`: that the model compiles, holds where it is smallest, and can break."""

from __future__ import annotations

import re

import pytest

from tests.protocol_model.cases import BREAK, HOLD, LONG, SMALLEST, SPARE
from tests.protocol_model.checker import MODEL, check, missing
from tests.protocol_model.drain import QUESTIONS, Question, lost

needs_spin = pytest.mark.skipif(missing() is not None, reason=f"Spin is not here; {missing()}")


@needs_spin
def test_the_smallest_configuration_holds() -> None:
    verdict = check(SMALLEST)
    assert verdict.as_wanted, verdict
    assert verdict.states > 100_000


@needs_spin
@pytest.mark.parametrize("what", ["ACCOUNT_LOCK", "COMPARE_AND_SET", "DOOR"])
def test_what_is_taken_out_breaks_a_promise(what: str) -> None:
    verdict = check(next(c for c in BREAK if c.without == what))
    assert verdict.as_wanted, verdict


def test_each_thing_that_can_be_taken_out_is_taken_out() -> None:
    text = MODEL.read_text()
    known = set(re.findall(r"WITHOUT_([A-Z_]+)", text))
    assert {c.without for c in BREAK + LONG if c.without} | set(SPARE) == known
    assert all(bool(c.breaks) is bool(c.without) for c in HOLD + BREAK + LONG)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.name)
def test_what_the_drain_may_conclude(question: Question) -> None:
    assert (lost(question) is not None) is question.loses
