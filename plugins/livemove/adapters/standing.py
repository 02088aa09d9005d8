"""Which link is in use now: read from the control rows of both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.adapters.control import Control
from livemove.core.replication import current_link
from livemove.ports import ControlRow, Link
from livemove.spec import Side

if TYPE_CHECKING:
    from livemove.adapters.world import World


def read_rows(world: World) -> dict[Side, ControlRow]:
    rows = {}
    for side in Side:
        with world.database(side) as database:
            control = Control(database)
            try:
                rows[side] = control.read()
            finally:
                control.close_connection()
    return rows


def link_in_use(world: World) -> Link:
    """RefusedError while a switchover is under way."""
    rows = read_rows(world)
    return current_link(world.spec.service, rows[Side.SOURCE], rows[Side.TARGET])
