"""Waiting for the clock: the low-traffic window, and the soak after the move."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from livemove.core.waiting import Look
from livemove.core.window import closed, duration, next_opening
from livemove.operators.gate import moves
from livemove.ports import Json
from livemove.sensors.base import WatchingSensor

if TYPE_CHECKING:
    from livemove.adapters.world import World

AGAIN = 60.0
"""Seconds between two looks at most, so that a changed clock is noticed."""


def look_at_window(world: World, state: Json) -> Look:
    window, now = world.spec.window, world.clock.now()
    reason = closed(window, now)
    if reason is None:
        whole = (
            " all day" if window.opens == window.closes else f" until {window.closes:%H:%M} {window.timezone}"
        )
        return Look(True, f"The window is open{whole}")
    left = (next_opening(window, now) - now).total_seconds()
    # no minutes that count down: the log would repeat itself every minute
    return Look(False, reason.rsplit(", in ", 1)[0] + "; then you are asked", again_in=min(AGAIN, left))


class WindowSensor(WatchingSensor):
    """Waits until the window opens; goes on at once when it is open."""

    look = f"{__name__}.look_at_window"


def look_at_soak(world: World, state: Json) -> Look:
    """Counts from the end of the last switchover, so that a retry does not start the soak again."""
    start = datetime.fromisoformat(state["from"])
    end = start + timedelta(seconds=world.spec.soak)
    left = (end - world.clock.now()).total_seconds()
    if left <= 0:
        return Look(True, f"The service has run on RDS for {duration(world.spec.soak)}", state)
    says = f"The moved service is watched until {end:%Y-%m-%d %H:%M:%S} UTC ({duration(world.spec.soak)}); then you are asked about the data centre"
    return Look(False, says, state, again_in=min(AGAIN, left))


class SoakSensor(WatchingSensor):
    """Watches the moved service for the soak time of the spec."""

    look = f"{__name__}.look_at_soak"

    def begin(self, world: World) -> Json:
        last = (moves(world) or [{}])[-1]
        return {"from": last.get("ended_at") or last.get("started_at") or world.clock.now().isoformat()}
