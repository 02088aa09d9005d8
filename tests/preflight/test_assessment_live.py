"""DMS's own assessment: started when the task is at rest, read when done, harmless where it is unknown."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from livemove.model.ledger import Outputs
from livemove.preflight.adapters.assessment import read_assessment
from livemove.preflight.facts import Assessment
from livemove.runtime.service_context import ServiceContext
from tests.doubles.memory import MemoryLedger
from tests.preflight.test_preflight import SPEC

NAME = "shop-e1-source-to-target"


class Dms:
    """DMS as far as assessments go."""

    def __init__(self, status: str = "ready", *, task: bool = True, unknown: str = "") -> None:
        self.status, self.task, self.unknown = status, task, unknown
        self.runs: list[dict[str, Any]] = []
        self.each: list[dict[str, Any]] = []
        self.started: list[dict[str, Any]] = []

    def describe_replication_tasks(self, Filters: Any, WithoutSettings: bool) -> Any:
        assert Filters == [{"Name": "replication-task-id", "Values": [NAME]}]
        if not self.task:
            raise ClientError({"Error": {"Code": "ResourceNotFoundFault"}}, "DescribeReplicationTasks")
        return {"ReplicationTasks": [{"ReplicationTaskArn": "arn:task", "Status": self.status}]}

    def describe_replication_task_assessment_runs(self, Filters: Any) -> Any:
        if self.unknown:
            raise ClientError({"Error": {"Code": self.unknown, "Message": "what?"}}, "Describe")
        return {"ReplicationTaskAssessmentRuns": self.runs}

    def describe_replication_task_individual_assessments(self, Filters: Any) -> Any:
        return {"ReplicationTaskIndividualAssessments": self.each}

    def start_replication_task_assessment_run(self, **asked: Any) -> None:
        self.started.append(asked)


class Asking(ServiceContext):
    def __init__(self, dms: Dms, **outputs: str) -> None:
        super().__init__(SPEC)
        self.dms = dms
        self.ledger = MemoryLedger()  # type: ignore[assignment,misc]
        self.ledger.save(Outputs.model_validate(outputs))

    def aws(self, service: str) -> Any:
        return self.dms


def test_before_there_is_a_task_nothing_is_assessed() -> None:
    problems: dict[str, str] = {}
    assert read_assessment(Asking(Dms(task=False)), problems) is None
    assert problems == {}


def test_an_endpoint_that_does_not_know_the_action_offers_none() -> None:
    found = read_assessment(Asking(Dms(unknown="UnknownOperationException")), {})
    assert found == Assessment("", offered=False)


def test_another_fault_is_told_and_stops_nothing() -> None:
    problems: dict[str, str] = {}
    assert read_assessment(Asking(Dms(unknown="AccessDeniedFault")), problems) is None
    assert "AccessDeniedFault" in problems["assessment"]


@pytest.mark.parametrize(
    ("status", "role", "message"), [("running", "r", "at rest"), ("ready", "", "no role")]
)
def test_where_none_can_run_it_says_why(status: str, role: str, message: str) -> None:
    dms = Dms(status)
    found = read_assessment(Asking(dms, dms_assessment_role_arn=role), {})
    assert found is not None
    assert message in found.state
    assert dms.started == []


def test_a_task_at_rest_is_assessed() -> None:
    dms = Dms()
    found = read_assessment(Asking(dms, dms_assessment_role_arn="arn:role"), {})
    assert found is not None
    assert "begun" in found.state
    assert dms.started[0]["ResultLocationBucket"] == SPEC.aws.bucket
    assert dms.started[0]["ServiceAccessRoleArn"] == "arn:role"


def test_the_newest_run_is_read() -> None:
    dms = Dms("running")
    dms.runs = [{"ReplicationTaskAssessmentRunArn": "arn:run", "Status": "failed"}]
    dms.each = [
        {"IndividualAssessmentName": "table-with-no-primary-key", "Status": "failed"},
        {"IndividualAssessmentName": "other", "Status": "passed"},
    ]
    found = read_assessment(Asking(dms), {})
    assert found == Assessment("failed: 1 of 2 passed", failed=(("table-with-no-primary-key", "failed"),))
