"""Reads what a history is made of: its documents, all events, and both control rows as far as they answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from livemove.history.completed_switchovers import completed
from livemove.history.history import READS, History
from livemove.model.ports import Json
from livemove.runtime.parallel import in_parallel

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

log = logging.getLogger(__name__)


def read_history(world: World) -> History:
    """As it stands now."""
    from livemove.control.adapters.state import readable_rows

    return History(_documents(world, READS), world.ledger.events(), readable_rows(world))


def read_completed_switchovers(world: World) -> list[Json]:
    """Documents of the switchovers that went through, oldest first; the databases are not asked."""
    return completed(_documents(world, ("switchover/",)).values())


def _documents(world: World, prefixes: Sequence[str]) -> dict[str, Json]:
    """Read in parallel, because there may be thousands. One that is no JSON is named and left out."""
    names = [name for prefix in prefixes for name in world.ledger.documents(prefix)]
    read = in_parallel(names, lambda name: _read(world, name))
    return {name: found for name, found in zip(names, read, strict=True) if found is not None}


def _read(world: World, name: str) -> Json | None:
    try:
        return world.ledger.read(name)
    except ValueError as e:
        log.warning("the ledger's document %s is left out: %s", name, e)
        return None
