"""What one look at something awaited tells, and which of these sentences are worth a line of log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from livemove.model.ports import Json


@dataclass(frozen=True)
class PollResult:
    """The result of one look. `LogThrottle` chooses when `message` is logged."""

    done: bool
    message: str
    """What is awaited, how far it is, what happens next: one line, or a small table below it."""
    state: Json = field(default_factory=dict)
    """Passed to the next look, at the end to the task. JSON without secrets: Airflow's database has it."""
    again_in: float | None = None
    """Seconds until the next look is worth it; None takes the trigger's interval."""


EVERY, STILL, NEWS = 30.0, 900.0, 20
"""EVERY: seconds between lines that differ only in numbers. STILL: seconds until an unchanged line returns.

NEWS: new situations that are logged at once; later ones wait like numbers.
"""


@dataclass
class LogThrottle:
    """Limits the log lines of a wait: a new situation at once, new numbers once per interval."""

    every: float = EVERY
    last: str = ""
    at: float | None = None
    """When the last line was said; seconds of any clock."""
    known: set[str] = field(default_factory=set)

    def line(self, message: str, now: float, *, done: bool = False) -> str | None:
        """What is to be logged now, or None."""
        since = None if self.at is None else now - self.at
        if message == self.last:
            text = f"still: {message}" if since is not None and since >= STILL else None
        else:
            situation = re.sub(r"\d[\d.,:]*", "#", message)
            news = situation not in self.known and len(self.known) < NEWS
            text = message if done or news or since is None or since >= self.every else None
            self.known.add(situation)
        if text is not None:
            self.last, self.at = message, now
        return text
