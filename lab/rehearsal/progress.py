"""What the terminal shows while a rehearsal runs: a live picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.rehearsal.chapters import ORDER, active, chapter_of

Json = dict[str, Any]
PLAIN_EVERY = 15.0
"""Seconds between two lines of numbers where there is no terminal."""
MARKS = {"success": "✓", "failed": "✗", "skipped": "·", "asks": "?", "runs": "▶", "": " "}
COLOURS = {"success": "green", "failed": "red", "skipped": "dim", "asks": "yellow", "runs": "cyan", "": "dim"}


@dataclass
class Facts:
    """Numbers from outside Airflow; None is not known yet."""

    rows: int | None = None
    lag_s: float | None = None
    split: Mapping[str, int] = field(default_factory=dict)
    """Requests per site in the last seconds."""
    acknowledged: int = 0
    failed: int = 0

    def line(self) -> str:
        total = sum(self.split.values())
        shares = ", ".join(f"{site} {100 * n // total} %" for site, n in self.split.items()) if total else "–"
        parts = [
            f"users: {shares}",
            f"writes acknowledged {self.acknowledged:,}",
            f"failed requests {self.failed}",
        ]
        if self.rows is not None:
            parts.append(f"rows at the target {self.rows:,}")
        if self.lag_s is not None:
            parts.append(f"lag {self.lag_s:.1f} s")
        return ", ".join(parts)


def state_of(tasks: Sequence[Json]) -> str:
    """One word for a chapter: failed, asks, runs, success, skipped, or empty when it has not begun."""
    states = {t["state"] for t in tasks}
    if states & {"failed", "upstream_failed"}:
        return "failed"
    if "awaiting_input" in states:
        return "asks"
    if active(tasks):
        return "runs"
    if states <= {"skipped", "removed"}:
        return "skipped"
    if None in states or "scheduled" in states:
        return "runs" if states & {"success"} else ""
    return "success"


class Progress:
    """`say` for events, `look` for every new picture of the run."""

    def __init__(self, console: Console | None = None, *, live: bool | None = None) -> None:
        self.console = console or Console(highlight=False)
        terminal = self.console.is_terminal and sys.stdout.isatty()
        self._live = (
            Live(console=self.console, refresh_per_second=4, transient=True)
            if (terminal if live is None else live)
            else None
        )
        self._began = time.monotonic()
        self._shown: set[tuple[str, int]] = set()
        self._next_line = 0.0

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        self.console.print(Text(f"{self.elapsed:6.0f} s  {text}"), soft_wrap=True)

    def look(self, tasks: Sequence[Json], facts: Facts, seconds: Mapping[str, int]) -> None:
        if self._live:
            self._live.update(_picture(tasks, facts, seconds))
            return
        for t in tasks:
            key = (t["task_id"], int(t["try_number"]))
            if t["state"] in ("running", "failed", "up_for_retry") and key not in self._shown:
                self._shown.add(key)
                again = f" (attempt {t['try_number']})" if key[1] > 1 else ""
                self.say(f"{t['task_id']}{again}")
        if self.elapsed >= self._next_line:
            self._next_line = self.elapsed + PLAIN_EVERY
            self.say(f"        {facts.line()}")


def _picture(tasks: Sequence[Json], facts: Facts, seconds: Mapping[str, int]) -> Group:
    by_chapter: dict[str, list[Json]] = {}
    for t in tasks:
        by_chapter.setdefault(chapter_of(t["task_id"]), []).append(t)
    table = Table.grid(padding=(0, 2))
    for name in [*(c for c in ORDER if c in by_chapter), *(c for c in by_chapter if c not in ORDER)]:
        state = state_of(by_chapter[name])
        busy = sorted({t["task_id"].split(".", 1)[-1] + _times(t) for t in active(by_chapter[name])})
        table.add_row(
            Text(f"{MARKS[state]} {name}", style=COLOURS[state]),
            Text(f"{seconds[name]} s" if name in seconds else "", style="dim"),
            Text(", ".join(busy[:4])),
        )
    return Group(table, Text(facts.line(), style="dim"))


def _times(task: Json) -> str:
    return f" (attempt {task['try_number']})" if int(task["try_number"]) > 1 else ""
