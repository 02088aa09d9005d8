"""The switchover's operator in its own process, as Airflow runs a task.

Run it by `python -m tests.switchover.paused_process <json>`.

Its replicator runs elsewhere. SIGTERM does what Airflow's task runner does with it: on_kill, and nothing
else.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from livemove.control.adapters.control_row import Control
from livemove.model.ports import Reply
from livemove.model.spec import Side
from livemove.model.spec import Switchover as Settings
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb
from livemove.runtime.operator import LivemoveOperator
from livemove.switchover import guards
from livemove.switchover.adapters import wiring as moving
from livemove.switchover.adapters.wiring import StoredCode
from livemove.switchover.operators.switchover import SwitchoverOperator
from livemove.switchover.steps import Dependencies
from tests.doubles.memory import MemoryLedger


class Servers:
    def status(self, *_: object) -> list[Reply]:
        return [Reply("web", True)]

    arm = hold = release = repoint = jobs_off = jobs_on = stop = status


class Equal:
    def ready(self) -> None:
        pass

    def definitions(self, side: Side) -> dict[str, str]:
        return {}

    def unlike(self, owner: Side) -> list[str]:
        return []

    def covered(self) -> str:
        return "all rows"

    def differences(self, seconds: float) -> list[str]:
        return []


@contextmanager
def dependencies(logins: dict[str, list[Any]]) -> Iterator[Dependencies]:
    db = {Side(side): MariaDb(Side(side), Login(*login)) for side, login in logins.items()}
    control = {side: Control(one) for side, one in db.items()}
    ledger: Any = MemoryLedger()
    yield Dependencies(
        service="shop",
        control=control,
        servers=Servers(),
        replicator=None,  # type: ignore[arg-type]
        code=StoredCode(db, control, ledger, ["shop"]),
        proof=Equal(),
        tables=list,
        ledger=ledger,
        clock=SystemClock(),
        settings=Settings(lease=60, pause_budget=25, hold=False),
    )


if __name__ == "__main__":
    moving.build_dependencies = lambda _: dependencies(json.loads(sys.argv[1]))  # type: ignore[assignment]
    guards.refusals = lambda *_: []
    spec = SimpleNamespace(
        window=None, drain=SimpleNamespace(source="none"), switchover=SimpleNamespace(pause_budget=25)
    )
    world = SimpleNamespace(spec=spec, clock=SystemClock(), ledger=MemoryLedger())
    LivemoveOperator.world = lambda self, context: world  # type: ignore[assignment,method-assign,return-value]
    task = SwitchoverOperator(task_id="switchover", service="shop", to=Side.TARGET)
    signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
    try:
        print("MOVED", task.execute({"ti": SimpleNamespace(try_number=1)})["epoch"])
    except Exception as e:
        print("FAILED", type(e).__name__, e)
