"""A look at reverse replication over all ports of a service, for the soak and the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ledger import WayBack
from livemove.model.ports import Link
from livemove.switchover import reverse_replication as return_path
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.adapters.wiring import build_dependencies
from livemove.switchover.soak import NOT_SEEN

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def look(world: ServiceContext) -> WayBack:
    """Looks now, and keeps what was seen. RefusedError while no database follows the other."""
    with build_dependencies(world) as parts:
        now = return_path.owner_and_follower(parts)
        if now is None or not now.owner.position:
            raise RefusedError(
                "no database is open with the other one following it since a move",
                wanted="OPEN@e on one side, FOLLOW@e on the other",
                next_step="clear switchover.return_path",
            )
        link = Link(world.spec.service, now.epoch, now.owner.side)
        return way_back.look(parts, link, now.owner.position, world.spec.replication.max_lag)


def way_back_now(world: ServiceContext) -> WayBack:
    """Reverse replication now, or as last seen where it cannot be read. For people only: guards decide."""
    try:
        return look(world)
    except Exception as e:
        # it decides nothing: a question must be asked whatever cannot be seen
        found = e.found if isinstance(e, LivemoveError) else repr(e)
        before = world.ledger.load(WayBack)
        seen = f"; last seen {before.checked_at}: {before.message}" if before else ""
        message = f"Reverse replication could not be read: {found}{seen}"
        return (before or WayBack(epoch=0, state=NOT_SEEN)).model_copy(
            update={"losses": [], "message": message}
        )
