"""The owner and the link in use, read from the control rows of both databases."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from livemove.control.adapters.control_row import Control, kept_version
from livemove.control.current_link import current_link
from livemove.control.rows import ControlRows
from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ledger import Outputs
from livemove.model.ports import ControlRow, ControlState, Link
from livemove.model.spec import Side
from livemove.runtime.parallel import in_parallel

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
SHORT = {"timeout": 5, "read_timeout": 10}
"""Limits in seconds where a frozen database must not keep a rollback or a question waiting."""


def read_rows(world: ServiceContext) -> dict[Side, ControlRow]:
    return {side: read_row_of(world, side) for side in Side}


def read_row_of(world: ServiceContext, side: Side, **limits: Any) -> ControlRow:
    with world.database(side, **limits) as database:
        control = Control(database)
        try:
            return control.read()
        finally:
            control.close_connection()


def readable_rows(world: ServiceContext) -> ControlRows:
    """Both rows, without what cannot be read now; for callers that only show them, so it never raises."""
    rows = in_parallel(Side, lambda side: _readable_row(world, side))
    return ControlRows(**{str(side): row for side, row in zip(Side, rows, strict=True) if row})


def _readable_row(world: ServiceContext, side: Side) -> ControlRow | None:
    try:
        return read_row_of(world, side, **SHORT) if _prepared(world, side) else None
    except Exception as e:
        why = e.found if isinstance(e, LivemoveError) else f"{type(e).__name__}: {e}"
        log.warning("the control row of the %s could not be read: %s", side, why)
        return None


def link_in_use(world: ServiceContext) -> Link:
    """RefusedError while a switchover is under way."""
    rows = read_rows(world)
    return current_link(world.spec.service, rows[Side.SOURCE], rows[Side.TARGET])


def owner(world: ServiceContext) -> Side:
    """The owner; the source while there is no control row. RefusedError between commit and open.

    Rows that do not fit are read once more: a switchover may have gone on between the two reads.
    """
    found, silent = _rows_of_both(world)
    if found and not ControlRows(**found).reading.owner:
        found, silent = _rows_of_both(world)
    if not found:
        return Side.SOURCE
    if owns := ControlRows(**found).reading.owner:
        return owns
    raise RefusedError(
        f"Neither database is the owner: {', '.join([*map(str, found.values()), *silent.values()])}",
        wanted="one database that is OPEN",
        next_step="clear the switchover: it continues where it stopped; then this task",
    )


def _rows_of_both(world: ServiceContext) -> tuple[dict[str, ControlRow], dict[Side, str]]:
    """The rows that answer, and why the others do not."""
    silent: dict[Side, str] = {}
    found: dict[str, ControlRow] = {}
    for side in Side:
        try:
            found[str(side)] = read_row_of(world, side)
        except LivemoveError as e:
            silent[side] = e.found
    return found, silent


def never_left(world: ServiceContext) -> str | None:
    """Why the source must still be the owner: no switchover starts before both databases have a control row.

    None when the rows have to decide. For a rollback before the target exists or is prepared.
    """
    if _prepared(world, Side.TARGET):
        return None
    if not _prepared(world, Side.SOURCE):
        return "neither database has a control row yet; the writes never left the source"
    row = read_row_of(world, Side.SOURCE)
    first = row.state is ControlState.OPEN and row.epoch == 1
    return "the target was not prepared yet; the writes never left the source" if first else None


def _prepared(world: ServiceContext, side: Side) -> bool:
    """Whether that database has a control row. UnreachableError when it exists and does not answer."""
    if side is Side.TARGET and not target_exists(world):
        return False
    with world.database(side, **SHORT) as database:
        return kept_version(database) is not None


def target_exists(world: ServiceContext) -> bool:
    """Whether the target exists: Terraform has outputs, or its Airflow connection names a host."""
    return bool(world.secret(world.spec.target.connection).host) or world.ledger.load(Outputs) is not None
