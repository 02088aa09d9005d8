"""The emergency's question and its act: what is asked, when it is refused, what an answer leads to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from livemove.model.spec import Side
from livemove.reporting.operators.promotion_gate import PromotionGate
from livemove.runtime.operator import LivemoveOperator
from livemove.switchover.operators.promotion import PromoteOperator
from tests.doubles.moving import Universe
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises
from tests.switchover.test_promotion import kill

WORD = "the source of shop is off"


@pytest.fixture
def universe(monkeypatch: pytest.MonkeyPatch) -> Universe:
    universe, world = Universe(), MemoryWorld()
    world.ledger = universe.ledger

    @contextmanager
    def dependencies(_: object) -> Iterator[object]:
        yield universe.parts()

    monkeypatch.setattr("livemove.switchover.adapters.wiring.build_dependencies", dependencies)
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    monkeypatch.setattr(HITLOperator, "execute", lambda self, context: None)
    return universe


def asked(universe: Universe) -> PromotionGate:
    gate = PromotionGate(task_id="ask", service="shop")
    gate.execute({})
    return gate


def answer(option: str, word: str = WORD) -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": {"word": word},
        "responded_at": datetime(2026, 11, 23),
        "responded_by_user": {"id": "1", "name": "kim"},
    }


def context(word: str) -> dict[str, Any]:
    return {"ti": SimpleNamespace(try_number=1, xcom_pull=lambda task_ids: {"word": word})}


def test_it_does_not_even_ask_while_the_source_answers(universe: Universe) -> None:
    with raises(AirflowFailException, "source OPEN@1"):
        asked(universe)


def test_the_question_shows_what_may_be_lost_and_what_has_to_be_typed(universe: Universe) -> None:
    kill(universe)
    body = str(asked(universe).body)
    assert "target FOLLOW@1" in body
    assert "missing may be what it acknowledged between that moment and its end" in body
    assert "idc: dead" in body
    assert f"`{WORD}`" in body


def test_an_answer_leads_on_only_if_it_is_promote(universe: Universe) -> None:
    kill(universe)
    gate = asked(universe)
    assert gate.execute_complete({}, answer("Promote")) == {"word": WORD}
    with pytest.raises(AirflowSkipException):
        gate.execute_complete({}, answer("Leave everything as it is"))
    answers = [e["option"] for e in universe.ledger.noted if e["event"] == "promotion_answered"]
    assert answers == ["Promote", "Leave everything as it is"]
    with pytest.raises(AirflowFailException, match="Nothing was changed"):
        gate.execute_complete({}, {"error": "late", "error_type": "timeout"})


def test_the_act_wants_the_sentence_and_says_what_is_lost(universe: Universe) -> None:
    kill(universe)
    act = PromoteOperator(task_id="promote", asked_by="ask", service="shop")
    with pytest.raises(AirflowFailException, match="exactly"):
        act.execute(context("yes"))
    assert universe.db[Side.TARGET].epoch == 1
    done = act.execute(context(WORD))
    assert (done["epoch"], done["old_owner_came_back"]) == (2, None)
    assert done["nothing_since_seconds"] > 0
    assert universe.owner() is universe.db[Side.TARGET]
