"""DMS's premigration assessment of this service's task: asked for where one may run, read where one has run.

https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTaskAssessmentRun.html. A run needs a
role by which DMS writes its result into the bucket; Terraform's output dms_assessment_role_arn names it,
where there is one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from livemove.model.errors import LivemoveError
from livemove.model.ledger import Outputs
from livemove.model.ports import Json, Link
from livemove.model.spec import Side
from livemove.preflight.facts import Assessment

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
UNKNOWN = {"UnknownOperationException", "InvalidAction", "NotImplemented", "501"}
"""What an endpoint says that does not know an action.
https://docs.aws.amazon.com/dms/latest/APIReference/CommonErrors.html"""
AT_REST = {"ready", "stopped"}
PASSED = {"passed", "pending", "running", "skipped"}


def read_assessment(world: ServiceContext, problems: dict[str, str]) -> Assessment | None:
    """None: there is no task to assess yet, or DMS cannot be asked (then `problems` says why)."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        dms = world.aws("dms")
        task = _task(dms, Link(world.spec.service, 1, Side.SOURCE).name)
        return _assess(world, dms, task) if task else None
    except ClientError as e:
        if e.response["Error"]["Code"] in UNKNOWN:
            return Assessment("", offered=False)
        problems["assessment"] = f"not asked for: DMS answered {e.response['Error']['Code']}"
    except BotoCoreError as e:
        problems["assessment"] = f"not asked for: DMS did not answer ({e})"
    except LivemoveError as e:
        problems["assessment"] = e.found
    return None


def _task(dms: Any, name: str) -> Json | None:
    from botocore.exceptions import ClientError

    try:
        found = dms.describe_replication_tasks(
            Filters=[{"Name": "replication-task-id", "Values": [name]}], WithoutSettings=True
        )["ReplicationTasks"]
    except ClientError as e:
        if e.response["Error"]["Code"] == "ResourceNotFoundFault":
            return None
        raise
    return dict(found[0]) if found else None


def _assess(world: ServiceContext, dms: Any, task: Json) -> Assessment:
    arn = task["ReplicationTaskArn"]
    runs = dms.describe_replication_task_assessment_runs(
        Filters=[{"Name": "replication-task-arn", "Values": [arn]}]
    )["ReplicationTaskAssessmentRuns"]
    if runs:
        return _result(
            dms, max(runs, key=lambda r: str(r.get("ReplicationTaskAssessmentRunCreationDate", "")))
        )
    outputs = world.ledger.load(Outputs)
    role = outputs.dms_assessment_role_arn if outputs else ""
    if task["Status"] not in AT_REST:
        return Assessment(f"never run; the task is {task['Status']}, and an assessment wants it at rest")
    if not role:
        return Assessment("offered and not run: no role by which DMS may write into the bucket")
    dms.start_replication_task_assessment_run(
        ReplicationTaskArn=arn,
        ServiceAccessRoleArn=role,
        ResultLocationBucket=world.spec.aws.bucket,
        ResultLocationFolder="assessments",
        AssessmentRunName=f"{world.spec.service}-preflight".replace("_", "-"),
    )
    return Assessment("begun; clear this task in some minutes to read it")


def _result(dms: Any, run: Json) -> Assessment:
    name = run["ReplicationTaskAssessmentRunArn"]
    each = dms.describe_replication_task_individual_assessments(
        Filters=[{"Name": "replication-task-assessment-run-arn", "Values": [name]}]
    )["ReplicationTaskIndividualAssessments"]
    failed = [(a["IndividualAssessmentName"], a["Status"]) for a in each if a["Status"] not in PASSED]
    return Assessment(
        f"{run.get('Status')}: {len(each) - len(failed)} of {len(each)} passed", failed=tuple(failed)
    )
