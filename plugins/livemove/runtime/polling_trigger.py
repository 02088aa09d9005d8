"""The deferrable trigger of most waits: calls `look(world, state, ...) -> PollResult` until it is done.

The function is named by its dotted path, because a trigger lives in the triggerer, in another process than
the task. It runs in a thread, so a slow name server does not stop other triggers.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.model.errors import LivemoveError, UnreachableError
from livemove.model.ports import Json
from livemove.model.spec import find_spec
from livemove.runtime.polling import LogThrottle, PollResult
from livemove.runtime.service_context import ServiceContext
from livemove.runtime.trigger_form import settle

PATIENCE = 10
"""Looks that may fail in a row with something that passes (a timeout, throttling) before the task fails."""


class PollingTrigger(BaseTrigger):
    """Calls `look` every `interval` seconds, or when it asks to be called, until done or `deadline`.

    :param look: dotted path, for example `livemove.dns.sensors.look_at_propagation`
    :param arguments: further keyword arguments of the function, JSON only
    :param params: the run's params, as the trigger form gave them
    :param since: ISO time since when the task waits
    :param deadline: ISO time after which the wait ends with {"timed_out": true}; None waits for ever

    The event is {"done": bool, "timed_out": bool, "error": str, "says": str, "state": {...}, "since": str}.
    """

    def __init__(
        self,
        *,
        service: str,
        look: str,
        arguments: Json | None = None,
        params: Json | None = None,
        state: Json | None = None,
        interval: float = 5,
        since: str = "",
        deadline: str | None = None,
        run_id: str = "",
        at_task: str = "",
        dag_id: str = "",
    ) -> None:
        super().__init__()
        self.service, self.look, self.interval, self.deadline = service, look, interval, deadline
        self.since = since
        self.arguments, self.params, self.state = dict(arguments or {}), dict(params or {}), dict(state or {})
        # not task_id: the triggerer sets that name to its own
        self.run_id, self.at_task, self.dag_id = run_id, at_task, dag_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "livemove.runtime.polling_trigger.PollingTrigger", {
            "service": self.service,
            "look": self.look,
            "arguments": self.arguments,
            "params": self.params,
            "state": self.state,
            "interval": self.interval,
            "since": self.since,
            "deadline": self.deadline,
            "run_id": self.run_id,
            "at_task": self.at_task,
            "dag_id": self.dag_id,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        failures, said, voice = 0, "", LogThrottle()
        function = resolve(self.look)
        while True:
            try:
                seen = await asyncio.to_thread(self._look, function)
                failures = 0
            except Exception as e:
                failures += 1
                passes = isinstance(e, UnreachableError) or not isinstance(e, LivemoveError)
                self.log.warning("look %d of %d failed: %s: %s", failures, PATIENCE, type(e).__name__, e)
                if failures >= PATIENCE or not passes:
                    yield self._event(error=f"{type(e).__name__}: {e}")
                    return
                seen = PollResult(False, said, self.state)
            self.state = seen.state
            said = seen.message
            if line := voice.line(said, time.monotonic(), done=seen.done):
                self.log.info("%s", line)
            if seen.done or self._late():
                yield self._event(done=seen.done, timed_out=not seen.done, message=said)
                return
            await asyncio.sleep(max(0.2, self.interval if seen.again_in is None else seen.again_in))

    def _look(self, function: Callable[..., PollResult]) -> PollResult:
        world = ServiceContext(
            settle(find_spec(self.service), self.params),
            run_id=self.run_id,
            task_id=self.at_task,
            dag_id=self.dag_id,
        )
        return function(world, self.state, **self.arguments)

    def _late(self) -> bool:
        return self.deadline is not None and datetime.now(UTC) >= datetime.fromisoformat(self.deadline)

    def _event(
        self, *, done: bool = False, timed_out: bool = False, error: str = "", message: str = ""
    ) -> TriggerEvent:
        return TriggerEvent(
            {
                "done": done,
                "timed_out": timed_out,
                "error": error,
                "message": message,
                "state": self.state,
                "since": self.since,
            }
        )


def resolve(path: str) -> Callable[..., Any]:
    """The function behind a dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
