"""What stays readable after a failed rehearsal: the end of a failed task's log, and copies of all logs."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.rehearsal.api import AirflowApi, ApiError

TAIL = 40
LARGEST = 5 << 20
"""Bytes kept of one log."""
NOISE = (
    "::group::",
    "::endgroup::",
    "DAG bundles loaded",
    "Filling up the DagBag",
    "Worker startup parse",
    "GitWildMatchPattern",
)
"""What Airflow says in every log before the task's own words begin."""


def tails(
    api: AirflowApi, dag_id: str, run_id: str, tasks: Sequence[dict[str, Any]]
) -> list[tuple[str, list[str]]]:
    """(task, last lines of its log) of every task that failed."""
    found = []
    for t in tasks:
        if t["state"] != "failed":
            continue
        try:
            lines = api.log(dag_id, run_id, t["task_id"], int(t["try_number"]), int(t["map_index"]))
        except (ApiError, OSError) as e:
            lines = [f"its log cannot be read: {e}"]
        kept = [
            line
            for line in lines
            if line.strip() and not line.startswith(NOISE) and not line.endswith(".log")
        ]
        found.append((_named(t), kept[-TAIL:]))
    return found


def _named(task: dict[str, Any]) -> str:
    label = task.get("rendered_map_index") or task["map_index"]
    return str(task["task_id"]) + (f" [{label}]" if int(task["map_index"]) >= 0 else "")


def keep(state: Path, folder: Path) -> None:
    """Copy the logs of the lab and of Airflow and the users' record to `folder`; of a huge one the end."""
    sources = ((state / "logs", "lab"), (state / "airflow" / "logs", "airflow"), (state / "traffic", "users"))
    for source, name in sources:
        for log in sorted(source.rglob("*")):
            if log.suffix not in (".log", ".jsonl") or "dag_processor" in log.parts:
                continue
            target = folder / name / log.relative_to(source)
            with contextlib.suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy_end(log, target)


def _copy_end(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        reader.seek(max(0, source.stat().st_size - LARGEST))
        shutil.copyfileobj(reader, writer)
