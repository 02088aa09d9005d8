"""Both control rows, as far as they could be read, and which database is the owner by them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from livemove.model.ports import ControlRow, ControlState
from livemove.model.spec import Side

OPEN, FENCED, CEDED, FOLLOW, CLAIMED = ControlState


class SwitchoverStage(StrEnum):
    """How far the move of the writes is."""

    OPEN = "open"
    """The owner takes writes, and no move is under way."""
    FENCED = "fenced"
    """A move has closed the owner under a lease; it owns until the commit."""
    COMMITTED = "committed"
    """The old owner has given the writes away, the next one is not open: nobody may write."""
    UNFINISHED = "unfinished"
    """The next owner is open; servers or the old owner may not have come with it yet."""
    UNKNOWN = "unknown"
    """It cannot be told."""


@dataclass(frozen=True)
class RowsOwner:
    """What the rows say. `owner` is None while nobody owns (COMMITTED) or it is unknown (UNKNOWN)."""

    owner: Side | None
    epoch: int
    stage: SwitchoverStage
    to: Side | None = None
    """COMMITTED, UNFINISHED: where the move goes."""
    promoted: bool = False


@dataclass(frozen=True)
class ControlRows:
    """None: that row was not read."""

    source: ControlRow | None = None
    target: ControlRow | None = None

    def row(self, side: Side) -> ControlRow | None:
        return self.source if side is Side.SOURCE else self.target

    @property
    def read(self) -> list[ControlRow]:
        return [r for r in (self.source, self.target) if r is not None]

    @property
    def promoted(self) -> ControlRow | None:
        """The side that became the owner without the other's word."""
        return next((r for r in self.read if r.promoted), None)

    @property
    def reading(self) -> RowsOwner:
        """The owner by these rows."""
        if one := self.promoted:
            return _promoted(one)
        if self.source and self.target:
            return _both(self.source, self.target) or _both(self.target, self.source) or _UNKNOWN
        return _alone(self.read[0]) if self.read else _UNKNOWN


_UNKNOWN = RowsOwner(None, 0, SwitchoverStage.UNKNOWN)


def _promoted(row: ControlRow) -> RowsOwner:
    if row.state is OPEN:
        return RowsOwner(row.side, row.epoch, SwitchoverStage.OPEN, promoted=True)
    return RowsOwner(None, row.epoch, SwitchoverStage.COMMITTED, row.side, promoted=True)


def _both(one: ControlRow, other: ControlRow) -> RowsOwner | None:
    """What both rows say when `one` owns, or will own; None when they do not fit together that way."""
    gap = other.epoch - one.epoch
    match one.state, other.state, gap:
        case ControlState.FENCED, (ControlState.FOLLOW | ControlState.CEDED), 0:
            return RowsOwner(one.side, one.epoch, SwitchoverStage.FENCED, other.side)
        case ControlState.OPEN, ControlState.FOLLOW, 0:
            return RowsOwner(one.side, one.epoch, SwitchoverStage.OPEN)
        case ControlState.OPEN, ControlState.CEDED, 0:
            return RowsOwner(one.side, one.epoch, SwitchoverStage.UNFINISHED, one.side)
        case (ControlState.FOLLOW, ControlState.CEDED, 1) | (ControlState.CLAIMED, ControlState.CEDED, 0):
            return RowsOwner(None, other.epoch, SwitchoverStage.COMMITTED, one.side)
    return None


def _alone(row: ControlRow) -> RowsOwner:
    """The other side is silent: an open or fenced row owns, a claimed one will; the rest may be anything."""
    match row.state:
        case ControlState.OPEN:
            return RowsOwner(row.side, row.epoch, SwitchoverStage.OPEN)
        case ControlState.FENCED:
            return RowsOwner(row.side, row.epoch, SwitchoverStage.FENCED, row.side.other)
        case ControlState.CLAIMED:
            return RowsOwner(None, row.epoch, SwitchoverStage.COMMITTED, row.side)
    return _UNKNOWN
