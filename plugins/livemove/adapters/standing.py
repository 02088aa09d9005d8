"""Who owns the writes now, and which link is in use: read from the control rows of both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.adapters.control import Control
from livemove.core.replication import current_link
from livemove.errors import LivemoveError, RefusedError
from livemove.ports import ControlRow, ControlState, Link
from livemove.spec import Side

if TYPE_CHECKING:
    from livemove.adapters.world import World


def read_rows(world: World) -> dict[Side, ControlRow]:
    return {side: _read(world, side) for side in Side}


def _read(world: World, side: Side) -> ControlRow:
    with world.database(side) as database:
        control = Control(database)
        try:
            return control.read()
        finally:
            control.close_connection()


def link_in_use(world: World) -> Link:
    """RefusedError while a switchover is under way."""
    rows = read_rows(world)
    return current_link(world.spec.service, rows[Side.SOURCE], rows[Side.TARGET])


def owner(world: World) -> Side:
    """The side that owns the writes; the source before there is any row. RefusedError between commit and open."""
    silent: dict[Side, str] = {}
    rows = []
    for side in Side:
        try:
            rows.append(_read(world, side))
        except LivemoveError as e:
            silent[side] = e.found
    for row in rows:
        if row.state in (ControlState.OPEN, ControlState.FENCED):
            return row.side
    if not rows:
        return Side.SOURCE
    raise RefusedError(
        f"Nobody owns the writes: {', '.join(map(str, rows))} {', '.join(silent.values())}".rstrip(),
        wanted="one database that is OPEN",
        next_step="clear the switchover: it goes on where it stands; then this task",
    )
