"""The shells: which errors Airflow may retry, and what a kill does."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from livemove.model.errors import (
    ManualInterventionRequired,
    RefusedError,
    SwitchoverAborted,
    SwitchoverIncomplete,
)
from livemove.model.spec import Side, Window
from livemove.switchover.operators.switchover import SwitchoverOperator, no_blind_retry
from tests.doubles.moving import Universe
from tests.raising import raises


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (RefusedError("no"), AirflowFailException),
        (SwitchoverAborted("undone", owner="the source", changed=False), AirflowFailException),
        (ManualInterventionRequired("?", owner="nobody", changed=False), AirflowFailException),
        (SwitchoverIncomplete("half", owner="the target", changed=True), SwitchoverIncomplete),
    ],
)
def test_only_what_is_committed_is_retried_without_a_person(error: Exception, seen: type[Exception]) -> None:
    with pytest.raises(seen, match=str(error)[:4].replace("?", r"\?")), no_blind_retry():
        raise error


def test_a_kill_asks_the_running_move_to_stop() -> None:
    operator = SwitchoverOperator(task_id="switchover", service="shop", to=Side.TARGET)
    context: Any = {"ti": SimpleNamespace(try_number=2)}
    move = operator.switchover(Universe().parts(), Side.TARGET, context)
    assert move.attempt.startswith("2-")
    operator.on_kill()
    with raises(SwitchoverAborted, owner="the source", changed=False):
        move.run()


def test_the_writes_move_only_inside_the_window_and_a_committed_move_goes_on_outside() -> None:
    operator = SwitchoverOperator(task_id="switchover", service="shop", to=Side.TARGET)
    context: Any = {"ti": SimpleNamespace(try_number=1)}
    universe = Universe()
    parts = universe.parts()
    now = parts.clock.now()
    open_, over = (
        Window(
            opens=(now + timedelta(hours=h)).time(),
            closes=(now + timedelta(hours=h + 2)).time(),
            timezone="UTC",
        )
        for h in (-1, 3)
    )
    with raises(RefusedError, "Clear switchover.window"):
        operator.switchover(parts, Side.TARGET, context, window=over).run()
    universe.audit(Side.SOURCE)
    operator.switchover(parts, Side.TARGET, context, window=open_).run()
    assert operator.switchover(parts, Side.TARGET, context, window=over).run().to is Side.TARGET


def test_a_kill_between_two_moves_of_one_task_stops_the_next_one() -> None:
    """A rollback may finish one move and then begin another."""
    operator = SwitchoverOperator(task_id="switchover", service="shop", to=Side.TARGET)
    operator.on_kill()
    world = Universe()
    with raises(SwitchoverAborted, owner="the source", changed=False):
        operator.switchover(world.parts(), Side.TARGET, {"ti": SimpleNamespace(try_number=1)}).run()
    world.audit(Side.SOURCE)


def test_every_try_has_an_attempt_of_its_own_so_that_a_zombie_is_a_stranger() -> None:
    operator = SwitchoverOperator(task_id="switchover", service="shop", to=Side.TARGET)
    parts = Universe().parts()
    context: Any = {"ti": SimpleNamespace(try_number=1)}
    attempts = {operator.switchover(parts, Side.TARGET, context).attempt for _ in range(50)}
    assert len(attempts) == 50
    assert all(len(a) <= 64 for a in attempts)


@pytest.mark.parametrize("kind", [AirflowTaskTimeout, KeyboardInterrupt, SystemExit])
def test_a_timeout_before_the_commit_is_undone_and_never_retried_blindly(kind: type[BaseException]) -> None:
    world = Universe()
    struck = []

    def strike(name: str) -> None:
        if name == "close":
            struck.append(name)
            raise kind("the task's time is over")
        world.strike(0, strike, after=True)

    world.strike(0, strike, after=True)
    operator = SwitchoverOperator(task_id="switchover", service="shop", to=Side.TARGET)
    move = operator.switchover(world.parts(), Side.TARGET, {"ti": SimpleNamespace(try_number=1)})
    with pytest.raises(AirflowFailException, match="the source is the owner"), no_blind_retry():
        move.run()
    assert struck
    world.audit(Side.SOURCE)
