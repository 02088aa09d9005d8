"""Samples both sites' requests and the follower's lag during every wait, for the console's charts."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from livemove.control.adapters.state import owner, target_exists
from livemove.model import time_series
from livemove.model.errors import LivemoveError
from livemove.model.ledger import SiteCounts, Traffic
from livemove.model.spec import Server, Side
from livemove.runtime.parallel import both, in_parallel
from livemove.traffic.adapters.counters import read_count
from livemove.traffic.adapters.site_watch import TICK, sites

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)

SHARE = 10
"""After a look this many times its length passes before the next one."""
SELDOM = 60.0
"""Seconds between two looks at most: a wait of an hour and more is looked at once a minute."""
LONG_AGO = 300.0
"""Seconds after which a wait is another one, though it waits for the same."""


@dataclass
class _Pace:
    began: float
    last: float
    again: float


_paces: dict[tuple[str, str], _Pace] = {}
"""(service, what is awaited) -> when this process looked, and may look again; by the monotonic clock."""
_lock = threading.Lock()


def sample_requests(world: ServiceContext, awaited: str) -> None:
    """One more point in the ledger's series of requests. Never raises: it decides nothing.

    At most every `watch.poll` seconds, and seldom in a long wait: each point is a new version of one object.
    """
    key, now = (world.spec.service, awaited), time.monotonic()
    with _lock:
        pace = _paces.get(key)
        if pace is None or now - pace.last > LONG_AGO:
            pace = _paces[key] = _Pace(now, now, now)
        if now < pace.again:
            return
        pace.last, pace.again = now, now + SELDOM  # whoever comes meanwhile has nothing to do
    try:
        _look(world)
    except Exception as e:
        log.debug("the sites were not looked at: %s: %s", type(e).__name__, e)
    took = time.monotonic() - now
    pace.again = now + max(world.spec.watch.poll, SHARE * took, min(SELDOM, (now - pace.began) / 60))


def _look(world: ServiceContext) -> None:
    there = [s for s in world.spec.servers if s.site is Side.SOURCE or target_exists(world)]
    behind, counted = both(lambda: _behind(world), lambda: in_parallel(there, lambda s: _count(world, s)))
    counts = {s.name: c for s, c in zip(there, counted, strict=True) if c}
    at = world.clock.now().timestamp()
    world.ledger.save(time_series.traffic(world.ledger.load(Traffic), at, counts, sites(world), behind))


def _count(world: ServiceContext, server: Server) -> SiteCounts | None:
    try:
        return SiteCounts(**asdict(read_count(world, server, world.host(server))))
    except LivemoveError:
        return None


def _behind(world: ServiceContext) -> float | None:
    """Seconds since the newest watermark that arrived was written, less the interval between two."""
    from livemove.control.adapters.control_row import Control

    try:
        side = owner(world)
        with world.database(side.other, timeout=5, read_timeout=10) as follower:
            control = Control(follower)
            try:
                newest = control.newest_watermark(side)
            finally:
                control.close_connection()
    except Exception:
        return None  # before there is a follower, and while it cannot be reached
    return round(max(0.0, newest.ago - TICK), 3) if newest else None
