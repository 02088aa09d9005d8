"""Wait until the old site has no users, by its own counters, because some caches stretch TTLs."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from livemove.dns.adapters.breach import refuse_after_breach
from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.formatting import duration, percent
from livemove.model.ledger import Drain, Drained
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.time_series import recent
from livemove.runtime.parallel import in_parallel
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import WatchingSensor
from livemove.traffic import drain

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def look_at_traffic(world: ServiceContext, state: Json) -> PollResult:
    refuse_after_breach(world, Side.TARGET)
    spec = world.spec.drain
    sites, counts = count(world)
    before = [(t, c) for t, c in state.get("samples", ())]
    samples = recent([*before, (world.clock.now().timestamp(), counts)], spec.seconds, itemgetter(0))
    verdict = drain.judge(samples, sites, old=Side.SOURCE, share=spec.share, seconds=spec.seconds)
    shown = Drain(
        message=verdict.message,
        share=verdict.share,
        rates=verdict.rates,
        seconds=verdict.covered,
        at=world.clock.now().isoformat(),
        done=verdict.done,
    )
    world.ledger.save(shown)
    # the samples stay out of Airflow's database once they are not needed any more
    return PollResult(
        verdict.done,
        verdict.message,
        shown.stored() if verdict.done else {"samples": samples},
        again_in=_pace(spec.seconds),
    )


def _pace(seconds: float) -> float:
    """Twenty looks a window, between one and fifteen seconds apart."""
    return min(15.0, max(1.0, seconds / 20))


def count(world: ServiceContext) -> tuple[dict[str, Side], dict[str, int]]:
    """(site of each server, requests so far of each server)."""
    from livemove.traffic.adapters.counters import read_count

    pairs = list(zip(world.spec.servers, world.hosts(), strict=True))
    counts = in_parallel(pairs, lambda p: read_count(world, *p).requests, name=lambda p: p[0].name)
    names = [s.name for s, _ in pairs]
    return {s.name: s.site for s, _ in pairs}, dict(zip(names, counts, strict=True))


class DrainedSensor(WatchingSensor):
    """Waits until the old site's share of requests stayed under the limit for the spec's time."""

    look = f"{__name__}.look_at_traffic"

    def begin(self, world: ServiceContext) -> Json:
        """End long connections, which outlive every TTL, by the spec's command on the old site's servers."""
        from livemove.servers.adapters.equipping import run_checked, within

        for server, host in zip(world.spec.at(Side.SOURCE), world.hosts(Side.SOURCE), strict=True):
            if command := server.commands.close_idle:
                said = run_checked(host, within(server, command), "end its long connections")
                self.log.info("%s: long connections are ended. %s", server.name, said)
        return {}

    def limit(self, world: ServiceContext) -> float:
        return world.spec.drain.timeout

    def finish(self, world: ServiceContext, state: Json) -> Json:
        world.ledger.note(Drained(share=state["share"], seconds=state["seconds"]))
        return state

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return RefusedError(
            f"After {duration(self.limit(world))} the old site still serves users: {message}",
            wanted=(
                f"a share of at most {percent(world.spec.drain.share)} for"
                f" {duration(world.spec.drain.seconds)}"
            ),
            next_step=(
                "both sites write to one database, so nothing is lost; clear this task to wait on, or trigger"
                " with another drain_share"
            ),
        )
