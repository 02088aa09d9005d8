"""How long the values of a LOB column are: DMS's LOB mode depends on it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LobFact:
    table: str
    column: str
    longest: int | None
    """Bytes; None when measuring took too long."""
