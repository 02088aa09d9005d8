"""The decision table, row by row, and all the pictures that are in no row."""

from __future__ import annotations

import itertools

import pytest

from livemove.core.decisions import Do, decide
from livemove.ports import ControlRow, ControlState
from livemove.spec import Side

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


def test_no_other_picture_is_acted_upon() -> None:
    acting = {(f, t) for f, t, do, *_ in TABLE if do not in (Do.LOOK_AGAIN, Do.UNKNOWN) and "-" not in (f, t)}
    pictures = [f"{s}@{e}" for s, e in itertools.product(ControlState, (1, 2, 3))]
    for f, t in itertools.product(pictures, pictures):
        shift = min(int(x.split("@")[1]) for x in (f, t))
        known = any(
            decide(row(S, a), row(T, b), to=T).do is decide(row(S, f), row(T, t), to=T).do
            and (a.split("@")[0], b.split("@")[0]) == (f.split("@")[0], t.split("@")[0])
            and int(a.split("@")[1]) - int(b.split("@")[1]) == int(f.split("@")[1]) - int(t.split("@")[1])
            for a, b in acting
        )
        do = decide(row(S, f), row(T, t), to=T).do
        assert known or do is Do.LOOK_AGAIN, (f, t, do, shift)


def test_who_owns_the_writes_stands_in_the_reason() -> None:
    action = decide(row(S, "FENCED@1"), None, to=T)
    assert "lifted" in action.why
    assert "whether it has ceded is not known" in decide(None, row(T, "FOLLOW@1"), to=T).why
