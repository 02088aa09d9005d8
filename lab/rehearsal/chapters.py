"""How long each chapter took: the union of its tasks' attempts, cleared ones included."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
ORDER = (
    "preflight",
    "provision",
    "trial",
    "replicate",
    "validate",
    "switch_dns",
    "switchover",
    "retire",
    "rollback",
    "finish",
)
IDLE = (None, "scheduled", "queued", "skipped", "removed", "upstream_failed")
"""States in which the dates are not this attempt's: a cleared task keeps its old ones until it starts."""
ACTIVE = ("running", "deferred", "awaiting_input", "queued", "up_for_retry", "restarting")


def chapter_of(task_id: str) -> str:
    return task_id.split(".", 1)[0]


class Chapters:
    """Collects task instances at every poll, because Airflow forgets the times of a cleared attempt."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, int, int], tuple[datetime, datetime]] = {}

    def look(self, tasks: Iterable[Json], now: datetime | None = None) -> None:
        now = now or datetime.now(UTC)
        for t in tasks:
            if not t.get("start_date") or t["state"] in IDLE:
                continue
            key = (t["task_id"], int(t["map_index"]), int(t["try_number"]))
            began = datetime.fromisoformat(t["start_date"])
            ended = datetime.fromisoformat(t["end_date"]) if t.get("end_date") else now
            if key in self._spans:
                # a deferred task begins anew at each resume
                began = min(began, self._spans[key][0])
            self._spans[key] = (began, max(began, ended))

    def seconds(self) -> list[Json]:
        """[{"name", "seconds"}] of the chapters that ran, in the story's order."""
        names = sorted({chapter_of(key[0]) for key in self._spans}, key=_rank)
        return [{"name": name, "seconds": round(self._union(name))} for name in names]

    def _union(self, chapter: str) -> float:
        spans = sorted(s for key, s in self._spans.items() if chapter_of(key[0]) == chapter)
        total, until = 0.0, None
        for began, ended in spans:
            start = began if until is None or began > until else until
            total += max(0.0, (ended - start).total_seconds())
            until = ended if until is None else max(until, ended)
        return total


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def active(tasks: Iterable[Json]) -> list[Json]:
    """Task instances that are at work or wait for something."""
    return [t for t in tasks if t["state"] in ACTIVE]
