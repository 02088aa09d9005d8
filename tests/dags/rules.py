"""A small story around the real rollback chapter, run by Airflow itself: `python -m tests.dags.rules`.

Runs it three times and prints what failed and the states of all tasks as JSON: nothing fails; `change` fails
with a refusal; `move` fails with something real.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, TriggerRule
from airflow.sdk.exceptions import DownstreamTasksSkipped

from livemove.dag import rollback_stage
from livemove.dns.operators import RollbackRecordOperator
from livemove.dns.sensors import PropagationSensor
from livemove.model.errors import DnsError, RefusedError
from livemove.model.ledger import Event
from livemove.reporting.operators import callbacks
from livemove.reporting.operators.callbacks import note_failure
from livemove.runtime.operator import LivemoveOperator
from livemove.servers.operators.servers import SmokeOperator
from livemove.switchover.operators.rollback import BeginRollbackOperator
from livemove.switchover.operators.switchover import RollbackWritesOperator
from tests.doubles.worlds import SHOP, MemoryWorld

WORLD = MemoryWorld()
FAILS = ["nothing"]
ERRORS = {"change": RefusedError("the window is closed"), "move": DnsError("a cache keeps the old answer")}


class Act(LivemoveOperator):
    def execute(self, context: Any) -> None:
        if [self.task_id] == FAILS:
            raise ERRORS[self.task_id]


class LastGate(BaseOperator):
    def execute(self, context: Any) -> None:
        raise DownstreamTasksSkipped(tasks=[("rollback.begin", -1)])


class Noted:
    """The ledger of whoever notes a failure; the same events as the world's own."""

    def __init__(self, told: dict[str, str]) -> None:
        self.told = told

    def note(self, event: Event) -> None:
        WORLD.ledger.append({**event.stored(), **self.told})


def story() -> DAG:
    with DAG("rules", schedule=None, default_args={"on_failure_callback": note_failure}) as dag:
        first, second, last = (
            EmptyOperator(task_id="first"),
            EmptyOperator(task_id="second"),
            LastGate(task_id="last"),
        )
        change, move = (Act(task_id=name, service="shop") for name in ("change", "move"))
        first >> change >> second >> move >> last
        group, begin = rollback_stage(
            SHOP,
            BeginRollbackOperator,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            watched=[change, move],
        )
        [first, second, last] >> begin
        [last, group] >> EmptyOperator(task_id="report", trigger_rule=TriggerRule.ONE_SUCCESS)
    return dag


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LivemoveOperator, "world", lambda self, context: WORLD)
        patch.setattr(callbacks, "ServiceContext", lambda spec, **told: SimpleNamespace(ledger=Noted(told)))
        for kind in (RollbackWritesOperator, RollbackRecordOperator, PropagationSensor, SmokeOperator):
            patch.setattr(kind, "execute", lambda self, context: {})
        for name in ("nothing", "change", "move"):
            FAILS[:] = [name]
            run = story().test()
            print("STATES", json.dumps([name, {t.task_id: t.state for t in run.get_task_instances()}]))
