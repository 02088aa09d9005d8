"""One migration's documents and events as the parts of the console read them. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from livemove.history import CurrentOwner, History
from livemove.model.ledger import Contents, Document, Event, SwitchoverRecord
from livemove.model.spec import MigrationSpec, Side

PLACES = {Side.SOURCE: "the data centre's database", Side.TARGET: "RDS"}
LISTED = 200
"""Decisions, moments and failures that are told at most, the newest ones."""


@dataclass(frozen=True)
class Ledger:
    """What is known, as the parts of the page read it."""

    spec: MigrationSpec
    contents: Contents

    def load[D: Document](self, kind: type[D], **keys: object) -> D | None:
        return self.contents.load(kind, **keys)

    def load_all[D: Document](self, kind: type[D], **keys: object) -> tuple[D, ...]:
        return self.contents.load_all(kind, **keys)

    def all_of[E: Event](self, kind: type[E]) -> tuple[E, ...]:
        return self.contents.all_of(kind)

    @cached_property
    def history(self) -> History:
        return History(self.contents)

    @property
    def current(self) -> CurrentOwner:
        return self.history.current


def ended_at(move: SwitchoverRecord) -> str | None:
    """Its beginning and the time of its steps."""
    return later(move.started_at, sum(s.ms for s in move.steps) / 1000) if move.started_at else None


def later(iso: str, seconds: float) -> str:
    return datetime.fromtimestamp(seconds_of(iso) + seconds, datetime.fromisoformat(iso).tzinfo).isoformat()


def seconds_of(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()
