"""What every task leaves behind when it ends: its times, and what it failed with."""

from __future__ import annotations

import logging
from typing import Any

from livemove.model.ledger import MappedTaskRuns, Span, TaskFailed, TaskRuns
from livemove.model.spec import find_spec
from livemove.runtime.service_context import ServiceContext
from livemove.switchover.rollback import failure

log = logging.getLogger(__name__)
KEPT_SPANS = 20
"""Attempts of one task whose times are kept."""


def note_failure(context: Any) -> None:
    """on_failure_callback of every task: keep its final error in the ledger and write the report.

    A run that fails never reaches its last chapter, and somebody wants to know at once what is true now.
    """
    from livemove.reporting.adapters.report_writer import write_report

    ti = context["ti"]
    world = ServiceContext(
        find_spec(ti.task.service), run_id=context["run_id"], task_id=ti.task_id, dag_id=ti.dag_id
    )
    found = failure(context.get("exception"))
    world.ledger.note(TaskFailed.model_validate(found))
    _keep_span(context, "failed")
    facts = {"task_id": ti.task_id, "run_id": context["run_id"], "time": world.clock.now().isoformat()}
    try:
        _, addresses = write_report(world, {**facts, **found})
        log.info("Report: %s", addresses["html"])
    except Exception as e:
        # it decides nothing, and this task has failed with something of its own
        log.warning("the report could not be written: %s: %s", type(e).__name__, e)


def note_success(context: Any) -> None:
    """on_success_callback of every task: from when to when it was at work, for the story's times."""
    _keep_span(context, "success")


def _keep_span(context: Any, state: str) -> None:
    """Keep the last attempts: Airflow forgets the times of a cleared task."""
    try:
        _write_span(context, state)
    except Exception as e:
        # it decides nothing, and the task has ended as it has
        log.warning("the times of this task could not be kept: %s: %s", type(e).__name__, e)


def _write_span(context: Any, state: str) -> None:
    """Write to `ran/<task>`, or `ran/<task>/<map_index>` so that mapped tasks do not overwrite each other.

    A killed task is told of by Airflow's DAG processor, which does not know when it began.
    """
    ti = context["ti"]
    world = ServiceContext(
        find_spec(ti.task.service), run_id=context["run_id"], task_id=ti.task_id, dag_id=ti.dag_id
    )
    now = world.clock.now()
    span = Span(
        began=(getattr(ti, "start_date", None) or now).isoformat(),
        ended=now.isoformat(),
        state=state,
        dag_id=ti.dag_id,
        run_id=context["run_id"],
    )
    runs: TaskRuns | MappedTaskRuns
    if ti.map_index < 0:
        runs = world.ledger.load(TaskRuns, task=ti.task_id) or TaskRuns(task=ti.task_id)
    else:
        keys = {"task": ti.task_id, "map_index": ti.map_index}
        runs = world.ledger.load(MappedTaskRuns, **keys) or MappedTaskRuns(**keys)
    world.ledger.save(runs.model_copy(update={"spans": [*runs.spans, span][-KEPT_SPANS:]}))
