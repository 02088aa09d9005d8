"""The public record's tasks: lower its TTL, change it, put it back, restore its TTL.

The ledger keeps the record as it was before livemove touched it (`dns/before`, written once), since when the
short TTL holds (`dns/ttl`), and the last change (`dns/change`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livemove.dns import record
from livemove.dns.adapters.public_record import (
    commit,
    intended_change,
    keep_original,
    live_record,
    new_addresses,
    original,
    point_at_target,
    put_back,
    share_now,
    survey,
    target_addresses,
)
from livemove.dns.adapters.zone_link import ZoneLink
from livemove.dns.adapters.zones import zone_of
from livemove.dns.record import Change, Records
from livemove.model.errors import DnsError, StaleApprovalError
from livemove.model.ledger import (
    Approval,
    OriginalRecord,
    RecordChanged,
    RestoredTtl,
    ShortTtl,
    TtlLowered,
    TtlRestored,
)
from livemove.model.ports import Json
from livemove.runtime.deadlines import Deadline, poll_until
from livemove.runtime.operator import LivemoveOperator

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

IN_SYNC_WITHIN = 180
"""Seconds; Route 53 says usually 60."""


class LowerTtlOperator(LivemoveOperator):
    """Keeps the record as it is, then gives it the short TTL of the move; ends when every authority has it.

    Where a person makes the change it ends at once, and the wait for the old TTL begins when the authorities
    have it.
    """

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        live = live_record(world)
        before = self._keep_original(world, live)
        low = record.with_ttl(live, min(record.ttl(live), world.spec.dns.ttl))
        kept = world.ledger.load(ShortTtl)
        is_low = record.same(live, low)
        if is_low and kept and kept.ttl == record.ttl(live):
            self.log.info("%s has had TTL %d since %s", live[0].name, record.ttl(live), kept.at)
            return kept.stored()
        change_id = "" if is_low else zone_of(world).change(live, low)
        by_hand = bool(change_id) and zone_of(world).by_hand
        if change_id and not by_hand:
            self._wait(world, change_id)
        was = record.ttl(before if is_low else live)
        at = None if by_hand else world.clock.now().isoformat()
        kept = ShortTtl(was=was, ttl=record.ttl(low), at=at, change_id=change_id)
        world.ledger.save(kept)
        world.ledger.note(TtlLowered(was=was, ttl=kept.ttl, at=at, change_id=change_id))
        if by_hand:
            self.log.warning("Somebody has to enter this at %s: %s", zone_of(world).provider, change_id)
        self.log.info("TTL of %s: %d s, was %d s; caches know it after %d s", low[0].name, kept.ttl, was, was)
        return kept.stored()

    def _keep_original(self, world: ServiceContext, live: Records) -> Records:
        known = world.ledger.load(OriginalRecord) is not None
        if not known and set(record.addresses(live)) & set(target_addresses(world)):
            raise StaleApprovalError(
                f"{live[0].name} already points at the cloud, and the ledger does not know what it was"
                " before",
                wanted="the record as the data centre's users follow it",
                next_step="set the record back by hand, then clear this task",
            )
        return keep_original(world, live)

    def _wait(self, world: ServiceContext, change_id: str) -> None:
        zone, deadline = zone_of(world), Deadline(world.clock, IN_SYNC_WITHIN)
        if not poll_until(lambda: zone.in_sync(change_id), deadline, every=1):
            raise DnsError(
                f"{zone.provider}: the change {change_id} is not at every authority after {IN_SYNC_WITHIN} s",
                next_step="clear this task",
            )


class ChangeRecordOperator(LivemoveOperator):
    """Points the name at the cloud servers, or takes its first step: just what was approved, or nothing."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        change = intended_change(world)
        standing = share_now(world) if world.ledger.load(OriginalRecord) else None
        if standing:
            self.log.info("%s answers with the cloud in %d %% already; nothing to do", change.name, standing)
            return change.document
        verdict = survey(world)
        for note in verdict.notes:
            self.log.info("%s", note)
        refused = record.refusal(
            change,
            world.ledger.load(Approval, gate="switch_dns"),
            world.spec.window,
            world.clock.now(),
            verdict.against,
        )
        if refused:
            raise refused
        first = change.steps[0]
        seconds = record.ttl(change.after)
        after = record.at_share(first, original(world), new_addresses(world), seconds)
        change_id = commit(world, Change(change.before, after, change.steps), RecordChanged)
        if zone_of(world).by_hand:
            self.log.warning("Somebody has to enter this at %s: %s", zone_of(world).provider, change_id)
        self.log.info("%s -> %s (change %s)", change.name, record.text(after), change_id)
        return change.document


class RollbackRecordOperator(LivemoveOperator):
    """Restores the record from before the move; the TTL stays short, so that another move can follow."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    def execute(self, context: Any) -> Json:
        document, message = put_back(self.world(context))
        self.log.info("%s", message)
        return document


class EmergencyRecordOperator(LivemoveOperator):
    """Points the name at the cloud servers without an approval: behind the emergency's own question."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    def execute(self, context: Any) -> Json:
        document, message = point_at_target(self.world(context))
        self.log.info("%s", message)
        return document


class RestoreTtlOperator(LivemoveOperator):
    """Gives the record the TTL back that it had before the move; the addresses stay."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        live = live_record(world)
        if world.ledger.load(OriginalRecord) is None and record.ttl(live) != world.spec.dns.ttl:
            self.log.info("The record was never touched; nothing to restore")
            return {}
        before = original(world)
        change = Change(live, record.with_ttl(live, record.ttl(before)))
        if change.done:
            self.log.info("TTL of %s is %d s already", change.name, record.ttl(live))
        else:
            commit(world, change, TtlRestored, kind=RestoredTtl)
            self.log.info(
                "TTL of %s: %d s again, was %d s", change.name, record.ttl(before), record.ttl(live)
            )
        return change.document
