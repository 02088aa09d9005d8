"""When a question ended, and by what."""

from __future__ import annotations

import pytest

from livemove.history.approvals import decisions
from livemove.model.ports import Json
from tests.doubles.memory import START

ASKED: Json = {"event": "gate_asked", "gate": "repoint", "task_id": "repoint.ask", "run_id": "r1", "time": "2026-11-23T18:00:00+00:00"}  # fmt: skip
ANSWER: Json = {**ASKED, "event": "gate_answered", "option": "Proceed", "by": "kim", "time": "2026-11-23T18:10:00+00:00"}  # fmt: skip


@pytest.mark.parametrize(("run", "option"), [("r1", "Proceed"), ("r2", None)])
def test_another_run_ends_a_question_and_its_own_run_does_not(run: str, option: str | None) -> None:
    work = {"event": "table_compared", "task_id": "validate.compare", "run_id": run, "time": "2026-11-23T18:05:00+00:00"}  # fmt: skip
    assert [d.option for d in decisions({}, [ASKED, work, ANSWER], START)] == [option]
