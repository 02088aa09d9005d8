"""Waiting until the old site is empty of users: only its own counters prove it, because some caches stretch TTLs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from livemove.core import drain
from livemove.core.waiting import Look
from livemove.core.window import duration
from livemove.errors import LivemoveError, RefusedError
from livemove.ports import Json
from livemove.sensors.base import WatchingSensor
from livemove.spec import Side

if TYPE_CHECKING:
    from livemove.adapters.world import World


def look_at_traffic(world: World, state: Json) -> Look:
    spec = world.spec.drain
    sites, counts = _count(world)
    samples = drain.add(
        [(t, c) for t, c in state.get("samples", ())],
        (world.clock.now().timestamp(), counts),
        seconds=spec.seconds,
    )
    verdict = drain.judge(samples, sites, old=Side.SOURCE, share=spec.share, seconds=spec.seconds)
    shown = {
        "says": verdict.says,
        "share": verdict.share,
        "rates": verdict.rates,
        "seconds": verdict.covered,
        "at": world.clock.now().isoformat(),
    }
    world.ledger.write("drain", {**shown, "done": verdict.done})
    # the samples stay out of Airflow's database once they are not needed any more
    return Look(
        verdict.done,
        verdict.says,
        shown if verdict.done else {"samples": samples},
        again_in=_pace(spec.seconds),
    )


def _pace(seconds: float) -> float:
    """Twenty looks a window, between one and fifteen seconds apart."""
    return min(15.0, max(1.0, seconds / 20))


def _count(world: World) -> tuple[dict[str, Side], dict[str, int]]:
    from livemove.adapters.counters import read_requests

    application, path = world.spec.application, world.spec.drain.counter_path
    hosts = [(s.name, s.site, h.address) for s, h in zip(world.spec.servers, world.hosts(), strict=True)]
    with ThreadPoolExecutor(max_workers=min(16, len(hosts))) as pool:
        numbers = pool.map(lambda h: read_requests(application, h[2], path), hosts)
        return {n: site for n, site, _ in hosts}, dict(zip([n for n, _, _ in hosts], numbers, strict=True))


class DrainedSensor(WatchingSensor):
    """Waits until the old site's share of requests stayed under the limit for the spec's time."""

    look = f"{__name__}.look_at_traffic"

    def limit(self, world: World) -> float:
        return world.spec.drain.timeout

    def finish(self, world: World, state: Json) -> Json:
        world.ledger.note("drained", share=state["share"], seconds=state["seconds"])
        return state

    def on_timeout(self, world: World, says: str) -> LivemoveError:
        return RefusedError(
            f"After {duration(self.limit(world))} the old site still serves users: {says}",
            wanted=f"a share of at most {world.spec.drain.share:.1%} for {duration(world.spec.drain.seconds)}",
            next_step="both sites write to one database, so nothing is lost; clear this task to wait on, or trigger with another drain_share",
        )
