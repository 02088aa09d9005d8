"""The gate's own part: what it shows and keeps, when it refuses to ask, what an unanswered one does."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import HITLBranchOperator, HITLOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from livemove.dns.zone_checks import ZoneFindings
from livemove.reporting.adapters import evidence
from livemove.reporting.operators import gate as module
from livemove.reporting.operators.gate import MigrationGate
from livemove.runtime.operator import LivemoveOperator
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises

THREE = "2026-11-23T03:00:00+00:00"
WARNING = {"check": "keys", "severity": "warning", "measured": "one without a key"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    world = MemoryWorld().with_(gates={"timeout": 77})
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    monkeypatch.setattr(HITLOperator, "execute", lambda self, context: "asked")
    monkeypatch.setattr(evidence, "survey", lambda world: ZoneFindings((), ("seen",)))
    monkeypatch.setattr(module, "store_question", lambda **question: question["body"])
    return world


def gate(name: str = "switch_dns") -> MigrationGate:
    with DAG("d", schedule=None):
        made = MigrationGate(task_id="ask", gate=name, proceed="on", rollback="back", service="shop")
        made >> [EmptyOperator(task_id="on"), EmptyOperator(task_id="back")]
    return made


def context(task: MigrationGate, **states: str | None) -> dict[str, Any]:
    ti = SimpleNamespace(
        task=task,
        id="1",
        dag_id="d",
        run_id="r",
        get_task_states=lambda **_: {"r": states},
        xcom_pull=lambda task_ids: [{"table": "shop.a"}, {"table": "shop.a", "share": {}}],
    )
    return {"ti": ti, "params": {}, "run_id": "r"}


def answered(option: str, **params: object) -> dict[str, Any]:
    return {
        "chosen_options": [option],
        "params_input": params,
        "responded_at": datetime(2026, 11, 23),
        "responded_by_user": {"id": "1", "name": "kim"},
    }


def test_it_shows_the_evidence_of_this_moment_and_waits_as_long_as_the_form_says(world: MemoryWorld) -> None:
    world.ledger.write("findings", {"findings": [WARNING]})
    asking = gate()
    asking.execute(context(asking, on=None, back=None))
    assert "| then | A | 198.51.100.1 | 5 s |" in str(asking.body)
    assert "one without a key" in str(asking.body)
    assert "| shop.a |" in str(asking.body)
    assert asking.response_timeout == timedelta(seconds=77)
    kept = world.ledger.read("approvals/switch_dns") or {}
    assert (kept["option"], kept["warnings"], kept["shown"]["after"][0]["values"]) == (
        None,
        1,
        ["198.51.100.1"],
    )


def test_asking_again_withdraws_the_old_answer(world: MemoryWorld) -> None:
    world.ledger.write(
        "approvals/switch_dns", {"option": "Proceed", "at": "2026-11-23T00:00:00+00:00", "sha256": "x"}
    )
    asking = gate()
    asking.execute(context(asking))
    kept = world.ledger.read("approvals/switch_dns") or {}
    assert kept["option"] is None
    assert kept["at"] is None


@pytest.mark.parametrize("state", ["success", "skipped", "failed", "upstream_failed"])
def test_cleared_alone_it_refuses_to_ask(world: MemoryWorld, state: str) -> None:
    asking = gate()
    with raises(AirflowFailException, "on", state):
        asking.execute(context(asking, on=state, back=None))
    assert world.ledger.read("approvals/switch_dns") is None


def test_an_answer_is_kept_with_who_when_and_what_was_shown(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HITLBranchOperator, "execute_complete", lambda self, context, event: event)
    asking = gate()
    asking.execute(context(asking))
    sha = (world.ledger.read("approvals/switch_dns") or {})["sha256"]
    asking.execute_complete(context(asking), answered("Proceed", accept_warnings=True))
    kept = world.ledger.read("approvals/switch_dns") or {}
    assert (kept["option"], kept["by"], kept["sha256"]) == ("Proceed", "kim", sha)
    assert kept["accept_warnings"] is True
    # comparable with the ledger's other times: the watch of both sites ends by it
    assert kept["at"] == "2026-11-23T00:00:00+00:00"
    assert [e["event"] for e in world.ledger.noted] == ["gate_asked", "gate_answered"]
    # what somebody saw stays, also when the gate asks again
    (question,) = {e["question"] for e in world.ledger.noted}
    assert (world.ledger.read(question) or {})["body"].startswith("**Proceed** changes the record")


def test_unanswered_it_fails_without_a_retry_and_says_that_nothing_changed(world: MemoryWorld) -> None:
    with raises(AirflowFailException, "ask", "77 s"):
        gate().execute_complete(context(gate()), {"error": "late", "error_type": "timeout"})


def test_only_the_first_gate_asks_for_the_tick() -> None:
    assert list(gate("switch_dns").params) == ["accept_warnings"]
    assert gate("switch_dns").params["accept_warnings"] is False
    assert list(gate("switchover").params) == []


def test_proceed_to_a_text_of_an_earlier_question_is_refused_and_roll_back_is_not(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HITLBranchOperator, "execute_complete", lambda self, context, event: "on its way")
    monkeypatch.setattr(module, "store_question", lambda **question: "what was true an hour ago")
    asking = gate()
    asking.execute(context(asking))
    assert asking.execute_complete(context(asking), answered("Roll back")) == "on its way"
    with pytest.raises(AirflowFailException, match="showed the evidence of an earlier question"):
        asking.execute_complete(context(asking), answered("Proceed", accept_warnings=True))


def test_a_way_back_that_cannot_be_looked_at_keeps_nobody_from_being_asked(world: MemoryWorld) -> None:
    world.ledger.write(
        "switchover/2",
        {
            "epoch": 2,
            "from": "source",
            "to": "target",
            "fenced_ms": 90,
            "started_at": "2026-11-23T18:00:00+00:00",
        },
    )
    world.ledger.write(
        "way_back",
        {"epoch": 2, "state": "running", "losses": ["old"], "message": "all was well", "checked_at": THREE},
    )
    world.ledger.write(
        "comparison/2/shop.a", {"equal": True, "rows_source": 7, "rows_target": 7, "checked_at": THREE}
    )
    asking = gate("retire")
    asking.execute(context(asking, on=None, back=None))
    assert "Reverse replication could not be read" in str(asking.body)
    assert "last seen 2026-11-23T03:00:00+00:00: all was well" in str(asking.body)
    assert "| shop.a | 7 | 7 | yes |" in str(asking.body)


def test_the_ledger_keeps_the_question_word_for_word_and_what_was_seen_in_short(world: MemoryWorld) -> None:
    asking = gate()
    asking.execute(context(asking))
    asked = world.ledger.noted[-1]
    assert asked["event"] == "gate_asked"
    assert "www.shop.test: 192.0.2.1 → 198.51.100.1" in asked["saw"]
    kept = world.ledger.read(asked["question"]) or {}
    assert (kept["body"], kept["subject"]) == (asking.body, asking.subject)
    # of tonight's form: whoever reads the ledger does not know it
    assert asked["timeout"] == 77


@pytest.mark.parametrize(
    ("failures", "shown"),
    [
        (
            ["2026-11-23 03:12:00 UTC Replication task has failed."],
            (
                "### DMS reports 1 failures since its task was made\n- 2026-11-23 03:12:00 UTC Replication"
                " task has failed."
            ),
        ),
        ([], "**DMS reports no failure** since its task was made."),
        (None, "**DMS's events could not be read**."),
    ],
)
def test_what_dms_said_of_failures_stands_in_the_question(
    failures: list[str] | None, shown: str, world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "replication_failures", lambda world: failures)
    for name in ("switch_dns", "switchover"):
        asking = gate(name)
        asking.execute(context(asking))
        assert shown in str(asking.body)
    asking = gate("retire")
    asking.execute(context(asking))
    assert "DMS reports" not in str(asking.body)


def test_dms_that_does_not_answer_keeps_nobody_from_being_asked(world: MemoryWorld) -> None:
    assert evidence.replication_failures(world) is None  # type: ignore[arg-type]
