"""Documents of the trial."""

from __future__ import annotations

from typing import ClassVar

from livemove.model.ledger.base import Document, Time
from livemove.model.ledger.preflight import Finding


class TrialPart(Document):
    """What one part of the trial found, and what it measured."""

    NAME: ClassVar[str] = "trial/{part}"
    ONLY_SHOWN: ClassVar[bool] = True
    part: str
    """databases, replication, servers, record."""
    at: Time
    findings: list[Finding] = []
    measured: dict[str, int] = {}
    """Milliseconds by what was measured."""
    answers: str = ""
    """Where AWS's answers are kept, as s3://bucket/key."""
