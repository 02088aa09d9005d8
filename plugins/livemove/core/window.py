"""The low-traffic window: whether it is open, and when it opens next. Local time, so daylight saving counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from livemove.spec import Window


def is_open(window: Window, now: datetime) -> bool:
    """Opens is inside, closes is outside; the same time for both means open all day."""
    if window.opens == window.closes:
        return True
    clock = now.astimezone(window.zone).time()
    if window.opens < window.closes:
        return window.opens <= clock < window.closes
    return clock >= window.opens or clock < window.closes


def next_opening(window: Window, now: datetime) -> datetime:
    """The next time it opens, in UTC; `now` itself when it is open.

    Where the clock jumps over the opening (daylight saving), it opens at the first moment after the jump.
    """
    if is_open(window, now):
        return now
    today = now.astimezone(window.zone).date()
    for days in range(3):
        opening = datetime.combine(today + timedelta(days=days), window.opens, tzinfo=window.zone).astimezone(
            UTC
        )
        if opening >= now:
            return opening
    raise AssertionError("a day has an opening")


def closed(window: Window, now: datetime) -> str | None:
    """Why nothing may move now, or None."""
    if is_open(window, now):
        return None
    opening = next_opening(window, now)
    return (
        f"The window {window.opens:%H:%M} to {window.closes:%H:%M} {window.timezone} is closed; "
        f"it opens {opening.astimezone(window.zone):%Y-%m-%d %H:%M}, in {duration((opening - now).total_seconds())}"
    )


def duration(seconds: float) -> str:
    """For people: 45 s, 12 min, 3 h 05 min, 2 d 4 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
