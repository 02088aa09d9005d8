"""Reads what a history is made of: its documents, all events, and both control rows as far as they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.history.history import READS, History

if TYPE_CHECKING:
    from livemove.runtime.service_context import World


def read_history(world: World) -> History:
    """As it stands now."""
    from livemove.control.adapters.state import readable_rows

    names = [name for prefix in READS for name in world.ledger.documents(prefix)]
    documents = {name: found for name in names if (found := world.ledger.read(name)) is not None}
    return History(documents, world.ledger.events(), readable_rows(world))
