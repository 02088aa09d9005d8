"""When each task was at work: the attempts that have ended, as each task left them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from livemove.model.ledger import Contents, MappedTaskRuns, TaskRuns


@dataclass(frozen=True)
class TaskRun:
    """One attempt of one task that has ended; times in ISO, UTC."""

    chapter: str
    task: str
    """Of a mapped task with its index: `compare/3`."""
    began: str
    ended: str
    state: str
    dag_id: str
    run_id: str

    @property
    def id(self) -> str:
        return ".".join(filter(None, (self.chapter, self.task)))


def task_runs(contents: Contents) -> list[TaskRun]:
    """Every attempt of every task that has ended, in the order of their ends."""
    out = []
    kept: list[TaskRuns | MappedTaskRuns] = [
        *contents.load_all(TaskRuns),
        *contents.load_all(MappedTaskRuns),
    ]
    for runs in kept:
        chapter, _, task = runs.task.partition(".")
        if isinstance(runs, MappedTaskRuns):
            task = f"{task}/{runs.map_index}"
        for s in runs.spans:
            out.append(TaskRun(chapter, task, s.began, s.ended, s.state, s.dag_id, s.run_id))
    return sorted(out, key=lambda s: s.ended)
