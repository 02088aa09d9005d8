"""Who owns the writes now, and which link is in use: read from the control rows of both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.control.adapters.control_row import Control, kept_version
from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ledger import Outputs
from livemove.model.ports import ControlRow, ControlState, Link
from livemove.model.spec import Side
from livemove.replication.dms_rules import current_link

if TYPE_CHECKING:
    from livemove.runtime.service_context import World


def read_rows(world: World) -> dict[Side, ControlRow]:
    return {side: read_row_of(world, side) for side in Side}


def read_row_of(world: World, side: Side) -> ControlRow:
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
            rows.append(read_row_of(world, side))
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


def never_left(world: World) -> str | None:
    """Why the writes cannot have left the source: no move begins before both databases have a row. None: the rows tell.

    For a rollback in the chapters before there is a target, or before it was prepared.
    """
    if _prepared(world, Side.TARGET):
        return None
    if not _prepared(world, Side.SOURCE):
        return "neither database has a control row yet; the writes never left the source"
    row = read_row_of(world, Side.SOURCE)
    first = row.state is ControlState.OPEN and row.epoch == 1
    return "the target was not prepared yet; the writes never left the source" if first else None


def _prepared(world: World, side: Side) -> bool:
    """Whether there is a control row; False as well before Terraform made that database. UnreachableError when it is silent."""
    if side is Side.TARGET and not made(world):
        return False
    with world.database(side) as database:
        return kept_version(database) is not None


def made(world: World) -> bool:
    """Whether there is a target at all: Terraform's outputs, or the place that a person gave in its connection."""
    return bool(world.secret(world.spec.target.connection).host) or world.ledger.load(Outputs) is not None
