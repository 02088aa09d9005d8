"""One look at both sites while both serve, and what a breach sets in motion.

The ledger keeps what was normal (`baseline`), the newest look (`dns/watch`) and a breach (`dns/breach`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.dns.adapters.public_record import put_back
from livemove.model.errors import LivemoveError
from livemove.model.ledger import Breach, BreachSeen
from livemove.model.ports import Host, Json
from livemove.model.spec import Server, Side
from livemove.runtime.parallel import both, in_parallel
from livemove.servers.adapters.http_page import get_json
from livemove.traffic.adapters.counters import read_count
from livemove.traffic.watch import WatchResult

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

TICK = 5.0
"""Seconds between two watermark rows of the owner: a lag is known that exactly."""


def sites(world: ServiceContext) -> dict[str, Side]:
    return {s.name: s.site for s in world.spec.servers}


def observe(world: ServiceContext) -> Json:
    """One sample: {"at", "servers": {name: counts and health}, "load", "lag"}; None where silent."""
    pairs = list(zip(world.spec.servers, world.hosts(), strict=True))
    database, seen = both(lambda: _database(world), lambda: in_parallel(pairs, lambda p: _server(world, *p)))
    servers = {s.name: facts for (s, _), facts in zip(pairs, seen, strict=True)}
    return {"at": world.clock.now().timestamp(), "servers": servers, **database}


def _server(world: ServiceContext, server: Server, host: Host) -> Json:
    facts: Json = {"requests": None, "healthy": False}
    try:
        count = read_count(world, server, host)
        facts |= {"requests": count.requests, "errors": count.errors, "seconds": count.seconds}
        get_json(world.spec.application, host.address, world.spec.application.health_path)
        facts["healthy"] = True
    except LivemoveError as e:
        facts["why"] = e.found
    return facts


def _database(world: ServiceContext) -> Json:
    """Statements that the owner runs now, and the follower's lag; the source is the owner at first."""
    from livemove.control.adapters.control_row import Control

    facts: Json = {"load": None, "lag": None}
    try:
        with world.database(Side.SOURCE) as owner:
            facts["load"] = int(owner.one("SHOW GLOBAL STATUS LIKE 'Threads_running'")["value"])
        with world.database(Side.TARGET) as follower:
            newest = Control(follower).newest_watermark(Side.SOURCE)
            facts["lag"] = max(0.0, newest.ago - TICK) if newest else None
    except LivemoveError as e:
        facts["why"] = e.found
    return facts


def react(world: ServiceContext, verdict: WatchResult, share: int) -> Breach:
    """What the spec orders after a breach: restore the record now, or stop the shift and ask a person."""
    by_itself = world.spec.watch.on_breach == "rollback" and not verdict.way_back_ill
    at = world.clock.now()
    ill = verdict.way_back_ill
    breach = Breach(
        at=at.isoformat(),
        share=share,
        reasons=list(verdict.breach),
        watched=verdict.message,
        not_restored=f"the old site is no better: {ill}" if ill else None,
    )
    if by_itself:
        document, message = put_back(world)
        now = world.clock.now()
        restored = {"restored_at": now.isoformat(), "restored_ms": round((now - at).total_seconds() * 1000)}
        breach = breach.model_copy(update={**restored, "record": document.get("after"), "message": message})
    world.ledger.save(breach)
    world.ledger.note(BreachSeen.model_validate(breach.model_dump(exclude={"version"})))
    return breach
