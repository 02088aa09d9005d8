"""Premigration assessment runs: three of DMS's individual assessments, really made, the result kept in S3.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.html
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pymysql

from lab.cloud.dms.replicator.description import Login
from lab.cloud.dms.replicator.failure import Failed
from lab.cloud.dms.replicator.lobs import TYPES
from lab.cloud.dms.replicator.selection import Selection
from lab.cloud.dms.replicator.source import connect, fetch
from lab.cloud.dms.replicator.tables import Layout, full, read_counterparts, read_selected

NO_KEY = "table-with-no-primary-key-or-unique-constraint"
LOB_NO_KEY = "table-with-lob-but-without-primary-key-or-unique-constraint"
LOB_NOT_NULL = "full-lob-not-nullable-at-target"
NAMES = (NO_KEY, LOB_NO_KEY, LOB_NOT_NULL)
PASSED, FAILED, RUNNING, CANCELLED = "passed", "failed", "running", "cancelled"


@dataclass
class Run:
    """One assessment run of one task."""

    arn: str
    task_arn: str
    name: str
    role: str
    bucket: str
    folder: str
    wanted: tuple[str, ...]
    status: str = RUNNING
    failure: str = ""
    created: float = field(default_factory=time.time)
    results: dict[str, str] = field(default_factory=dict)
    details: dict[str, list[str]] = field(default_factory=dict)

    def start(self, check: Callable[[], dict[str, list[str]]], keep: Callable[[Run], None]) -> None:
        threading.Thread(target=self._work, args=(check, keep), daemon=True).start()

    def _work(self, check: Callable[[], dict[str, list[str]]], keep: Callable[[Run], None]) -> None:
        try:
            self.details = {name: found for name, found in check().items() if name in self.wanted}
            self.results = {name: FAILED if found else PASSED for name, found in self.details.items()}
            keep(self)
            failure, status = "", FAILED if FAILED in self.results.values() else PASSED
        except (pymysql.err.MySQLError, Failed, OSError) as e:
            failure, status = str(e), "error-executing"
        if self.status == RUNNING:
            self.status, self.failure = status, failure

    def report(self) -> str:
        return json.dumps(
            {"task": self.task_arn, "run": self.arn, "results": self.results, "details": self.details},
            indent=2,
        )

    def to_dict(self, latest: bool) -> dict[str, Any]:
        states = list(self.results.values())
        return {
            "ReplicationTaskAssessmentRunArn": self.arn,
            "ReplicationTaskArn": self.task_arn,
            "Status": self.status,
            "ReplicationTaskAssessmentRunCreationDate": self.created,
            "AssessmentProgress": {
                "IndividualAssessmentCount": len(self.wanted),
                "IndividualAssessmentCompletedCount": len(states),
            },
            **({"LastFailureMessage": self.failure} if self.failure else {}),
            "ServiceAccessRoleArn": self.role,
            "ResultLocationBucket": self.bucket,
            "ResultLocationFolder": self.folder,
            "AssessmentRunName": self.name,
            "IsLatestTaskAssessmentRun": latest,
            "ResultStatistic": {"Passed": states.count(PASSED), "Failed": states.count(FAILED)},
        }

    def individual(self) -> list[dict[str, Any]]:
        return [
            {
                "ReplicationTaskIndividualAssessmentArn": (
                    self.arn.replace(":assessment-run:", ":individual-assessment:") + f"-{n}"
                ),
                "ReplicationTaskAssessmentRunArn": self.arn,
                "IndividualAssessmentName": name,
                "Status": self.results.get(name, "cancelled" if self.status == CANCELLED else "running"),
                "ReplicationTaskIndividualAssessmentStartDate": self.created,
            }
            for n, name in enumerate(self.wanted, 1)
        ]


def resource_id() -> str:
    """A random last part of an ARN, of the form that AWS uses."""
    return secrets.token_hex(13).upper()


def assess(source: Login, target: Login, mappings: dict[str, Any]) -> dict[str, list[str]]:
    """Per assessment the tables and columns that fail it."""
    selection = Selection(mappings)
    with connect(source) as ours, connect(target) as theirs:
        layouts = read_selected(ours, selection)
        there = read_counterparts(theirs, selection, layouts)
        unique = {
            (str(s), str(t))
            for s, t in fetch(
                ours,
                "SELECT table_schema, table_name FROM information_schema.statistics WHERE non_unique = 0",
            )
        }
        strict = {
            (str(s), str(t), str(c))
            for s, t, c in fetch(
                theirs,
                "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE"
                " is_nullable = 'NO'",
            )
        }

    def lobs(layout: Layout) -> list[str]:
        return [c.name for c in layout.columns if c.type in TYPES]

    keyless = [layout for key, layout in layouts.items() if key not in unique]
    return {
        NO_KEY: [full(layout.key) for layout in keyless],
        LOB_NO_KEY: [full(layout.key) for layout in keyless if lobs(layout)],
        LOB_NOT_NULL: [
            f"{full(there[key].key)}.{name}"
            for key, layout in layouts.items()
            if key in there
            for name in lobs(layout)
            if (*there[key].key, name) in strict
        ],
    }
