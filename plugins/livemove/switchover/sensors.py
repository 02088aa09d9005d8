"""Waiting for the clock: the low-traffic window, and the soak after the move."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from livemove.history.adapters.history_reader import read_completed_switchovers
from livemove.model.counters import increase
from livemove.model.errors import ReplicationError, UnreachableError
from livemove.model.formatting import duration, utc
from livemove.model.ledger import Soak, WayBack
from livemove.model.ports import Json
from livemove.model.window import closed, next_opening
from livemove.runtime.links import DmsTaskLink
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import WatchingSensor
from livemove.switchover.soak import NOT_SEEN, after_look, begin, failed, is_current

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

AGAIN = 60.0
"""Seconds between two looks at most, so that a changed clock is noticed."""
LOAD_OVER = 5.0
"""Seconds over which the load is measured."""
BEHIND = 10.0
"""Seconds between two looks while reverse replication is behind."""


def look_at_window(world: ServiceContext, state: Json) -> PollResult:
    window, now = world.spec.window, world.clock.now()
    reason = closed(window, now)
    if reason is None:
        whole = (
            " all day" if window.opens == window.closes else f" until {window.closes:%H:%M} {window.timezone}"
        )
        return _by_load(world, f"The window is open{whole}", state)
    left = (next_opening(window, now) - now).total_seconds()
    # no minutes that count down: the log would repeat itself every minute
    return PollResult(False, reason.rsplit(", in ", 1)[0] + "; then you are asked", again_in=min(AGAIN, left))


class WindowSensor(WatchingSensor):
    """Waits until the window opens; continues at once when it is open."""

    look = f"{__name__}.look_at_window"


def _by_load(world: ServiceContext, message: str, state: Json) -> PollResult:
    """Waits for a low measured load; a window that is missed meanwhile means waiting for the next."""
    limit = world.spec.window.max_requests
    if limit is None:
        return PollResult(True, message)
    from livemove.traffic.sensors.drain import count

    _, now = count(world)
    at = world.clock.now().timestamp()
    before = state.get("load")
    kept = {"load": {"at": at, "requests": now}}
    if not before or at - before["at"] < LOAD_OVER / 2:
        return PollResult(
            False, f"{message}; the load is measured", state if before else kept, again_in=LOAD_OVER
        )
    rate = sum(increase(before["requests"].get(s, n), n) for s, n in now.items()) / (at - before["at"])
    text = f"{message}, with {rate:.1f} requests/s (at most {limit:g})"
    return PollResult(
        rate <= limit,
        text if rate <= limit else f"{text}: too many; it is measured on",
        kept,
        again_in=LOAD_OVER,
    )


def look_at_soak(world: ServiceContext, state: Json) -> PollResult:
    """One look at reverse replication; the ledger keeps how much of the soak counts, for the next try."""
    epoch = int(state["epoch"])
    before = begin(world.ledger.load(Soak), epoch, state["from"])
    try:
        way_back = way_back_look(world)
    except UnreachableError as e:
        way_back = WayBack(epoch=epoch, state=NOT_SEEN, message=e.found)
    now = after_look(before, world.clock.now(), current=is_current(way_back), of=world.spec.soak)
    world.ledger.save(now)
    if reason := failed(way_back):
        raise ReplicationError(
            f"The soak does not go on: {reason}",
            wanted="reverse replication that brings every write to the data centre's database",
            next_step=(
                "RDS is the owner and serves. Fix what DMS names, clear switchover.return_path with"
                f" downstream: {duration(now.counted)} of {duration(world.spec.soak)} are kept"
            ),
        )
    left = world.spec.soak - now.counted
    if left <= 0:
        return PollResult(
            True, f"The service has run on RDS for {duration(world.spec.soak)}. {way_back.message}", state
        )
    end = world.clock.now() + timedelta(seconds=left)
    counts = f"until {utc(end)}" if now.current else "and this time does not count"
    # a lag that differs at every look must not fill the log
    text = re.sub(r", \d+ ms behind", "", way_back.message) if now.current else way_back.message
    message = (
        f"The moved service is watched {counts} ({duration(world.spec.soak)}); then you are asked about the"
        f" data centre. {text}"
    )
    return PollResult(False, message, state, again_in=min(AGAIN, left if now.current else BEHIND))


def way_back_look(world: ServiceContext) -> WayBack:
    from livemove.switchover.adapters.reverse_replication_status import look

    return look(world)


class SoakSensor(WatchingSensor):
    """Watches the moved service for the soak time of the spec; fails when reverse replication does."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())
    runbook_section = "reverse-replication-is-broken"

    look = f"{__name__}.look_at_soak"

    def begin(self, world: ServiceContext) -> Json:
        done = read_completed_switchovers(world)
        since = done[-1].started_at if done else None
        return {"from": since or world.clock.now().isoformat(), "epoch": done[-1].epoch if done else 1}
