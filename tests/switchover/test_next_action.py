"""The decision table, row by row, and all the pictures that are in no row."""

from __future__ import annotations

import itertools

import pytest

from livemove.model.ports import ControlRow, ControlState
from livemove.model.spec import Side
from livemove.switchover.next_action import Do, decide

S, T = Side.SOURCE, Side.TARGET

TABLE = [
    ("OPEN@1", "FOLLOW@1", Do.START, 1, S),
    ("FENCED@1", "FOLLOW@1", Do.UNDO, 1, S),
    ("CEDED@2", "FOLLOW@1", Do.GO_ON, 2, None),
    ("CEDED@2", "CLAIMED@2", Do.GO_ON, 2, None),
    ("CEDED@2", "OPEN@2", Do.GO_ON, 2, T),
    ("FOLLOW@2", "OPEN@2", Do.DONE, 2, T),
    ("CEDED@2", "FENCED@2", Do.UNDO_OTHER, 2, T),
    ("FOLLOW@2", "FENCED@2", Do.UNDO_OTHER, 2, T),
    ("FENCED@3", "CEDED@3", Do.UNDO, 3, S),
    ("FOLLOW@2", "CEDED@3", Do.FINISH_OTHER, 3, None),
    ("CLAIMED@3", "CEDED@3", Do.FINISH_OTHER, 3, None),
    ("OPEN@3", "CEDED@3", Do.FINISH_OTHER, 3, S),
    # one side does not answer
    ("-", "CLAIMED@2", Do.GO_ON, 2, None),
    ("-", "OPEN@2", Do.GO_ON, 2, T),
    ("-", "OPEN@1", Do.DONE, 1, T),
    ("-", "FOLLOW@1", Do.UNKNOWN, 0, None),
    ("-", "CEDED@3", Do.UNKNOWN, 0, None),
    ("-", "FENCED@2", Do.UNKNOWN, 0, None),
    ("OPEN@1", "-", Do.UNKNOWN, 1, S),
    ("FENCED@1", "-", Do.UNDO, 1, S),
    ("CEDED@2", "-", Do.UNKNOWN, 0, None),
    ("FOLLOW@2", "-", Do.UNKNOWN, 0, None),
    ("-", "-", Do.UNKNOWN, 0, None),
    # a person
    ("OPEN@1", "OPEN@1", Do.LOOK_AGAIN, 0, None),
    ("OPEN@1", "OPEN@2", Do.LOOK_AGAIN, 0, None),
    ("FOLLOW@1", "FOLLOW@1", Do.LOOK_AGAIN, 0, None),
    ("OPEN@3", "FOLLOW@1", Do.LOOK_AGAIN, 0, None),
    ("CEDED@4", "FOLLOW@1", Do.LOOK_AGAIN, 0, None),
    ("OPEN@1", "CLAIMED@2", Do.LOOK_AGAIN, 0, None),
]


def row(side: Side, text: str) -> ControlRow | None:
    if text == "-":
        return None
    state, epoch = text.split("@")
    return ControlRow(side, ControlState(state), int(epoch))


@pytest.mark.parametrize(("f", "t", "do", "epoch", "owner"), TABLE)
def test_each_picture_has_its_action(f: str, t: str, do: Do, epoch: int, owner: Side | None) -> None:
    action = decide(row(S, f), row(T, t), to=T)
    assert (action.do, action.epoch, action.owner) == (do, epoch, owner), action.why


@pytest.mark.parametrize(("f", "t", "do", "epoch", "owner"), TABLE)
def test_the_table_is_the_same_the_other_way_round(
    f: str, t: str, do: Do, epoch: int, owner: Side | None
) -> None:
    action = decide(row(T, f), row(S, t), to=S)
    assert (action.do, action.epoch, action.owner) == (do, epoch, owner and owner.other), action.why


STATES = tuple(ControlState)
GAPS = (-2, -1, 0, 1, 2)
FITTING = {
    (f.split("@")[0], t.split("@")[0], int(f.split("@")[1]) - int(t.split("@")[1])): (do, owner)
    for f, t, do, _, owner in TABLE
    if "-" not in (f, t) and do is not Do.LOOK_AGAIN
}
"""The twelve pictures that fit: states of f and t, and how far f is ahead in epochs."""
ALL = list(itertools.product(STATES, STATES, GAPS))


@pytest.mark.parametrize("to", Side)
@pytest.mark.parametrize(("f", "t", "gap"), ALL, ids=lambda v: str(v))
def test_every_pair_of_states_and_gap_of_epochs_is_decided(
    f: ControlState, t: ControlState, gap: int, to: Side
) -> None:
    """What is in no row of the table is looked at again, and then a person decides."""
    action = decide(ControlRow(to.other, f, 5 + gap), ControlRow(to, t, 5), to=to)
    do, owner = FITTING.get((str(f), str(t), gap), (Do.LOOK_AGAIN, None))
    side = owner and (owner if to is T else owner.other)
    assert (action.do, action.owner) == (do, side), action.why
    if do is Do.START:
        assert action.epoch == 5
    elif do is Do.LOOK_AGAIN:
        assert action.epoch == 0
    else:
        assert action.epoch == max(5, 5 + gap)


@pytest.mark.parametrize("to", Side)
@pytest.mark.parametrize("epoch", [1, 2, 5])
@pytest.mark.parametrize("state", STATES)
def test_every_state_beside_a_silent_database_is_decided(state: ControlState, epoch: int, to: Side) -> None:
    old, new = ControlRow(to.other, state, epoch), ControlRow(to, state, epoch)
    silent_t = {ControlState.FENCED: (Do.UNDO, to.other), ControlState.OPEN: (Do.UNKNOWN, to.other)}
    never_gave = epoch == 1
    silent_f = {
        ControlState.CLAIMED: (Do.GO_ON, None),
        ControlState.OPEN: (Do.DONE if never_gave else Do.GO_ON, to),
    }
    for action, wanted in (
        (decide(old, None, to=to), silent_t.get(state, (Do.UNKNOWN, None))),
        (decide(None, new, to=to), silent_f.get(state, (Do.UNKNOWN, None))),
    ):
        assert (action.do, action.owner) == wanted, action.why


def test_who_owns_the_writes_stands_in_the_reason() -> None:
    action = decide(row(S, "FENCED@1"), None, to=T)
    assert "lifted" in action.why
    assert "whether it has ceded is not known" in decide(None, row(T, "FOLLOW@1"), to=T).why
