"""The operators of the switchover: control objects, reverse replication, the switchover, their removal."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from livemove.model.errors import (
    ManualInterventionRequired,
    RefusedError,
    SwitchoverAborted,
    UnreachableError,
)
from livemove.model.ledger import (
    ControlPrepared,
    ControlRemoved,
    PauseOverBudget,
    SwitchoverRecord,
    WritesRolledBack,
)
from livemove.model.ports import Json
from livemove.model.spec import Side, Window
from livemove.model.stages import QUESTIONS
from livemove.model.window import closed
from livemove.runtime.links import DatabaseLink, DmsTaskLink
from livemove.runtime.notifications import SpecNotifier
from livemove.runtime.operator import LivemoveOperator

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext
    from livemove.switchover.protocol import Switchover
    from livemove.switchover.rollback import WentBack
    from livemove.switchover.steps import Dependencies


class PrepareControlOperator(LivemoveOperator):
    """Control rows, guarded procedures, dead-man's switch and accounts on both databases. Resets nothing."""

    def execute(self, context: Any) -> Json:
        from livemove.provisioning.adapters.versions import keep_versions
        from livemove.switchover.adapters.wiring import prepare_control

        world = self.world(context)
        done = prepare_control(world)
        keep_versions(world)
        world.ledger.note(
            ControlPrepared(
                installed=done["installed"], procedures=done["version"], granted_later=done["granted_later"]
            )
        )
        return done


class PrepareReturnOperator(LivemoveOperator):
    """Everything slow before the gate: reverse replication made and tested, the expected pause measured."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())
    runbook_section = QUESTIONS["switchover"].runbook

    def execute(self, context: Any) -> Json:
        from livemove.switchover.adapters.wiring import build_dependencies, prepare_return

        world = self.world(context)
        with build_dependencies(world) as parts:
            return prepare_return(world, parts)


class MovingOperator(LivemoveOperator):
    """What moves writes: asked to stop, it undoes itself before the commit and finishes after it."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DatabaseLink())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._running: Switchover | None = None
        self._stopped = False

    def switchover(
        self, parts: Dependencies, to: Side, context: Any, *, window: Window | None = None
    ) -> Switchover:
        """`window`: the move begins only inside of it; one that was committed continues at any hour."""
        from livemove.switchover.guards import refusals
        from livemove.switchover.protocol import Switchover

        def guards(parts: Dependencies, to: Side, epoch: int) -> list[str]:
            outside = [why] if window and (why := closed(window, parts.clock.now())) else []
            return [
                *(f"{why}. Clear switchover.window with downstream: it waits for it" for why in outside),
                *refusals(parts, to, epoch),
            ]

        attempt = f"{context['ti'].try_number}-{secrets.token_hex(8)}"
        self._running = Switchover(parts, to, attempt, guards=guards)
        if self._stopped:
            self._running.stop()
        return self._running

    def tell_a_long_pause(self, world: ServiceContext, done: SwitchoverRecord, context: Any) -> None:
        """Warn and notify if the fence outlasted the budget, which limits it only before the commit."""
        fenced, budget = done.fenced_ms, world.spec.switchover.pause_budget
        if fenced is None or fenced <= budget * 1000:
            return
        text = f"The database was closed to writes for {fenced:,} ms; the budget is {budget:g} s"
        self.log.warning("%s", text)
        world.ledger.note(PauseOverBudget(fenced_ms=fenced, budget_ms=round(budget * 1000)))
        SpecNotifier(service=self.service, moment="breach", text=text)(context)

    def on_kill(self) -> None:
        # called from a signal handler of this very thread: a flag is all that is safe
        self._stopped = True
        if self._running is not None:
            self._running.stop()


class SwitchoverOperator(MovingOperator):
    """Steps 0 to 11 in one task. A retry or a clear reads both databases first and continues from there.

    A move to the target begins only inside the window; a rollback may begin at any time.
    """

    def __init__(self, *, to: Side | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to = str(to)

    def execute(self, context: Any) -> Json:
        from livemove.switchover.adapters.wiring import build_dependencies
        from livemove.traffic.adapters.request_delta import RequestsAround

        world = self.world(context)
        with build_dependencies(world) as parts, no_blind_retry():
            around = RequestsAround(world)
            window = world.spec.window if Side(self.to) is Side.TARGET else None
            move = self.switchover(parts, Side(self.to), context, window=window)
            done = move.run()
            around.keep(done)
        self.tell_a_long_pause(world, done, context)
        return done.stored()


class ReturnPathOperator(LivemoveOperator):
    """Steps 12 and 13: the old owner follows, replication runs the other way round."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())
    runbook_section = "reverse-replication-is-broken"

    def execute(self, context: Any) -> Json:
        from livemove.switchover import reverse_replication as return_path
        from livemove.switchover.adapters.wiring import build_dependencies

        with build_dependencies(self.world(context)) as parts:
            done = return_path.run(parts)
        if done is None:
            return {"message": "no move was made yet; nothing to turn round"}
        self.dms_task = done.task
        return done.stored()


class RollbackWritesOperator(MovingOperator):
    """The writes go back to the source, whatever state they are in; says so when they never left."""

    runbook_section = "rolling-back"

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        done = self._never_left(world) or self._go_back(world, context)
        self.log.info("%s", done.message)
        world.ledger.note(
            WritesRolledBack(
                owner=Side.SOURCE, epoch=done.epoch, message=done.message, although=list(done.although)
            )
        )
        return done.document

    def _never_left(self, world: ServiceContext) -> WentBack | None:
        from livemove.control.adapters.state import never_left
        from livemove.switchover.rollback import WentBack

        try:
            message = never_left(world)
        except UnreachableError:
            return None  # then the rows that do answer tell
        return WentBack(1, message) if message else None

    def _go_back(self, world: ServiceContext, context: Any) -> WentBack:
        from livemove.switchover.adapters.wiring import build_dependencies, prepare_return
        from livemove.switchover.rollback import go_back
        from livemove.traffic.adapters.request_delta import RequestsAround

        with build_dependencies(world) as parts, no_blind_retry():
            around = RequestsAround(world)
            make: Callable[[Side], Switchover] = lambda to: self.switchover(parts, to, context)  # noqa: E731
            done = go_back(parts, make, lambda p: prepare_return(world, p))
            if done.move:
                around.keep(done.move)
        if done.move:
            self.tell_a_long_pause(world, done.move, context)
        return done


class RemoveControlOperator(LivemoveOperator):
    """livemove's schema and accounts leave both databases; the application keeps its own.

    :param keeps: the side that keeps the writes for good
    """

    def __init__(self, *, keeps: Side | str = Side.TARGET, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keeps = str(keeps)

    def execute(self, context: Any) -> Json:
        from livemove.switchover.adapters.wiring import remove_control

        world = self.world(context)
        gone = remove_control(world, Side(self.keeps))
        world.ledger.note(ControlRemoved.model_validate(gone))
        return gone


@contextmanager
def no_blind_retry() -> Iterator[None]:
    """No retry before the commit, a person decides; after it (SwitchoverIncomplete) Airflow retries."""
    from airflow.sdk.exceptions import AirflowFailException

    try:
        yield
    except (RefusedError, SwitchoverAborted, ManualInterventionRequired) as e:
        raise AirflowFailException(str(e)) from e
