"""What one look at something awaited tells: whether it is there, a sentence, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass, field

from livemove.ports import Json


@dataclass(frozen=True)
class Look:
    """The result of one look. Waiting tasks log `says` whenever it changes."""

    done: bool
    says: str
    """What is awaited, how far it is, what happens next: one line, or a small table below it."""
    state: Json = field(default_factory=dict)
    """Handed to the next look, and to the task at the end. JSON only, no secrets: it stands in Airflow's database."""
    again_in: float | None = None
    """Seconds until the next look is worth it; None takes the trigger's interval."""
