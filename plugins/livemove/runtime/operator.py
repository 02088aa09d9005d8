"""What every livemove operator shares: the service it works for, and its World at run time."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, BaseOperatorLink

from livemove.model.ledger import MappedTaskRuns, Span, TaskFailed, TaskRuns
from livemove.model.spec import Moment, find_spec
from livemove.model.stages import TITLES
from livemove.runtime.links import ConsoleLink, RunbookLink
from livemove.runtime.service_context import World
from livemove.runtime.trigger_form import settle
from livemove.switchover.rollback import failure

log = logging.getLogger(__name__)
NOTHING_TO_DO = "nothing was changed; what this task did before the move stands: mark it as success, or answer a gate with Roll back first"
"""The next step of a task of the way there that is cleared alone when the target owns the writes."""
KEPT_SPANS = 20
"""Attempts of one task whose times are kept."""


class LivemoveOperator(BaseOperator):
    """An operator of one migration. Subclasses implement `execute` in about ten lines."""

    ui_color = "#e8f1fa"
    operator_extra_links: Collection[BaseOperatorLink] = (ConsoleLink(), RunbookLink())
    runbook_section: str = "when-something-is-red"
    """Anchor in docs/runbook.md."""
    failure_is: ClassVar[Moment] = "failure"
    """What people are told of when this fails for good."""

    def __init__(self, *, service: str, **kwargs: Any) -> None:
        kwargs.setdefault("doc_md", inspect.getdoc(type(self)))
        kwargs.setdefault("task_display_name", TITLES.get(kwargs["task_id"]))
        super().__init__(**kwargs)
        self.service = service
        self.dms_task: str | None = None
        """Name of the replication task that this one works on, for its link."""

    def world(self, context: Any) -> World:
        """The ports of this service, with tonight's decisions from the trigger form."""
        spec = settle(find_spec(self.service), context["params"])
        return World(spec, run_id=context["run_id"], task_id=self.task_id, dag_id=self.dag_id)


def note_failure(context: Any) -> None:
    """on_failure_callback of every task: what it failed with for good goes into the ledger, and the report is written.

    A run that fails never reaches its last chapter, and somebody wants to know at once what is true now.
    """
    from livemove.reporting.adapters.report_writer import write_report

    ti = context["ti"]
    world = World(find_spec(ti.task.service), run_id=context["run_id"], task_id=ti.task_id, dag_id=ti.dag_id)
    found = failure(context.get("exception"))
    world.ledger.note(TaskFailed.model_validate(found))
    _keep_span(context, "failed")
    told = {"task_id": ti.task_id, "run_id": context["run_id"], "time": world.clock.now().isoformat()}
    try:
        _, addresses = write_report(world, {**told, **found})
        log.info("Report: %s", addresses["html"])
    except Exception as e:
        # it only tells, and this task has failed with something of its own
        log.warning("the report could not be written: %s: %s", type(e).__name__, e)


def note_success(context: Any) -> None:
    """on_success_callback of every task: from when to when it was at work, for the story's times."""
    _keep_span(context, "success")


def _keep_span(context: Any, state: str) -> None:
    """Keep the last attempts: Airflow forgets the times of a cleared task."""
    try:
        _write_span(context, state)
    except Exception as e:
        # it only tells, and the task has ended as it has
        log.warning("the times of this task could not be kept: %s: %s", type(e).__name__, e)


def _write_span(context: Any, state: str) -> None:
    """In `ran/<task>`, of a mapped task in `ran/<task>/<map_index>`, so that parallel ones do not write over each other.

    A killed task is told of by Airflow's DAG processor, which does not know when it began.
    """
    ti = context["ti"]
    world = World(find_spec(ti.task.service), run_id=context["run_id"], task_id=ti.task_id, dag_id=ti.dag_id)
    now = world.clock.now()
    span = Span(
        began=(getattr(ti, "start_date", None) or now).isoformat(),
        ended=now.isoformat(),
        state=state,
        dag_id=ti.dag_id,
        run_id=context["run_id"],
    )
    if ti.map_index < 0:
        one = world.ledger.load(TaskRuns, task=ti.task_id) or TaskRuns(task=ti.task_id)
        world.ledger.save(one.model_copy(update={"spans": [*one.spans, span][-KEPT_SPANS:]}))
        return
    mapped = world.ledger.load(MappedTaskRuns, task=ti.task_id, map_index=ti.map_index) or MappedTaskRuns(
        task=ti.task_id, map_index=ti.map_index
    )
    world.ledger.save(mapped.model_copy(update={"spans": [*mapped.spans, span][-KEPT_SPANS:]}))
