"""Task settings as AWS takes them: groups, keys, types and ranges; what is not among them is refused.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.html and its pages
for each group. AWS's words for a refusal are not documented; these name the setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BOOL, TEXT, ANY = "a boolean", "a string", "anything"
AT_LEAST_0 = range(1 << 31)
ROW = ("IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK")
ESCALATION = ("LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK")
TABLE = ("SUSPEND_TABLE", "STOP_TASK")
Kind = str | range | tuple[str, ...]
"""BOOL, TEXT, ANY, whole numbers in a range, or one of these words."""

GROUPS: dict[str, dict[str, Kind]] = {
    "TargetMetadata": {
        "TargetSchema": TEXT,
        **dict.fromkeys(("SupportLobs", "FullLobMode", "LimitedSizeLobMode", "BatchApplyEnabled"), BOOL),
        "TaskRecoveryTableEnabled": BOOL,
        "LobChunkSize": AT_LEAST_0,
        "LobMaxSize": range(102_401),
        "InlineLobMaxSize": range(102_401),
        "LoadMaxFileSize": range(100_001),
        "ParallelLoadBufferSize": range(1001),
        **dict.fromkeys(
            (
                "ParallelLoadThreads",
                "ParallelLoadQueuesPerThread",
                "ParallelApplyThreads",
                "ParallelApplyBufferSize",
                "ParallelApplyQueuesPerThread",
            ),
            AT_LEAST_0,
        ),
    },
    "FullLoadSettings": {
        "TargetTablePrepMode": ("DO_NOTHING", "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD"),
        **dict.fromkeys(
            ("CreatePkAfterFullLoad", "StopTaskCachedChangesApplied", "StopTaskCachedChangesNotApplied"), BOOL
        ),
        "MaxFullLoadSubTasks": range(1, 50),
        "TransactionConsistencyTimeout": AT_LEAST_0,
        "CommitRate": range(1, 50_001),
    },
    "Logging": {"EnableLogging": BOOL, "EnableLogContext": BOOL, "LogComponents": ANY},
    "ControlTablesSettings": {
        "ControlSchema": TEXT,
        "HistoryTimeslotInMinutes": AT_LEAST_0,
        **dict.fromkeys(
            (
                "StatusTableEnabled",
                "SuspendedTablesTableEnabled",
                "HistoryTableEnabled",
                "FullLoadExceptionTableEnabled",
            ),
            BOOL,
        ),
    },
    "StreamBufferSettings": dict.fromkeys(
        ("StreamBufferCount", "StreamBufferSizeInMB", "CtrlStreamBufferSizeInMB"), AT_LEAST_0
    ),
    "ChangeProcessingDdlHandlingPolicy": dict.fromkeys(
        ("HandleSourceTableDropped", "HandleSourceTableTruncated", "HandleSourceTableAltered"), BOOL
    ),
    "ErrorBehavior": {
        "DataErrorPolicy": ROW,
        "DataTruncationErrorPolicy": ROW,
        "DataErrorEscalationPolicy": TABLE,
        "EventErrorPolicy": ("IGNORE", "STOP_TASK"),
        "TableErrorPolicy": TABLE,
        "TableErrorEscalationPolicy": ("STOP_TASK",),
        "ApplyErrorDeletePolicy": ROW,
        "ApplyErrorInsertPolicy": (*ROW, "INSERT_RECORD"),
        "ApplyErrorUpdatePolicy": (*ROW, "UPDATE_RECORD"),
        "ApplyErrorEscalationPolicy": ESCALATION,
        **dict.fromkeys(
            (
                "DataErrorEscalationCount",
                "TableErrorEscalationCount",
                "ApplyErrorEscalationCount",
                "RecoverableErrorInterval",
                "RecoverableErrorThrottlingMax",
            ),
            AT_LEAST_0,
        ),
        "RecoverableErrorCount": range(-1, 1 << 31),
        **dict.fromkeys(
            (
                "RecoverableErrorThrottling",
                "RecoverableErrorStopRetryAfterThrottlingMax",
                "ApplyErrorFailOnTruncationDdl",
                "FailOnNoTablesCaptured",
                "FailOnTransactionConsistencyBreached",
                "FullLoadIgnoreConflicts",
            ),
            BOOL,
        ),
    },
    "ChangeProcessingTuning": {
        "BatchApplyPreserveTransaction": BOOL,
        **dict.fromkeys(
            (
                "BatchApplyTimeoutMin",
                "BatchApplyTimeoutMax",
                "BatchApplyMemoryLimit",
                "BatchSplitSize",
                "MinTransactionSize",
                "CommitTimeout",
                "MemoryLimitTotal",
                "MemoryKeepTime",
                "StatementCacheSize",
            ),
            AT_LEAST_0,
        ),
        "RecoveryTimeout": range(-1, 1 << 31),
    },
    "ValidationSettings": {
        **dict.fromkeys(
            ("EnableValidation", "ValidationOnly", "SkipLobColumns", "HandleCollationDiff"), BOOL
        ),
        "ValidationMode": ("ROW_LEVEL", "GROUP_LEVEL"),
        **dict.fromkeys(
            (
                "ThreadCount",
                "PartitionSize",
                "FailureMaxCount",
                "TableFailureMaxCount",
                "RecordFailureDelayInMinutes",
                "RecordFailureDelayLimitInMinutes",
                "RecordSuspendDelayInMinutes",
                "MaxKeyColumnSize",
                "ValidationPartialLobSize",
                "ValidationQueryCdcDelaySeconds",
            ),
            AT_LEAST_0,
        ),
    },
}
WHOLE = {
    "BeforeImageSettings",
    "CharacterSetSettings",
    "LoopbackPreventionSettings",
    "PostProcessingRules",
    "FailTaskWhenCleanTaskResourceFailed",
    "TTSettings",
    "ResyncSettings",
}
"""Groups that are taken as they come."""


def refusals(settings: Any) -> list[str]:
    """Why AWS would not take these settings; empty when it would."""
    if not isinstance(settings, dict):
        return ["the settings are no JSON object"]
    return [*_of_groups(settings), *_of_lobs(settings.get("TargetMetadata") or {})]


def _of_groups(settings: dict[str, Any]) -> Iterator[str]:
    for group, values in settings.items():
        if group in WHOLE or values is None:
            continue
        if group not in GROUPS or not isinstance(values, dict):
            yield f"{group} is no group of task settings"
            continue
        for name, value in values.items():
            kind = GROUPS[group].get(name)
            if kind is None:
                yield f"{group} has no setting {name}"
            elif value is not None and (wanted := _wrong(value, kind)):
                yield f"{group}.{name} is {value!r}, wanted {wanted}"


def _wrong(value: Any, kind: Kind) -> str:
    """What was wanted instead; empty when the value is right."""
    if kind == ANY:
        return ""
    if kind == BOOL:
        return "" if isinstance(value, bool) else BOOL
    if kind == TEXT:
        return "" if isinstance(value, str) else TEXT
    if isinstance(kind, range):
        right = isinstance(value, int) and not isinstance(value, bool) and value in kind
        return "" if right else f"a whole number from {kind.start} to {kind.stop - 1}"
    return "" if value in kind else f"one of {', '.join(kind)}"


def _of_lobs(target: dict[str, Any]) -> Iterator[str]:
    modes = [bool(target.get(m)) for m in ("FullLobMode", "LimitedSizeLobMode")]
    if target.get("SupportLobs") and sum(modes) != 1:
        yield "SupportLobs is true: one of FullLobMode and LimitedSizeLobMode must be true"
    if modes[0] and not target.get("LobChunkSize"):
        yield "FullLobMode is true: LobChunkSize must be given"
