"""The decision table, row by row, and all the pictures that are in no row."""

from __future__ import annotations

import itertools

import pytest

from livemove.model.ports import ControlRow, ControlState
from livemove.model.spec import Side
from livemove.switchover.next_action import ActionKind, next_action

S, T = Side.SOURCE, Side.TARGET

TABLE = [
    ("OPEN@1", "FOLLOW@1", ActionKind.START, 1, S),
    ("FENCED@1", "FOLLOW@1", ActionKind.UNDO, 1, S),
    ("CEDED@2", "FOLLOW@1", ActionKind.GO_ON, 2, None),
    ("CEDED@2", "CLAIMED@2", ActionKind.GO_ON, 2, None),
    ("CEDED@2", "OPEN@2", ActionKind.GO_ON, 2, T),
    ("FOLLOW@2", "OPEN@2", ActionKind.DONE, 2, T),
    ("CEDED@2", "FENCED@2", ActionKind.UNDO_OTHER, 2, T),
    ("FOLLOW@2", "FENCED@2", ActionKind.UNDO_OTHER, 2, T),
    ("FENCED@3", "CEDED@3", ActionKind.UNDO, 3, S),
    ("FOLLOW@2", "CEDED@3", ActionKind.FINISH_OTHER, 3, None),
    ("CLAIMED@3", "CEDED@3", ActionKind.FINISH_OTHER, 3, None),
    ("OPEN@3", "CEDED@3", ActionKind.FINISH_OTHER, 3, S),
    # one side does not answer
    ("-", "CLAIMED@2", ActionKind.GO_ON, 2, None),
    ("-", "OPEN@2", ActionKind.GO_ON, 2, T),
    ("-", "OPEN@1", ActionKind.DONE, 1, T),
    ("-", "FOLLOW@1", ActionKind.UNKNOWN, 0, None),
    ("-", "CEDED@3", ActionKind.UNKNOWN, 0, None),
    ("-", "FENCED@2", ActionKind.UNKNOWN, 0, None),
    ("OPEN@1", "-", ActionKind.UNKNOWN, 1, S),
    ("FENCED@1", "-", ActionKind.UNDO, 1, S),
    ("CEDED@2", "-", ActionKind.UNKNOWN, 0, None),
    ("FOLLOW@2", "-", ActionKind.UNKNOWN, 0, None),
    ("-", "-", ActionKind.UNKNOWN, 0, None),
    # a person
    ("OPEN@1", "OPEN@1", ActionKind.LOOK_AGAIN, 0, None),
    ("OPEN@1", "OPEN@2", ActionKind.LOOK_AGAIN, 0, None),
    ("FOLLOW@1", "FOLLOW@1", ActionKind.LOOK_AGAIN, 0, None),
    ("OPEN@3", "FOLLOW@1", ActionKind.LOOK_AGAIN, 0, None),
    ("CEDED@4", "FOLLOW@1", ActionKind.LOOK_AGAIN, 0, None),
    ("OPEN@1", "CLAIMED@2", ActionKind.LOOK_AGAIN, 0, None),
]


def row(side: Side, text: str) -> ControlRow | None:
    if text == "-":
        return None
    state, epoch = text.split("@")
    return ControlRow(side, ControlState(state), int(epoch))


@pytest.mark.parametrize(("f", "t", "do", "epoch", "owner"), TABLE)
def test_each_picture_has_its_action(f: str, t: str, do: ActionKind, epoch: int, owner: Side | None) -> None:
    action = next_action(row(S, f), row(T, t), to=T)
    assert (action.do, action.epoch, action.owner) == (do, epoch, owner), action.why


@pytest.mark.parametrize(("f", "t", "do", "epoch", "owner"), TABLE)
def test_the_table_is_the_same_the_other_way_round(
    f: str, t: str, do: ActionKind, epoch: int, owner: Side | None
) -> None:
    action = next_action(row(T, f), row(S, t), to=S)
    assert (action.do, action.epoch, action.owner) == (do, epoch, owner and owner.other), action.why


STATES = tuple(ControlState)
GAPS = (-2, -1, 0, 1, 2)
FITTING = {
    (f.split("@")[0], t.split("@")[0], int(f.split("@")[1]) - int(t.split("@")[1])): (do, owner)
    for f, t, do, _, owner in TABLE
    if "-" not in (f, t) and do is not ActionKind.LOOK_AGAIN
}
"""The twelve pictures that fit: states of f and t, and how far f is ahead in epochs."""
ALL = list(itertools.product(STATES, STATES, GAPS))


@pytest.mark.parametrize("to", Side)
@pytest.mark.parametrize(("f", "t", "gap"), ALL, ids=lambda v: str(v))
def test_every_pair_of_states_and_gap_of_epochs_is_decided(
    f: ControlState, t: ControlState, gap: int, to: Side
) -> None:
    """What is in no row of the table is looked at again, and then a person decides."""
    action = next_action(ControlRow(to.other, f, 5 + gap), ControlRow(to, t, 5), to=to)
    do, owner = FITTING.get((str(f), str(t), gap), (ActionKind.LOOK_AGAIN, None))
    side = owner and (owner if to is T else owner.other)
    assert (action.do, action.owner) == (do, side), action.why
    if do is ActionKind.START:
        assert action.epoch == 5
    elif do is ActionKind.LOOK_AGAIN:
        assert action.epoch == 0
    else:
        assert action.epoch == max(5, 5 + gap)


@pytest.mark.parametrize("to", Side)
@pytest.mark.parametrize("epoch", [1, 2, 5])
@pytest.mark.parametrize("state", STATES)
def test_every_state_beside_a_silent_database_is_decided(state: ControlState, epoch: int, to: Side) -> None:
    old, new = ControlRow(to.other, state, epoch), ControlRow(to, state, epoch)
    silent_t = {
        ControlState.FENCED: (ActionKind.UNDO, to.other),
        ControlState.OPEN: (ActionKind.UNKNOWN, to.other),
    }
    never_gave = epoch == 1
    silent_f = {
        ControlState.CLAIMED: (ActionKind.GO_ON, None),
        ControlState.OPEN: (ActionKind.DONE if never_gave else ActionKind.GO_ON, to),
    }
    for action, wanted in (
        (next_action(old, None, to=to), silent_t.get(state, (ActionKind.UNKNOWN, None))),
        (next_action(None, new, to=to), silent_f.get(state, (ActionKind.UNKNOWN, None))),
    ):
        assert (action.do, action.owner) == wanted, action.why


def test_who_owns_the_writes_stands_in_the_reason() -> None:
    action = next_action(row(S, "FENCED@1"), None, to=T)
    assert "lifted" in action.why
    assert "whether it has ceded is not known" in next_action(None, row(T, "FOLLOW@1"), to=T).why
