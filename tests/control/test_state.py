"""The owner by the rows alone."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.control.adapters import state as standing
from livemove.model.errors import RefusedError, SetupError, UnreachableError
from livemove.model.ports import ControlRow, ControlState
from livemove.model.spec import Side
from tests.raising import raises

S, T = Side.SOURCE, Side.TARGET
SILENT, EMPTY = (
    UnreachableError("The database does not answer"),
    SetupError("The database has no control row"),
)


@pytest.mark.parametrize(
    ("source", "target", "owner"),
    [
        (EMPTY, EMPTY, S),
        (EMPTY, SILENT, S),
        ("OPEN", "FOLLOW", S),
        ("FENCED", "FOLLOW", S),
        ("FOLLOW", "OPEN", T),
        ("CEDED", "OPEN", T),
        (SILENT, "OPEN", T),
        ("CEDED", "CLAIMED", None),
        (SILENT, "FOLLOW", None),
    ],
    ids=str,
)
def test_the_owner_is_who_is_open(
    source: Any, target: Any, owner: Side | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(world: object, side: Side) -> ControlRow:
        found = source if side is S else target
        if isinstance(found, Exception):
            raise found
        return ControlRow(side, ControlState(found), 2)

    monkeypatch.setattr(standing, "read_row_of", read)
    if owner is None:
        with raises(RefusedError, wanted="one database that is OPEN"):
            standing.owner(object())  # type: ignore[arg-type]
    else:
        assert standing.owner(object()) is owner  # type: ignore[arg-type]
