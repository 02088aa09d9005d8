"""What the DAGs of `dags/` share: the rollback's stage, and what all tasks have in common.

Promises: every task gets the same retries, time limit, observers and callbacks (`DEFAULTS`); every DAG of
a service the same tags and links.
Enter at: `stage` (the task group of one stage), `rollback_stage` (of `migrate` and `rollback`),
`dag_defaults`, `link_with_label`.
Never: connects to anything. DAGs are parsed again and again, so drivers are named by path (`OBSERVERS`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, BaseOperator, TaskGroup, TriggerRule

from livemove.dns.operators import RollbackRecordOperator
from livemove.dns.sensors import PropagationSensor
from livemove.model.spec import MigrationSpec, Side, project_root
from livemove.model.stages import STAGES, Stage
from livemove.reporting.operators.callbacks import note_failure, note_success
from livemove.runtime.notifications import tell_failure
from livemove.servers.operators.servers import SmokeOperator
from livemove.switchover.operators.rollback import AutomaticRollbackOperator, BeginRollbackOperator
from livemove.switchover.operators.switchover import RollbackWritesOperator

HOUR = timedelta(hours=1)
OBSERVERS = (
    "livemove.schema.adapters.ddl_watch.notice_ddl",
    "livemove.traffic.adapters.samples.sample_requests",
)
"""What every waiting task looks at beside what it waits for; by path, because their modules load drivers."""
DEFAULTS: dict[str, Any] = {
    "owner": "livemove",
    # Airflow 3.3 can lose a gate's answer or a deferral in a race; every task here may run twice
    "retries": 1,
    "retry_delay": timedelta(seconds=5),
    "execution_timeout": HOUR,
    "observers": OBSERVERS,
    "on_failure_callback": [note_failure, tell_failure],
    "on_success_callback": note_success,
}
RESUME_RETRIES = 3
"""Retries of a task that can resume where it stopped. Errors that need a person fail at once."""


def stage(group: Stage, *, numbered: bool = True) -> TaskGroup:
    """The task group of one stage, with its title and its page of include/docs."""
    title = group.numbered if numbered else group.title
    return TaskGroup(group.id, group_display_name=title, tooltip=group.purpose, doc_md=doc(group.id))


def link_with_label(upstream: Sequence[BaseOperator], label: str, downstream: BaseOperator) -> None:
    """Add labelled edges. Airflow's `Label` would connect whole task groups instead of these tasks."""
    for task in upstream:
        task >> downstream
        task.dag.set_edge_info(task.task_id, downstream.task_id, {"label": label})


def served_from_aws(spec: MigrationSpec) -> Asset:
    """Has an event whenever all servers at AWS were seen to serve from RDS: other DAGs may wait for it."""
    # a name without a scheme: for a scheme Airflow imports every provider that knows one
    return Asset(f"{spec.service} served from AWS")


def dag_defaults(spec: MigrationSpec) -> dict[str, Any]:
    """What all DAGs of a service have in common."""
    return {
        "catchup": False,
        "max_active_runs": 1,
        "default_args": DEFAULTS,
        "tags": ["livemove", spec.service],
        **({"owner_links": {str(DEFAULTS["owner"]): spec.runbook}} if spec.runbook else {}),
    }


def doc(name: str) -> str:
    return (project_root() / "include" / "docs" / f"{name}.md").read_text(encoding="utf-8")


def rollback_stage(
    spec: MigrationSpec,
    begin: type[BeginRollbackOperator],
    *,
    numbered: bool = False,
    trigger_rule: TriggerRule = TriggerRule.ALL_SUCCESS,
    watched: Sequence[BaseOperator] = (),
) -> tuple[TaskGroup, BaseOperator]:
    """The rollback's task group and its first task. A failed task of `watched` starts the rollback."""
    of = {"service": spec.service}
    with stage(STAGES["rollback"], numbered=numbered) as group:
        first = begin(task_id="begin", trigger_rule=trigger_rule, **of)
        writes = RollbackWritesOperator(
            task_id="writes",
            retries=RESUME_RETRIES,
            trigger_rule=TriggerRule.ONE_SUCCESS if watched else TriggerRule.ALL_SUCCESS,
            **of,
        )
        name = RollbackRecordOperator(task_id="name", **of)
        propagation = PropagationSensor(task_id="propagation", expected=Side.SOURCE, **of)
        smoke = SmokeOperator(task_id="smoke", site=Side.SOURCE, **of)
        first >> writes >> name >> propagation >> smoke
        if watched:
            automatic = AutomaticRollbackOperator(
                task_id="automatic", trigger_rule=TriggerRule.ONE_FAILED, **of
            )
            link_with_label(watched, "failed for good", automatic)
            automatic >> writes
    return group, first
