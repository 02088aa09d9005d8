"""The public record as one service has it: what stands there, what the move makes of it, and the way back.

The ledger keeps the record as it was before livemove touched it (`dns/before`, written once) and the last
change (`dns/change`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.core import record
from livemove.core.record import Change
from livemove.errors import DnsError, WorldMovedError
from livemove.ports import Json, RecordSet

if TYPE_CHECKING:
    from livemove.adapters.world import World


def live_record(world: World) -> RecordSet:
    return record.address_record(world.zone.records(world.spec.dns.name), world.spec.dns)


def target_addresses(world: World) -> tuple[str, ...]:
    return tuple(s["public_ip"] for s in world.outputs["web_servers"])


def intended_change(world: World) -> Change:
    """The change of the story over what stands there now."""
    return record.to_target(live_record(world), target_addresses(world), world.spec.dns)


def original(world: World) -> RecordSet:
    """The record before livemove touched it."""
    document = world.ledger.read("dns/before")
    if document is None:
        raise DnsError(
            "The ledger does not know the record before the move", next_step="clear replicate.lower_ttl"
        )
    return record.from_document(document)


def commit(world: World, change: Change, event: str, *, document_name: str = "dns/change") -> str:
    """Change the record and keep what was done; returns the change's id."""
    change_id = world.zone.change(change.before, change.after)
    document = {**change.document, "change_id": change_id, "at": world.clock.now().isoformat()}
    world.ledger.write(document_name, document)
    world.ledger.note(event, **document)
    return change_id


def point_at_target(world: World) -> tuple[Json, str]:
    """Give the name the cloud servers' addresses now, whatever was approved: for an emergency, when the old ones are dead."""
    change = intended_change(world)
    addresses = ", ".join(change.after.values)
    if world.ledger.read("dns/before") is None:
        world.ledger.write("dns/before", record.as_document(change.before))
    if change.done:
        return change.document, f"{change.after.name} answers {addresses} already"
    change_id = commit(world, change, "record_changed")
    return (
        change.document,
        f"{change.after.name} -> {addresses} (change {change_id}), caches follow within {change.before.ttl} s",
    )


def put_back(world: World) -> tuple[Json, str]:
    """Give the name the addresses that it had before the move: what was changed, and a sentence about it."""
    if world.ledger.read("dns/before") is None:
        return {}, "The record was never touched; nothing to undo"
    change = record.to_source(live_record(world), original(world), world.spec.dns)
    addresses = ", ".join(change.after.values)
    if record.same_answer(change.before, change.after):
        return (
            change.document,
            f"{change.after.name} answers {addresses}, as before the move; nothing to undo",
        )
    _refuse_a_stranger(world, change)
    change_id = commit(world, change, "record_rolled_back")
    return change.document, f"{change.after.name} -> {addresses} again (change {change_id})"


def _refuse_a_stranger(world: World, change: Change) -> None:
    if set(change.before.values) != set(target_addresses(world)):
        raise WorldMovedError(
            f"{change.before.name} answers {', '.join(change.before.values)}, which livemove did not set",
            wanted=f"{', '.join(target_addresses(world))}, as this migration left it",
            next_step=f"find out who changed it; to undo by hand, set {', '.join(change.after.values)}; then clear this task",
        )
