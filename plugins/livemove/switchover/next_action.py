"""What a switchover finds, and what it does about it: one pure function over the two control rows.

A fresh, a retried and a cleared task all begin here. `f` is the database that should give the writes away,
`t` the one that should get them; None means that it could not be read. Nothing else is asked: the ledger,
XCom and Airflow's states only tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from livemove.model.ports import ControlRow, ControlState
from livemove.model.spec import Side

OPEN, FENCED, CEDED, FOLLOW, CLAIMED = ControlState


class ActionKind(StrEnum):
    START = "start"
    """All of the protocol, from the guards on."""
    UNDO = "undo"
    """Lift the fence of f (an attempt that died or lags), then read again."""
    UNDO_OTHER = "undo other"
    """The goal owns, but somebody is moving away from it: lift the fence of t, then read again."""
    GO_ON = "go on"
    """Committed: steps 7 to 11, each a no-op where it is done already."""
    FINISH_OTHER = "finish other"
    """A move the other way is committed: finish that one, then refuse until the goal follows."""
    DONE = "done"
    """The goal is reached and the old owner follows."""
    REBUILD = "rebuild"
    """One side was promoted while the other was lost: the other one is never used again, only rebuilt."""
    LOOK_AGAIN = "look again"
    """The rows were read one after the other and do not fit: read again; still so, a person decides."""
    UNKNOWN = "unknown"
    """Too little can be read to act without risk: change nothing."""


@dataclass(frozen=True)
class Action:
    do: ActionKind
    why: str
    epoch: int = 0
    """START: the present epoch; GO_ON and FINISH_OTHER: the new owner's epoch."""
    owner: Side | None = None
    """The owner by the rows; None when it is unknown, or nobody may write yet."""


def next_action(f: ControlRow | None, t: ControlRow | None, *, to: Side) -> Action:
    """The action for a move of the writes to `to`; f and t are the rows of `to.other` and `to`."""
    if f is None or t is None:
        return _half(f, t, to)
    if promoted := _promoted(f, t):
        return promoted
    gap = f.epoch - t.epoch
    for states, epochs, action in (
        ((OPEN, FOLLOW), 0, Action(ActionKind.START, f"{f}, {t}: the usual start", f.epoch, to.other)),
        (
            (FENCED, FOLLOW),
            0,
            Action(ActionKind.UNDO, f"{f}: an earlier attempt did not commit", f.epoch, to.other),
        ),
        ((CEDED, FOLLOW), 1, Action(ActionKind.GO_ON, f"{f}, {t}: committed, not yet claimed", f.epoch)),
        ((CEDED, CLAIMED), 0, Action(ActionKind.GO_ON, f"{f}, {t}: claimed, not yet open", f.epoch)),
        (
            (CEDED, OPEN),
            0,
            Action(ActionKind.GO_ON, f"{f}, {t}: open, servers may still be elsewhere", f.epoch, to),
        ),
        ((FOLLOW, OPEN), 0, Action(ActionKind.DONE, f"{t}, {f}: already moved", t.epoch, to)),
        ((CEDED, FENCED), 0, Action(ActionKind.UNDO_OTHER, f"{t}: somebody moves away from it", t.epoch, to)),
        (
            (FOLLOW, FENCED),
            0,
            Action(ActionKind.UNDO_OTHER, f"{t}: somebody moves away from it", t.epoch, to),
        ),
        (
            (FENCED, CEDED),
            0,
            Action(
                ActionKind.UNDO, f"{f}: an attempt began before the last move was finished", f.epoch, to.other
            ),
        ),
        (
            (FOLLOW, CEDED),
            -1,
            Action(ActionKind.FINISH_OTHER, f"{t}, {f}: the move to the {to.other} is committed", t.epoch),
        ),
        (
            (CLAIMED, CEDED),
            0,
            Action(ActionKind.FINISH_OTHER, f"{t}, {f}: the move to the {to.other} is committed", t.epoch),
        ),
        (
            (OPEN, CEDED),
            0,
            Action(ActionKind.FINISH_OTHER, f"{f}, {t}: the {to} does not follow yet", t.epoch, to.other),
        ),
    ):
        if (f.state, t.state) == states and gap == epochs:
            return action
    return Action(ActionKind.LOOK_AGAIN, f"{f} and {t} do not fit together")


def _promoted(f: ControlRow, t: ControlRow) -> Action | None:
    """The action after an emergency promotion when both answer; the promoted side is only finished."""
    for row, other in ((f, t), (t, f)):
        if row.promoted:
            owner = row.side if row.state is OPEN else None
            if row is t and (row.state is CLAIMED or (row.state is OPEN and other.state is CEDED)):
                return Action(
                    ActionKind.GO_ON, f"{row} was promoted; the {other.side} stays out", row.epoch, owner
                )
            return Action(
                ActionKind.REBUILD,
                f"{row} was promoted past {other}: the {other.side} may hold writes that never arrived",
                row.epoch,
                owner,
            )
    return None


def _half(f: ControlRow | None, t: ControlRow | None, to: Side) -> Action:
    """Only one side answers."""
    if f is None and t is not None:
        if t.state is OPEN and t.epoch == 1:
            return Action(
                ActionKind.DONE, f"{t}: it never gave the writes away; the {to.other} does not answer", 1, to
            )
        if t.state in (CLAIMED, OPEN):
            return Action(
                ActionKind.GO_ON,
                f"{t}, the {to.other} does not answer: it has ceded for certain",
                t.epoch,
                to if t.state is OPEN else None,
            )
        return Action(
            ActionKind.UNKNOWN, f"{t}, and the {to.other} does not answer: whether it has ceded is not known"
        )
    if f is not None and t is None:
        if f.state is FENCED:
            return Action(
                ActionKind.UNDO,
                f"{f}, and the {to} does not answer: the fence is lifted, the move cannot go on",
                f.epoch,
                to.other,
            )
        if f.state is OPEN:
            return Action(ActionKind.UNKNOWN, f"{f}, and the {to} does not answer", f.epoch, to.other)
        return Action(ActionKind.UNKNOWN, f"{f}, and the {to} does not answer")
    return Action(ActionKind.UNKNOWN, "neither database answers")
