"""What a task does about an error, as ErrorBehavior of its settings says, with DMS's own defaults.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ErrorHandling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from lab.cloud.dms.replicator.failure import Failed
from livemove.comparison.binlog_layout import DELETES, INSERTS


class Policy(StrEnum):
    IGNORE = "IGNORE_RECORD"
    LOG = "LOG_ERROR"
    SUSPEND = "SUSPEND_TABLE"
    STOP = "STOP_TASK"


DEFAULTS = {
    "TableErrorPolicy": Policy.SUSPEND,
    "ApplyErrorInsertPolicy": Policy.LOG,
    "ApplyErrorUpdatePolicy": Policy.LOG,
    "ApplyErrorDeletePolicy": Policy.IGNORE,
}
ROW_ERRORS = {
    1022,
    1032,
    1048,
    1062,
    1169,
    1216,
    1217,
    1264,
    1265,
    1292,
    1364,
    1366,
    1406,
    1451,
    1452,
    1526,
    1557,
    1644,
    1690,
    1761,
    1762,
    4025,
}
"""Server errors that one row is to blame for: keys, foreign keys, checks, values, a trigger's SIGNAL."""
TABLE_ERRORS = {1054, 1142, 1143, 1146, 1149, 1356, 1449, 1535, 1677, 1932}
"""Server errors that say the table cannot be written as it is."""


class Policies:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        given = settings.get("ErrorBehavior") or {}
        self._of: dict[str, Policy] = {}
        for name, default in DEFAULTS.items():
            value = given.get(name) or default
            try:
                self._of[name] = Policy(value)
            except ValueError:
                raise Failed(f"The lab's DMS has no {name} {value}") from None

    @staticmethod
    def concerns(number: int) -> bool:
        """True for errors that a policy decides about; all others end the task."""
        return number in ROW_ERRORS or number in TABLE_ERRORS

    def of_table(self) -> Policy:
        return self._of["TableErrorPolicy"]

    def of_row(self, number: int, event_kind: int) -> Policy:
        if number in TABLE_ERRORS:
            return self.of_table()
        kind = "Insert" if event_kind in INSERTS else "Delete" if event_kind in DELETES else "Update"
        return self._of[f"ApplyError{kind}Policy"]
