"""Documents and events of the questions at the gates."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Time


class Question(Document):
    """A question as a person saw it."""

    NAME: ClassVar[str] = "questions/{gate}/{asked}"
    gate: str
    asked: str
    """When, as in its name."""
    subject: str
    body: str
    """Markdown."""
    sha256: str = ""
    """Of what was approved."""


class Approval(Document):
    """The newest question of a gate, and its answer."""

    NAME: ClassVar[str] = "approvals/{gate}"
    gate: str
    question: str | None = None
    """Name of the question's document."""
    sha256: str | None = None
    shown: Any = None
    """What the checksum is of."""
    warnings: int = 0
    asked_at: Time | None = None
    outdated: bool = False
    """Airflow showed the text of an earlier try."""
    option: str | None = None
    """None until it is answered, and after a rollback."""
    by: str | None = None
    at: Time | None = None
    """When it was answered."""
    accept_warnings: bool | None = None
    withdrawn: str | None = None
    """Why an answer does not hold any more."""


class GateAsked(Event):
    """A person is asked."""

    event: Literal["gate_asked"] = "gate_asked"
    gate: str
    sha256: str = ""
    question: str | None = None
    """Name of the question's document."""
    timeout: float | None = None
    """Seconds."""
    saw: list[str] = []
    """What the question showed, in short."""


class GateAnswered(Event):
    """A person answered."""

    event: Literal["gate_answered"] = "gate_answered"
    gate: str
    option: str
    by: str | None = None
    at: Time | None = None
    sha256: str | None = None
    question: str | None = None
    accept_warnings: bool | None = None
