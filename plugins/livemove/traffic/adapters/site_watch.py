"""One look at both sites while both serve, and what a breach sets in motion.

The ledger keeps what was normal (`baseline`), the newest look (`dns/watch`) and a breach (`dns/breach`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.dns.adapters.public_record import put_back
from livemove.model.errors import LivemoveError
from livemove.model.ports import Host, Json
from livemove.model.spec import Server, Side
from livemove.runtime.parallel import both, in_parallel
from livemove.servers.adapters.http_page import get_json
from livemove.traffic.adapters.counters import read_count
from livemove.traffic.watch import Verdict

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

TICK = 5.0
"""Seconds between two watermark rows of the owner: a lag is known that exactly."""


def sites(world: World) -> dict[str, Side]:
    return {s.name: s.site for s in world.spec.servers}


def observe(world: World) -> Json:
    """One sample: {"at", "servers": {name: counts and health}, "load", "lag"}. What does not answer is None, with a reason."""
    pairs = list(zip(world.spec.servers, world.hosts(), strict=True))
    database, seen = both(lambda: _database(world), lambda: in_parallel(pairs, lambda p: _server(world, *p)))
    servers = {s.name: facts for (s, _), facts in zip(pairs, seen, strict=True)}
    return {"at": world.clock.now().timestamp(), "servers": servers, **database}


def _server(world: World, server: Server, host: Host) -> Json:
    facts: Json = {"requests": None, "healthy": False}
    try:
        count = read_count(world, server, host)
        facts |= {"requests": count.requests, "errors": count.errors, "seconds": count.seconds}
        get_json(world.spec.application, host.address, world.spec.application.health_path)
        facts["healthy"] = True
    except LivemoveError as e:
        facts["why"] = e.found
    return facts


def _database(world: World) -> Json:
    """Statements that the owner runs at once, and by how much the follower is behind; the source owns before the move."""
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


def react(world: World, verdict: Verdict, share: int) -> Json:
    """What a breach leads to, by the spec: the record goes back now, or the shift stops and a person decides."""
    by_itself = world.spec.watch.on_breach == "rollback" and not verdict.way_back_ill
    at = world.clock.now()
    found: Json = {
        "at": at.isoformat(),
        "share": share,
        "reasons": list(verdict.breach),
        "watched": verdict.says,
        "restored_at": None,
    }
    if verdict.way_back_ill:
        found["not_restored"] = f"the old site is no better: {verdict.way_back_ill}"
    if by_itself:
        document, says = put_back(world)
        now = world.clock.now()
        found |= {"restored_at": now.isoformat(), "restored_ms": round((now - at).total_seconds() * 1000)}
        found |= {"record": document.get("after"), "says": says}
    world.ledger.write("dns/breach", found)
    world.ledger.note("breach", **found)
    return found
