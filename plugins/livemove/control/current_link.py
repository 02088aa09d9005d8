"""Which direction of replication is in use, by both control rows. No I/O."""

from __future__ import annotations

from livemove.model.errors import RefusedError
from livemove.model.ports import ControlRow, ControlState, Link


def current_link(service: str, source: ControlRow, target: ControlRow) -> Link:
    """The link in use: it reads from the owner. RefusedError while a switchover is under way."""
    for owner, follower in ((source, target), (target, source)):
        if (
            owner.state is ControlState.OPEN
            and follower.state is ControlState.FOLLOW
            and owner.epoch == follower.epoch
        ):
            return Link(service, owner.epoch, owner.side)
    raise RefusedError(
        f"The databases are at {source} and {target}: a switchover is under way or was interrupted",
        wanted="one OPEN and one FOLLOW of the same epoch",
        next_step="let that switchover's task finish, or clear it; then clear this one",
    )
