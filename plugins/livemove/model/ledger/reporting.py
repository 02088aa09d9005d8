"""Documents and events for console and report: task times, waits, failures, versions, the last dump."""

from __future__ import annotations

from typing import ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Part, Time


class Span(Part):
    """One attempt of a task."""

    began: Time
    ended: Time
    state: str
    dag_id: str = ""
    run_id: str = ""


class TaskRuns(Document):
    """The last attempts of a task."""

    NAME: ClassVar[str] = "ran/{task}"
    ONLY_SHOWN: ClassVar[bool] = True
    task: str
    spans: list[Span] = []


class MappedTaskRuns(Document):
    """The same of one instance of a mapped task."""

    NAME: ClassVar[str] = "ran/{task}/{map_index}"
    ONLY_SHOWN: ClassVar[bool] = True
    task: str
    map_index: int
    spans: list[Span] = []


class Versions(Document):
    """What is installed on the worker, and what both databases say they are."""

    NAME: ClassVar[str] = "versions"
    ONLY_SHOWN: ClassVar[bool] = True
    programs: dict[str, str | None] = {}


class FinalDump(Document):
    """The last dump of the source, or why there is none."""

    NAME: ClassVar[str] = "final_dump"
    made_at: Time
    address: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    position: str | None = None
    """The source's binlog position."""
    skipped: str | None = None
    """Why nothing was dumped."""


class FinalDumpSkipped(Event):
    """No final dump was made."""

    event: Literal["final_dump_skipped"] = "final_dump_skipped"
    reason: str


class TaskFailed(Event):
    """A task failed for good."""

    event: Literal["task_failed"] = "task_failed"
    error: str
    """The kind of error."""
    found: str = ""
    harmless: bool = False
    """Nothing was changed by it."""


class Waited(Event):
    """A wait is over."""

    event: Literal["waited"] = "waited"
    since: Time
    seconds: float
    message: str | None = None
