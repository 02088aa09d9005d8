"""What is known of one migration, as the parts of the console's page read it, and what they share. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from livemove.history import CurrentOwner, History
from livemove.model.ports import Json
from livemove.model.spec import MigrationSpec, Side

PLACES = {Side.SOURCE: "the data centre's database", Side.TARGET: "RDS"}
LISTED = 200
"""Decisions, moments and failures that are told at most, the newest ones."""

Documents = Mapping[str, Json]
Events = Sequence[Json]


@dataclass(frozen=True)
class Ledger:
    """What is known, as the parts of the page read it."""

    spec: MigrationSpec
    documents: Documents
    events: Events

    def get(self, name: str) -> Json | None:
        return self.documents.get(name)

    def under(self, prefix: str) -> dict[str, Json]:
        return {n.removeprefix(prefix): d for n, d in sorted(self.documents.items()) if n.startswith(prefix)}

    def told(self, *names: str) -> list[Json]:
        return [e for e in self.events if e.get("event") in names]

    @cached_property
    def history(self) -> History:
        return History(self.documents, self.events)

    @property
    def current(self) -> CurrentOwner:
        return self.history.current


def settled(kept: Json, name: str, otherwise: float) -> float:
    """What held in that run: its form may have said another value than the spec."""
    return otherwise if kept.get(name) is None else float(kept[name])


def ended_at(move: Json) -> str:
    return later(str(move["started_at"]), sum(float(s.get("ms") or 0) for s in move.get("steps", ())) / 1000)


def later(iso: str, seconds: float) -> str:
    return datetime.fromtimestamp(seconds_of(iso) + seconds, datetime.fromisoformat(iso).tzinfo).isoformat()


def seconds_of(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()
