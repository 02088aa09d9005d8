"""When each task was at work, from the documents `ran/<task>`: attempts that have ended. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livemove.model.ports import Json

PREFIX = "ran/"


@dataclass(frozen=True)
class TaskRun:
    """One attempt of one task that has ended; times in ISO, UTC."""

    chapter: str
    task: str
    began: str
    ended: str
    state: str
    dag_id: str
    run_id: str

    @property
    def id(self) -> str:
        return ".".join(filter(None, (self.chapter, self.task)))


def task_runs(documents: Mapping[str, Json]) -> list[TaskRun]:
    """Every attempt of every task that has ended, in the order of their ends."""
    out = []
    for name, document in documents.items():
        if not name.startswith(PREFIX):
            continue
        chapter, _, task = name.removeprefix(PREFIX).partition(".")
        for s in document.get("spans", ()):
            out.append(
                TaskRun(chapter, task, str(s["began"]), str(s["ended"]), s["state"], s["dag_id"], s["run_id"])
            )
    return sorted(out, key=lambda s: s.ended)
