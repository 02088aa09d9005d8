"""DMS's own premigration assessment, where the service offers it and a task is there to be assessed.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.PremigrationAssessmentRuns.html: a run needs an
existing task and a role by which DMS writes its result into S3, so at the first preflight there is nothing to
assess yet; these checks do its work meanwhile. What failed in the last run of the task is told as a warning,
in DMS's names.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import ok, some, warning

CHECK = "DMS assessment"
EXPECTED = "full-lob-not-nullable-at-target"
"""It wants LOB columns of the target that may be NULL; https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.MariaDB.html"""


def check(facts: Facts) -> list[Finding]:
    a = facts.assessment
    if a is None:
        return [
            ok(CHECK, facts.problems.get("assessment") or "no task to assess yet; the checks here replace it")
        ]
    if not a.offered:
        return [ok(CHECK, "not offered by this endpoint")]
    failed = [(name, status) for name, status in a.failed if name != EXPECTED]
    expected = [
        ok(CHECK, f"{EXPECTED}: failed, as expected: livemove's helpers give such LOBs a value (check lobs)")
        for name, _ in a.failed
        if name == EXPECTED
    ]
    if failed:
        listed = some([f"{name} ({status})" for name, status in failed])
        return [
            *expected,
            warning(
                CHECK,
                f"DMS's own assessment: {listed}",
                "passed",
                "read DMS's result in the bucket, below assessments/, and fix what it names",
            ),
        ]
    if expected:
        return expected
    return [ok(CHECK, a.state)]
