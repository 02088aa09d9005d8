"""Who may order a rollback: the newest answer at a gate, a person by its own DAG, a spec that allows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from livemove.model.errors import (
    DnsError,
    ManualInterventionRequired,
    RefusedError,
    StaleApprovalError,
    SwitchoverAborted,
    SwitchoverIncomplete,
    UnreachableError,
)
from livemove.model.ledger import TaskFailed
from livemove.reporting.operators import callbacks
from livemove.reporting.operators.callbacks import note_failure
from livemove.runtime.operator import LivemoveOperator
from livemove.switchover.operators.rollback import (
    AutomaticRollbackOperator,
    BeginRollbackOperator,
    GiveUpOperator,
    OrderedRollbackOperator,
)
from livemove.switchover.operators.switchover import RollbackWritesOperator
from livemove.switchover.rollback import WentBack, failure, not_automatic
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    world = MemoryWorld()
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    return world


HARMLESS = [
    RefusedError("a guard said no"),
    StaleApprovalError("another record"),
    SwitchoverAborted("undone", owner="the source", changed=False),
    ManualInterventionRequired("?", owner="nobody", changed=False),
]
REAL = [
    DnsError("a cache keeps the old answer"),
    UnreachableError("the service does not answer"),
    SwitchoverIncomplete("half", owner="the target", changed=True),
    AirflowException("something of Airflow's"),
    None,
]


def wrapped(error: Exception) -> Exception:
    """As no_blind_retry wraps what must not be retried."""
    outer = AirflowFailException(str(error))
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("error", HARMLESS)
def test_a_refusal_and_an_undone_move_undo_nothing_else(error: Exception) -> None:
    for seen in (error, wrapped(error)):
        reason = not_automatic({"switchover.switch_over": failure(seen)})
        assert reason
        assert "nothing was changed" in reason
        assert type(error).__name__ in reason


@pytest.mark.parametrize("error", REAL)
def test_a_failure_that_left_something_behind_rolls_back(error: Exception | None) -> None:
    assert not_automatic({"switchover.smoke": failure(error)}) is None


def test_a_task_that_was_killed_left_no_word_and_rolls_back() -> None:
    assert not_automatic({"switchover.switch_over": None}) is None
    assert "no task behind the gate" in str(not_automatic({}))


def context(watched: list[str], **states: str) -> dict[str, Any]:
    named = {k.replace("__", "."): v for k, v in states.items()}
    ti = SimpleNamespace(
        task=SimpleNamespace(upstream_task_ids=set(watched)),
        dag_id="d",
        run_id="r",
        get_task_states=lambda **asked: {"r": {t: named.get(t) for t in asked["task_ids"]}},
    )
    return {"ti": ti, "params": {}, "run_id": "r"}


WATCHED = ["switch_dns.change_record", "switch_dns.propagation", "switchover.switch_over"]


def automatic(world: MemoryWorld, **states: str) -> Any:
    return AutomaticRollbackOperator(task_id="automatic", service="shop").execute(context(WATCHED, **states))


def test_the_spec_orders_it_when_a_watched_task_failed(world: MemoryWorld) -> None:
    world.ledger.tell(
        "task_failed", run_id="r", task_id="switch_dns.propagation", **failure(DnsError("stretched"))
    )
    found = automatic(world, switch_dns__propagation="failed", switchover__switch_over="upstream_failed")
    assert found["by"] == "the spec (rollback.automatic)"
    assert found["gate"] == "switch_dns.propagation"
    assert [e["event"] for e in world.ledger.events()][-1] == "rollback_begun"


def test_it_skips_itself_after_a_refusal_and_when_something_before_the_gates_failed(
    world: MemoryWorld,
) -> None:
    world.ledger.tell(
        "task_failed", run_id="r", task_id="switchover.switch_over", **failure(RefusedError("not now"))
    )
    with raises(AirflowSkipException, "RefusedError: not now"):
        automatic(world, switchover__switch_over="failed")
    with pytest.raises(AirflowSkipException, match="no task behind the gate"):
        automatic(
            world, switch_dns__change_record="upstream_failed", switchover__switch_over="upstream_failed"
        )
    assert not [e for e in world.ledger.events() if e["event"] == "rollback_begun"]


def test_what_another_run_failed_with_does_not_excuse_this_one(world: MemoryWorld) -> None:
    world.ledger.tell(
        "task_failed", run_id="earlier", task_id="switchover.switch_over", **failure(RefusedError("no"))
    )
    assert automatic(world, switchover__switch_over="failed")["gate"] == "switchover.switch_over"


def test_a_rollback_withdraws_the_approvals_whoever_ordered_it(world: MemoryWorld) -> None:
    world.ledger.write(
        "approvals/switchover", {"gate": "switchover", "option": "Proceed", "at": "2026-11-23"}
    )
    with raises(RefusedError, "Proceed", "Roll back"):
        BeginRollbackOperator(task_id="begin", service="shop").execute({})
    user = SimpleNamespace(triggering_user_name="kim")
    found = OrderedRollbackOperator(task_id="begin", service="shop").execute({"dag_run": user})
    assert (found["gate"], found["by"]) == ("rollback_shop", "kim")
    assert world.ledger.read("approvals/switchover")["option"] is None  # type: ignore[index]


def test_what_a_task_failed_with_for_good_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    world = MemoryWorld()
    monkeypatch.setattr(callbacks, "ServiceContext", lambda spec, **_: world)
    ti = SimpleNamespace(
        task=SimpleNamespace(service="shop"),
        task_id="switchover.switch_over",
        dag_id="migrate_shop",
        map_index=0,
    )
    note_failure({"ti": ti, "run_id": "r", "exception": wrapped(RefusedError("not now"))})
    (kept,) = world.ledger.snapshot().all_of(TaskFailed)
    assert (kept.error, kept.found, kept.harmless) == ("RefusedError", "not now", True)


def test_what_was_prepared_is_taken_down_only_when_the_form_says_so(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up = GiveUpOperator(task_id="asked", service="shop")
    asked: list[object] = []
    monkeypatch.setattr("livemove.switchover.adapters.wiring.refuse_after_a_move", asked.append)
    for params in ({}, {"give_up": False}):
        with pytest.raises(AirflowSkipException, match="Not asked for"):
            give_up.execute({"params": params})
    assert not asked
    give_up.execute({"params": {"give_up": True}})
    assert asked == [world], "the databases are asked whether the writes ever moved"
    assert [e["event"] for e in world.ledger.events()] == ["given_up"]


def test_writes_that_cannot_have_left_need_no_way_back(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = RollbackWritesOperator(task_id="writes", service="shop")
    monkeypatch.setattr("livemove.control.adapters.state.never_left", lambda world: "nothing was prepared")
    done = writes.execute({})
    assert (done["epoch"], done["owner"], done["message"]) == (1, "source", "nothing was prepared")
    assert world.ledger.events()[-1]["message"] == "nothing was prepared"


@pytest.mark.parametrize("answer", [None, UnreachableError("the target is silent")])
def test_where_that_cannot_be_told_the_rows_decide(
    answer: Exception | None, world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_left(world: object) -> None:
        if answer:
            raise answer

    monkeypatch.setattr("livemove.control.adapters.state.never_left", never_left)
    told = WentBack(3, "by the rows")
    monkeypatch.setattr(RollbackWritesOperator, "_go_back", lambda self, world, context: told)
    assert RollbackWritesOperator(task_id="writes", service="shop").execute({})["message"] == "by the rows"
