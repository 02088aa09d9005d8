"""What livemove's waiting tasks share: one look in the worker, then the triggerer looks on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ledger import Waited
from livemove.model.ports import Json, Link
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.runtime.polling_trigger import PollingTrigger, resolve
from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)


def look_and_notice(
    world: ServiceContext, state: Json, *, look: str, observers: Sequence[str] = (), **arguments: Any
) -> PollResult:
    """Call the look of this dotted path, then every observer; what they see joins its message or error."""
    try:
        seen: PollResult = resolve(look)(world, state, **arguments)
    except LivemoveError as e:
        if text := _observe(world, look, observers):
            raise type(e)(f"{e.found}. {text}", wanted=e.wanted, next_step=e.next_step) from e
        raise
    text = _observe(world, look, observers)
    return replace(seen, message=f"{seen.message}\n{text}") if text else seen


def _observe(world: ServiceContext, look: str, observers: Sequence[str]) -> str:
    found = [_told_by(observer, world, look) for observer in observers]
    return "\n".join(f for f in found if f)


def _told_by(observer: str, world: ServiceContext, look: str) -> str:
    """An observer decides nothing: whatever it fails with does not hide what is awaited."""
    try:
        return str(resolve(observer)(world, look) or "")
    except Exception as e:
        log.warning("%s: %s: %s", observer, type(e).__name__, e)
        return ""


class WatchingSensor(LivemoveOperator):
    """Waits until a look is done. Subclasses name `look`, and may fill the other methods.

    The first look happens in the worker, so that a wrong set-up fails at once and a wait that is over
    costs no deferral.
    """

    look: ClassVar[str] = ""
    """Dotted path of `look(world, state, **arguments) -> PollResult`."""
    interval: ClassVar[float] = 5
    """Seconds between two looks, where the look itself does not say."""
    ui_color = "#fdf3d8"

    def __init__(self, *, observers: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observers = tuple(observers)
        """Dotted paths of `observer(world, look) -> str | None`, called at each look; results are logged."""

    def arguments(self, world: ServiceContext) -> Json:
        """Further arguments of the look, JSON only."""
        return {}

    def begin(self, world: ServiceContext) -> Json:
        """What the first look is given as state."""
        return {}

    def limit(self, world: ServiceContext) -> float | None:
        """Seconds this wait may last; None waits for ever."""
        return None

    def finish(self, world: ServiceContext, state: Json) -> Any:
        """What is kept and returned when the wait is over."""
        return None

    def goes_on(self, context: Any, world: ServiceContext, state: Json) -> Json | None:
        """Called when a look is done: the state to go on waiting with, or None to end the wait."""
        return None

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return RefusedError(
            f"{self.task_id} waited {self.limit(world):.0f} s, and it is not there: {message}",
            next_step="look at what the message names, then clear this task; nothing was changed",
        )

    def execute(self, context: Any) -> Any:
        world = self.world(context)
        return self._look_on(context, world, self.begin(world))

    def _look_on(self, context: Any, world: ServiceContext, state: Json) -> Any:
        arguments = {**self.arguments(world), "look": self.look, "observers": list(self.observers)}
        seen = look_and_notice(world, state, **arguments)
        if {"epoch", "reads"} <= seen.state.keys():
            self.dms_task = Link(self.service, seen.state["epoch"], Side(seen.state["reads"])).name
        self.log.info("%s", seen.message)
        if seen.done:
            return self._over(context, world, seen.state)
        limit = self.limit(world)
        deadline = None
        if limit is not None:
            deadline = (world.clock.now() + timedelta(seconds=limit)).isoformat()
        trigger = PollingTrigger(
            service=self.service,
            look=f"{__name__}.{look_and_notice.__name__}",
            arguments=arguments,
            params=dict(context["params"]),
            state=seen.state,
            interval=self.interval,
            since=world.clock.now().isoformat(),
            deadline=deadline,
            run_id=context["run_id"],
            at_task=self.task_id,
            dag_id=self.dag_id,
        )
        self.defer(trigger=trigger, method_name="resume")
        return None

    def resume(self, context: Any, event: Json) -> Any:
        world = self.world(context)
        self._keep_wait(world, event)
        if event["error"]:
            raise LivemoveError(
                f"{self.task_id} could not go on looking: {event['error']}",
                next_step="fix that, then clear this task; waiting changes nothing",
            )
        if event["timed_out"]:
            raise self.on_timeout(world, event["message"])
        self.log.info("%s", event["message"])
        return self._over(context, world, event["state"])

    def _over(self, context: Any, world: ServiceContext, state: Json) -> Any:
        again = self.goes_on(context, world, state)
        return self.finish(world, state) if again is None else self._look_on(context, world, again)

    def _keep_wait(self, world: ServiceContext, event: Json) -> None:
        """What was waited for, and how long: the report adds it up."""
        if since := event.get("since"):
            seconds = (world.clock.now() - datetime.fromisoformat(since)).total_seconds()
            world.ledger.note(
                Waited(since=since, seconds=round(seconds, 1), message=event["message"] or event["error"])
            )
