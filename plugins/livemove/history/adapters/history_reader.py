"""Reads what a history is made of: its documents, all events, and both control rows as far as they answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livemove.history.completed_switchovers import completed
from livemove.history.history import READS, History
from livemove.model.ledger import SwitchoverRecord

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)


def read_history(world: ServiceContext) -> History:
    """As it is now. What cannot be read is left out, and named in the log."""
    from livemove.control.adapters.state import readable_rows

    contents = world.ledger.snapshot(*READS)
    for one in contents.unreadable:
        log.warning("left out of the ledger: %s", one)
    return History(contents, readable_rows(world))


def read_completed_switchovers(world: ServiceContext) -> list[SwitchoverRecord]:
    """The switchovers that went through, oldest first; the databases are not asked."""
    return completed(world.ledger.load_all(SwitchoverRecord))
