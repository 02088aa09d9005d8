"""Waiting for the name: the old TTL, the zone's own servers, every cache we know."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from livemove.dns import propagation, record
from livemove.dns.adapters.breach import refuse_after_breach
from livemove.dns.adapters.public_record import live_record, original, target_addresses
from livemove.dns.adapters.zone_link import ZoneLink
from livemove.dns.adapters.zones import resolvers_of, zone_of
from livemove.dns.public_resolvers import caches, not_waited_for
from livemove.model.errors import DnsError, LivemoveError
from livemove.model.formatting import duration, utc
from livemove.model.ledger import NameServer, OriginalRecord, Propagated, Propagation, RecordChange, ShortTtl
from livemove.model.ports import Answer, Json
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.parallel import in_parallel
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import WatchingSensor

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def look_at_old_ttl(world: ServiceContext, state: Json) -> PollResult:
    """Waits one old TTL after every name server has the short one: then no honest cache keeps the old."""
    kept = world.ledger.load(ShortTtl)
    if kept is None:
        raise DnsError(
            "The ledger does not know when the TTL was lowered", next_step="clear replicate.lower_ttl"
        )
    at = kept.at
    if at is None:
        if not zone_of(world).in_sync(kept.change_id):
            message = (
                f"Somebody has to enter this at {zone_of(world).provider}: {kept.change_id}. The old TTL"
                " is waited for when every authority has it"
            )
            return PollResult(False, message, again_in=5)
        at = world.clock.now().isoformat()
        world.ledger.save(kept.model_copy(update={"at": at}))
    end = datetime.fromisoformat(at) + timedelta(seconds=kept.was)
    left = (end - world.clock.now()).total_seconds()
    if left <= 0:
        return PollResult(True, f"The old TTL of {kept.was} s is over since {utc(end)}")
    message = f"Caches may hold the old TTL of {kept.was} s until {utc(end)}; then the window is awaited"
    return PollResult(False, message, again_in=min(left, 60))


class OldTtlSensor(WatchingSensor):
    """Waits until every honest cache has learnt the short TTL."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    look = f"{__name__}.look_at_old_ttl"


def look_at_change(world: ServiceContext, state: Json) -> PollResult:
    change = world.ledger.load(RecordChange)
    if change is None:
        return PollResult(True, "The record was not changed; there is nothing to publish")
    provider = zone_of(world).provider
    if zone_of(world).in_sync(change.change_id):
        return PollResult(True, f"{provider}: all name servers have the change {change.change_id}")
    message = (
        f"{provider}: the change {change.change_id} is not at all name servers; usually 60 s; then caches"
        " are watched"
    )
    if zone_of(world).by_hand:
        message = (
            f"Somebody has to enter this at {provider}: {change.change_id}; it is awaited at every authority"
        )
    return PollResult(False, message, again_in=2)


class InSyncSensor(WatchingSensor):
    """Waits until all authorities have the change; says nothing about caches."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    look = f"{__name__}.look_at_change"

    def limit(self, world: ServiceContext) -> float:
        return world.spec.gates.timeout if zone_of(world).by_hand else 600


def look_at_propagation(world: ServiceContext, state: Json, *, expected: str) -> PollResult:
    """Ask every authority and every cache at once."""
    refuse_after_breach(world, expected)
    wanted = wanted_addresses(world, Side(expected))
    old_ttl = _old_ttl(world)
    authorities = state.get("authorities") or zone_of(world).authorities()
    rows = propagation.fold(
        propagation.from_rows(state.get("rows", ())),
        _ask_all(world, authorities),
        wanted=wanted,
        record_ttl=old_ttl,
        authorities=authorities,
        advisory=not_waited_for(world.spec.dns),
    )
    look = propagation.judge(rows, wanted=wanted, now=world.clock.now(), record_ttl=old_ttl)
    # written when a server says something else, or the last old answer ends at another time
    shown = [
        [r.server, bool(r.flipped_at), r.stretches, r.error, r.until and r.until[:18]] for r in rows.values()
    ]
    if shown != state.get("shown"):
        world.ledger.save(
            Propagation(
                expected=expected,
                wanted=list(wanted),
                rows=[NameServer.model_validate(r) for r in propagation.as_rows(rows)],
            )
        )
    return PollResult(
        look.done, look.message, {**look.state, "authorities": authorities, "shown": shown}, look.again_in
    )


def wanted_addresses(world: ServiceContext, expected: Side) -> tuple[str, ...]:
    if expected is Side.TARGET:
        return target_addresses(world)
    # a rollback before the record was ever touched: what is there is the original
    touched = world.ledger.load(OriginalRecord) is not None
    return record.addresses(original(world) if touched else live_record(world))


def _old_ttl(world: ServiceContext) -> int:
    """Seconds for which a cache may keep the answer that was given before the last change."""
    change = world.ledger.load(RecordChange)
    return max((r.ttl for r in change.before), default=0) if change else world.spec.dns.ttl


def _ask_all(world: ServiceContext, authorities: list[str]) -> list[Answer]:
    name, known = world.spec.dns.name, caches(world.spec.dns)
    questions = [(s, False) for s in authorities] + [(s, True) for s in known if s not in authorities]
    resolvers = resolvers_of(world)
    return in_parallel(questions, lambda q: resolvers.ask(q[0], name, recurse=q[1]))


class PropagationSensor(WatchingSensor):
    """Waits until all name servers and caches give the answer of `expected`: target, or source to go back."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, ZoneLink())

    look = f"{__name__}.look_at_propagation"

    def __init__(self, *, expected: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expected = Side(expected)

    def arguments(self, world: ServiceContext) -> Json:
        return {"expected": str(self.expected)}

    def limit(self, world: ServiceContext) -> float:
        return world.spec.dns.propagation_timeout

    def finish(self, world: ServiceContext, state: Json) -> Json:
        rows = state["rows"]
        self.log.info("\n%s", propagation.as_table(propagation.from_rows(rows)))
        world.ledger.note(Propagated(expected=str(self.expected), servers=len(rows)))
        return {"servers": len(rows), "stretching": [r["server"] for r in rows if r["stretches"]]}

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return DnsError(
            f"After {duration(self.limit(world))} not every name server gives the new answer: {message}",
            wanted="the new answer everywhere",
            next_step=(
                "both sites serve meanwhile, nothing is lost; clear this task to wait on, or take a dead"
                " resolver out of dns.resolvers"
            ),
        )
