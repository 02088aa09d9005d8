"""Documents of preflight."""

from __future__ import annotations

from typing import ClassVar

from livemove.model.ledger.base import Document, Part


class Finding(Part):
    """The result of one check."""

    check: str
    severity: str
    """ok, warning or error."""
    measured: str = ""
    limit: str = ""
    remedy: str = ""
    subject: str = ""
    restart: bool = False
    """Whether the remedy takes effect only after a restart of the source."""


class Findings(Document):
    """What the preflight checks found last."""

    NAME: ClassVar[str] = "findings"
    findings: list[Finding]
    counts: dict[str, int] = {}
    """How many of each severity."""
