"""One DAG for each service: roll back to the data centre when the migration's own run is broken.

The same chapter as in dags/migrate.py, with the trigger form as its gate. It may run beside a broken or even
a running migrate run: every act is guarded in the databases. A move that has not committed is fenced under
the other attempt's name, so this one lifts that fence and the other one is refused; a committed one is
finished first. What it does not do is stop the other run: mark that one failed first, or its later tasks act
again.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, TriggerRule

from livemove.dag import dag_defaults, doc, rollback_stage, stage
from livemove.dns.operators import RestoreTtlOperator
from livemove.model.errors import SpecError
from livemove.model.spec import MigrationSpec, Side, load_spec, spec_files
from livemove.model.stages import GIVE_UP_STAGE, STAGES
from livemove.replication.operators import DeleteReplicationOperator
from livemove.reporting.operators.report import ReportOperator
from livemove.switchover.operators.rollback import GiveUpOperator, OrderedRollbackOperator
from livemove.switchover.operators.switchover import RemoveControlOperator
from livemove.trial.operators import RemoveTrialOperator


def way_back(spec: MigrationSpec) -> DAG:
    """The DAG of one service."""
    of = {"service": spec.service}
    with DAG(
        dag_id=f"rollback_{spec.service}",
        dag_display_name=f"Bring {spec.title} back to the data centre",
        description="The writes, then the name, go back; for when the migration's own run is broken",
        doc_md=doc("rollback_alone"),
        params={
            "confirm": Param(
                type="string",
                pattern=f"^{spec.service}$",
                title=f"Type {spec.service} to bring it back",
                description_md=(
                    "The writes and the public name go back to the data centre. No acknowledged write is"
                    " lost."
                ),
            ),
            GIVE_UP_STAGE.id: Param(
                False,
                type="boolean",
                title="Give up: also take down what was prepared",
                description_md=(
                    "Only while the writes never moved: the old TTL, no replication, nothing of livemove in"
                    " either database. Otherwise all of that stays, so that one can go on. What Terraform"
                    " made stays in either case."
                ),
            ),
        },
        schedule=None,
        **dag_defaults(spec),
    ) as dag:
        rollback, _ = rollback_stage(spec, OrderedRollbackOperator)
        with stage(GIVE_UP_STAGE) as give_up:
            asked = GiveUpOperator(task_id="asked", **of)
            restore_ttl = RestoreTtlOperator(task_id="restore_ttl", **of)
            stop_replication = DeleteReplicationOperator(task_id="stop_replication", **of)
            remove_control = RemoveControlOperator(task_id="remove_control", keeps=Side.SOURCE, **of)
            remove_trial = RemoveTrialOperator(task_id="remove_trial", **of)
            asked >> restore_ttl >> stop_replication >> remove_control >> remove_trial
        with stage(STAGES["finish"]) as finish:
            # also when giving up was not asked for, and skipped
            ReportOperator(task_id="report", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, **of)
        rollback >> give_up
        [rollback, give_up] >> finish
    return dag


for path in spec_files():
    try:
        globals()[f"rollback_{path.stem}"] = way_back(load_spec(path))
    except SpecError:
        continue  # dags/broken_specs.py shows it as an import error
