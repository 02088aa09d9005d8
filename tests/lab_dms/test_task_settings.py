"""Settings that AWS refuses are refused; livemove's own are taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.cloud.dms.task_settings import refusals
from livemove.model.spec import project_root
from livemove.replication.dms_rules import task_settings

TEXT = (project_root() / "include" / "dms" / "task-settings.json").read_text()


@pytest.mark.parametrize("full_load", [True, False])
def test_the_settings_of_livemove_are_taken(full_load: bool) -> None:
    assert refusals(json.loads(task_settings(TEXT, full_load=full_load, longest_lob=1 << 28))) == []


@pytest.mark.parametrize(
    ("group", "name", "value", "said"),
    [
        ("FullLoadSettings", "StopTaskCachedChangesAplied", True, "has no setting"),
        ("FullLoadSettings", "MaxFullLoadSubTasks", 50, "from 1 to 49"),
        ("FullLoadSettings", "CommitRate", "10000", "from 1 to 50000"),
        ("FullLoadSettings", "TargetTablePrepMode", "NOTHING", "one of DO_NOTHING"),
        ("TargetMetadata", "InlineLobMaxSize", 102_401, "from 0 to 102400"),
        ("TargetMetadata", "FullLobMode", False, "one of FullLobMode and LimitedSizeLobMode"),
        ("TargetMetadata", "LobChunkSize", 0, "LobChunkSize must be given"),
        ("ErrorBehavior", "FullLoadIgnoreConflicts", "true", "a boolean"),
        ("ErrorBehavior", "TableErrorPolicy", "LOG_ERROR", "one of SUSPEND_TABLE, STOP_TASK"),
        ("Loging", "EnableLogging", True, "no group"),
    ],
)
def test_what_aws_refuses_is_refused_by_name(group: str, name: str, value: Any, said: str) -> None:
    settings = json.loads(TEXT)
    settings.setdefault(group, {})[name] = value
    assert any(said in reason for reason in refusals(settings))
