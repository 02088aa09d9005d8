"""One DAG for each service: the source is gone for good, and the target takes the writes as it is.

It is not a chapter of dags/migrate.py: when it is needed, the migration's own run has failed at some task.
And a question that rules out rollback for good must not be asked beside "Proceed" and "Roll back".
"""

from __future__ import annotations

from airflow.sdk import DAG

from livemove.dag import RESUME_RETRIES, dag_defaults, doc, served_from_aws
from livemove.dns.operators import EmergencyRecordOperator
from livemove.dns.sensors import PropagationSensor
from livemove.model.errors import SpecError
from livemove.model.spec import MigrationSpec, Side, load_spec, spec_files
from livemove.model.stages import PROMOTION
from livemove.reporting.operators.promotion_gate import PromotionGate
from livemove.reporting.operators.report import ReportOperator
from livemove.servers.operators.servers import SmokeOperator
from livemove.switchover.operators.promotion import PromoteOperator


def emergency(spec: MigrationSpec) -> DAG:
    """The DAG of one service."""
    of = {"service": spec.service}
    with DAG(
        dag_id=f"promote_{spec.service}",
        dag_display_name=f"Emergency: promote RDS for {spec.title}",
        description=(
            "The data centre is gone for good; RDS takes the writes, and what had not arrived is lost"
        ),
        doc_md=doc("promote"),
        schedule=None,
        **dag_defaults(spec),
    ) as dag:
        ask = PromotionGate(task_id="ask", task_display_name=PROMOTION.title, **of)
        promote = PromoteOperator(task_id="promote", asked_by="ask", retries=RESUME_RETRIES, **of)
        name = EmergencyRecordOperator(task_id="name", **of)
        smoke = SmokeOperator(task_id="smoke", site=Side.TARGET, outlets=[served_from_aws(spec)], **of)
        propagation = PropagationSensor(task_id="propagation", expected=Side.TARGET, **of)
        report = ReportOperator(task_id="report", **of)
        ask >> promote >> name >> smoke >> propagation >> report
    return dag


for path in spec_files():
    try:
        globals()[f"promote_{path.stem}"] = emergency(load_spec(path))
    except SpecError:
        continue  # dags/broken_specs.py shows it as an import error
