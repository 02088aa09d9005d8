"""What one look at something awaited tells, and which of these sentences are worth a line of log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from livemove.model.ports import Json


@dataclass(frozen=True)
class Look:
    """The result of one look. `Voice` chooses when `says` is logged."""

    done: bool
    says: str
    """What is awaited, how far it is, what happens next: one line, or a small table below it."""
    state: Json = field(default_factory=dict)
    """Handed to the next look, and to the task at the end. JSON only, no secrets: it stands in Airflow's database."""
    again_in: float | None = None
    """Seconds until the next look is worth it; None takes the trigger's interval."""


EVERY, STILL, NEWS = 30.0, 900.0, 20
"""Seconds between two lines whose numbers alone differ; seconds after which an unchanged one is told again; so many new
situations are told at once, later ones wait their turn as numbers do."""


@dataclass
class Voice:
    """One meaningful line per interval, not one per look: a new situation at once, new numbers after a while."""

    every: float = EVERY
    last: str = ""
    at: float | None = None
    """When the last line was said; seconds of any clock."""
    known: set[str] = field(default_factory=set)

    def line(self, says: str, now: float, *, done: bool = False) -> str | None:
        """What is to be logged now, or None."""
        since = None if self.at is None else now - self.at
        if says == self.last:
            told = f"still: {says}" if since is not None and since >= STILL else None
        else:
            situation = re.sub(r"\d[\d.,:]*", "#", says)
            news = situation not in self.known and len(self.known) < NEWS
            told = says if done or news or since is None or since >= self.every else None
            self.known.add(situation)
        if told is not None:
            self.last, self.at = says, now
        return told
