"""The public record as one service has it: what it is, what the move makes of it, and the rollback.

The ledger keeps the record as it was before livemove touched it (`dns/before`, written once) and the last
change (`dns/change`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from livemove.dns import record
from livemove.dns.adapters.zones import zone_of
from livemove.dns.record import Change, Records
from livemove.dns.zone_checks import ZoneFindings, judge
from livemove.model.errors import DnsError, StaleApprovalError
from livemove.model.ledger import Event, OriginalRecord, RecordChange, RecordChanged, RecordRolledBack
from livemove.model.ports import Json

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def live_record(world: ServiceContext) -> Records:
    return record.address_records(zone_of(world).records(world.spec.dns.name), world.spec.dns)


def target_addresses(world: ServiceContext) -> tuple[str, ...]:
    return new_addresses(world)["A"]


def new_addresses(world: ServiceContext) -> Mapping[str, tuple[str, ...]]:
    """Type -> addresses of the cloud's web servers."""
    servers = world.outputs.web_servers
    return {
        "A": tuple(s.public_ip for s in servers),
        "AAAA": tuple(s.ipv6 for s in servers if s.ipv6),
    }


def intended_change(world: ServiceContext) -> Change:
    """The change of the story over what is there now."""
    before = world.ledger.load(OriginalRecord)
    base = _records(before) if before else None
    return record.to_target(live_record(world), new_addresses(world), base, world.spec.dns)


def survey(world: ServiceContext) -> ZoneFindings:
    """Ask every name server of the zone, and its parent, what speaks against moving the name now."""
    from livemove.dns.adapters.zone_reader import look

    return judge(look(world, live_record(world)))


def share_now(world: ServiceContext) -> int | None:
    """Percent of the answers that give the cloud; None when a stranger's record is there."""
    return record.share(live_record(world), original(world), new_addresses(world))


def original(world: ServiceContext) -> Records:
    """The record before livemove touched it."""
    document = world.ledger.load(OriginalRecord)
    if document is None:
        raise DnsError(
            "The ledger does not know the record before the move", next_step="clear replicate.lower_ttl"
        )
    return _records(document)


def _records(document: OriginalRecord) -> Records:
    return record.from_document(r.model_dump() for r in document.records)


def keep_original(world: ServiceContext, live: Records) -> Records:
    """The record before livemove touched it; writes it down when this is the first time."""
    if world.ledger.load(OriginalRecord) is None:
        world.ledger.save(OriginalRecord.model_validate({"records": record.as_document(live)}))
    return original(world)


def commit(
    world: ServiceContext, change: Change, event: type[Event], *, kind: type[RecordChange] = RecordChange
) -> str:
    """Change the record and keep what was done; returns the change's id."""
    change_id = zone_of(world).change(change.before, change.after)
    document = {**change.document, "change_id": change_id, "at": world.clock.now().isoformat()}
    world.ledger.save(kind.model_validate(document))
    world.ledger.note(event.model_validate(document))
    return change_id


def point_at_target(world: ServiceContext) -> tuple[Json, str]:
    """Point the name at the cloud servers without an approval: for an emergency, when the old are dead."""
    change = intended_change(world)
    to = ", ".join(record.addresses(change.after))
    keep_original(world, change.before)
    if change.done:
        return change.document, f"{change.name} answers {to} already"
    change_id = commit(world, change, RecordChanged)
    return (
        change.document,
        f"{change.name} -> {to} (change {change_id}), caches follow within {record.ttl(change.before)} s",
    )


def put_back(world: ServiceContext, event: type[Event] = RecordRolledBack) -> tuple[Json, str]:
    """Give the name the record that it had before the move: what was changed, and a sentence about it."""
    if world.ledger.load(OriginalRecord) is None:
        return {}, "The record was never touched; nothing to undo"
    change = record.to_source(live_record(world), original(world), world.spec.dns)
    to = ", ".join(record.addresses(change.after))
    if record.same(change.before, record.with_ttl(change.after, record.ttl(change.before))):
        return change.document, f"{change.name} answers {to}, as before the move; nothing to undo"
    _refuse_a_stranger(world, change)
    change_id = commit(world, change, event)
    return change.document, f"{change.name} -> {to} again (change {change_id})"


def _refuse_a_stranger(world: ServiceContext, change: Change) -> None:
    if share_now(world) is None:
        raise StaleApprovalError(
            f"{change.name} is {record.text(change.before)}, which livemove did not set",
            wanted=f"{', '.join(target_addresses(world))}, as this migration left it",
            next_step=(
                f"find out who changed it; to undo by hand, set {record.text(change.after)}; then clear this"
                " task"
            ),
        )
