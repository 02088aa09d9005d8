"""Waiting for the name: the old TTL, Route 53's own servers, every cache we know."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from livemove.adapters.public_record import live_record, original, target_addresses
from livemove.core import propagation
from livemove.core.waiting import Look
from livemove.core.window import duration
from livemove.errors import DnsError, LivemoveError
from livemove.ports import Answer, Json
from livemove.sensors.base import WatchingSensor
from livemove.spec import Side

if TYPE_CHECKING:
    from livemove.adapters.world import World


def look_at_old_ttl(world: World, state: Json) -> Look:
    """Done one old TTL after the short one held everywhere: then no honest cache keeps the old TTL any more."""
    kept = world.ledger.read("dns/ttl")
    if kept is None:
        raise DnsError(
            "The ledger does not know when the TTL was lowered", next_step="clear replicate.lower_ttl"
        )
    end = datetime.fromisoformat(kept["at"]) + timedelta(seconds=kept["was"])
    left = (end - world.clock.now()).total_seconds()
    if left <= 0:
        return Look(True, f"The old TTL of {kept['was']} s is over since {end:%Y-%m-%d %H:%M:%S} UTC")
    says = f"Caches may hold the old TTL of {kept['was']} s until {end:%Y-%m-%d %H:%M:%S} UTC; then the window is awaited"
    return Look(False, says, again_in=min(left, 60))


class OldTtlSensor(WatchingSensor):
    """Waits until every honest cache has learnt the short TTL."""

    look = f"{__name__}.look_at_old_ttl"


def look_at_change(world: World, state: Json) -> Look:
    change = world.ledger.read("dns/change")
    if change is None:
        return Look(True, "The record was not changed; Route 53 has nothing to publish")
    if world.zone.in_sync(change["change_id"]):
        return Look(True, f"Route 53's name servers all have the change {change['change_id']}")
    return Look(
        False,
        f"The change {change['change_id']} is PENDING at Route 53; usually 60 s; then caches are watched",
        again_in=2,
    )


class InSyncSensor(WatchingSensor):
    """Waits until Route 53's own name servers have the change; says nothing about caches."""

    look = f"{__name__}.look_at_change"

    def limit(self, world: World) -> float:
        return 600


def look_at_propagation(world: World, state: Json, *, expected: str) -> Look:
    """Ask every authority and every cache of the spec at once."""
    wanted = wanted_addresses(world, Side(expected))
    authorities = state.get("authorities") or world.zone.authorities()
    rows = propagation.fold(
        propagation.from_rows(state.get("rows", ())),
        _ask_all(world, authorities),
        wanted=wanted,
        record_ttl=world.spec.dns.ttl,
        authorities=authorities,
    )
    look = propagation.judge(rows, wanted=wanted, now=world.clock.now())
    flipped = sum(bool(r.flipped_at) for r in rows.values())
    if flipped != state.get("flipped"):
        world.ledger.write(
            "propagation", {"expected": expected, "wanted": list(wanted), "rows": propagation.as_rows(rows)}
        )
    return Look(
        look.done, look.says, {**look.state, "authorities": authorities, "flipped": flipped}, look.again_in
    )


def wanted_addresses(world: World, expected: Side) -> tuple[str, ...]:
    if expected is Side.TARGET:
        return target_addresses(world)
    # a rollback before the record was ever touched: what stands there is the original
    return (original(world) if world.ledger.read("dns/before") else live_record(world)).values


def _ask_all(world: World, authorities: list[str]) -> list[Answer]:
    name, caches = world.spec.dns.name, world.spec.dns.resolvers
    questions = [(s, False) for s in authorities] + [(s, True) for s in caches if s not in authorities]
    resolvers = world.resolvers
    with ThreadPoolExecutor(max_workers=min(16, len(questions))) as pool:
        return list(pool.map(lambda q: resolvers.ask(q[0], name, recurse=q[1]), questions))


class PropagationSensor(WatchingSensor):
    """Waits until all authorities and caches give the new answer (`expected`: target, or source after a rollback)."""

    look = f"{__name__}.look_at_propagation"

    def __init__(self, *, expected: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expected = Side(expected)

    def arguments(self, world: World) -> Json:
        return {"expected": str(self.expected)}

    def limit(self, world: World) -> float:
        return world.spec.dns.propagation_timeout

    def finish(self, world: World, state: Json) -> Json:
        rows = state["rows"]
        self.log.info("\n%s", propagation.as_table(propagation.from_rows(rows)))
        world.ledger.note("propagated", expected=str(self.expected), servers=len(rows))
        return {"servers": len(rows), "stretching": [r["server"] for r in rows if r["stretches"]]}

    def on_timeout(self, world: World, says: str) -> LivemoveError:
        return DnsError(
            f"After {duration(self.limit(world))} not every name server gives the new answer: {says}",
            wanted="the new answer everywhere",
            next_step="both sites serve meanwhile, nothing is lost; clear this task to wait on, or take a dead resolver out of dns.resolvers",
        )
