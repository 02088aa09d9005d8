"""A look at the return path in use, over all ports of a service: for the soak and for the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.adapters.moving import parts_of
from livemove.core import return_path, way_back
from livemove.errors import RefusedError
from livemove.ports import Json, Link

if TYPE_CHECKING:
    from livemove.adapters.world import World


def look(world: World) -> Json:
    """The ledger's document `way_back`, written now. RefusedError while no database follows the other."""
    with parts_of(world) as parts:
        now = return_path.standing(parts)
        if now is None or not now.owner.position:
            raise RefusedError(
                "no database is open with the other one following it since a move",
                wanted="OPEN@e on one side, FOLLOW@e on the other",
                next_step="clear repoint.return_path",
            )
        link = Link(world.spec.service, now.epoch, now.owner.side)
        return way_back.look(parts, link, now.owner.position, world.spec.replication.max_lag)
