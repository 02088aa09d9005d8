"""The public record in four tasks: lower its TTL, change it, put it back, restore its TTL.

The ledger keeps the record as it was before livemove touched it (`dns/before`, written once), since when the
short TTL holds (`dns/ttl`), and the last change (`dns/change`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from livemove.adapters.public_record import (
    commit,
    intended_change,
    live_record,
    original,
    point_at_target,
    put_back,
    target_addresses,
)
from livemove.core import record
from livemove.core.record import Change
from livemove.errors import DnsError, WorldMovedError
from livemove.operators.base import LivemoveOperator
from livemove.ports import Json, RecordSet

if TYPE_CHECKING:
    from livemove.adapters.world import World

IN_SYNC_WITHIN = 180
"""Seconds; Route 53 says usually 60."""


class LowerTtlOperator(LivemoveOperator):
    """Keeps the record as it is, then gives it the short TTL of the move; ends when Route 53 has it everywhere."""

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        live = live_record(world)
        before = self._keep_original(world, live)
        low = replace(live, ttl=min(live.ttl, world.spec.dns.ttl))
        kept = world.ledger.read("dns/ttl")
        if live.ttl == low.ttl and kept and kept["ttl"] == live.ttl:
            self.log.info("%s has had TTL %d since %s", live.name, live.ttl, kept["at"])
            return kept
        if live.ttl != low.ttl:
            self._wait(world, world.zone.change(live, low))
        was = live.ttl if live.ttl != low.ttl else before.ttl
        kept = {"was": was, "ttl": low.ttl, "at": world.clock.now().isoformat()}
        world.ledger.write("dns/ttl", kept)
        world.ledger.note("ttl_lowered", **kept)
        self.log.info("TTL of %s: %d s, was %d s; caches know it after %d s", live.name, low.ttl, was, was)
        return kept

    def _keep_original(self, world: World, live: RecordSet) -> RecordSet:
        if world.ledger.read("dns/before") is None:
            if set(live.values) == set(target_addresses(world)):
                raise WorldMovedError(
                    f"{live.name} already points at the cloud, and the ledger does not know what it was before",
                    wanted="the record as the data centre's users follow it",
                    next_step="set the record back by hand, then clear this task",
                )
            world.ledger.write("dns/before", record.as_document(live))
        return original(world)

    def _wait(self, world: World, change_id: str) -> None:
        for _ in range(IN_SYNC_WITHIN):
            if world.zone.in_sync(change_id):
                return
            world.clock.sleep(1)
        raise DnsError(
            f"Route 53 change {change_id} is not INSYNC after {IN_SYNC_WITHIN} s", next_step="clear this task"
        )


class ChangeRecordOperator(LivemoveOperator):
    """Points the name at the cloud servers: exactly what was approved, or not at all."""

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        change = intended_change(world)
        if change.done:
            self.log.info(
                "%s answers %s already; nothing to do", change.after.name, ", ".join(change.after.values)
            )
            return change.document
        refused = record.refusal(
            change, world.ledger.read("approvals/switch_dns"), world.spec.window, world.clock.now()
        )
        if refused:
            raise refused
        change_id = commit(world, change, "record_changed")
        self.log.info("%s -> %s (change %s)", change.after.name, ", ".join(change.after.values), change_id)
        return change.document


class RollbackRecordOperator(LivemoveOperator):
    """Puts the addresses back that the name had before the move; the TTL stays short, so that one can move again."""

    def execute(self, context: Any) -> Json:
        document, says = put_back(self.world(context))
        self.log.info("%s", says)
        return document


class EmergencyRecordOperator(LivemoveOperator):
    """Points the name at the cloud servers without an approval: behind the emergency's own question."""

    def execute(self, context: Any) -> Json:
        document, says = point_at_target(self.world(context))
        self.log.info("%s", says)
        return document


class RestoreTtlOperator(LivemoveOperator):
    """Gives the record the TTL back that it had before the move; the addresses stay."""

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        live = live_record(world)
        if world.ledger.read("dns/before") is None and live.ttl != world.spec.dns.ttl:
            self.log.info("The record was never touched; nothing to restore")
            return {}
        before = original(world)
        change = Change(live, replace(live, ttl=before.ttl))
        if change.done:
            self.log.info("TTL of %s is %d s already", live.name, live.ttl)
        else:
            commit(world, change, "ttl_restored", document_name="dns/restored")
            self.log.info("TTL of %s: %d s again, was %d s", live.name, before.ttl, live.ttl)
        return change.document
