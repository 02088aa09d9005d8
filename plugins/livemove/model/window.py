"""The low-traffic window: is it open, and when does it open next. Local time, for daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from livemove.model.formatting import duration
from livemove.model.spec import Window


def is_open(window: Window, now: datetime) -> bool:
    """`opens` inclusive to `closes` exclusive; equal times: all day. Does not open on days in `closed_on`."""
    local = now.astimezone(window.zone)
    clock, today = local.time(), local.date()
    if window.opens == window.closes:
        return today not in window.closed_on
    if window.opens < window.closes:
        return today not in window.closed_on and window.opens <= clock < window.closes
    # past midnight it is still the window of the day before
    opened_on = today if clock >= window.opens else today - timedelta(days=1)
    return opened_on not in window.closed_on and (clock >= window.opens or clock < window.closes)


def next_opening(window: Window, now: datetime) -> datetime:
    """The next time it opens, in UTC; `now` itself when it is open.

    Where the clock jumps over the opening (daylight saving), it opens at the first moment after the jump.
    """
    if is_open(window, now):
        return now
    today = now.astimezone(window.zone).date()
    start = time(0) if window.opens == window.closes else window.opens
    for days in range(3 + len(window.closed_on)):
        day = today + timedelta(days=days)
        opening = datetime.combine(day, start, tzinfo=window.zone).astimezone(UTC)
        if opening >= now and day not in window.closed_on:
            return opening
    raise AssertionError("a day that is not excepted has an opening")


def closed(window: Window, now: datetime) -> str | None:
    """Why nothing may move now, or None."""
    if is_open(window, now):
        return None
    opening = next_opening(window, now)
    today = now.astimezone(window.zone).date()
    excepted = f" ({today} is excepted)" if today in window.closed_on else ""
    return (
        f"The window {window.opens:%H:%M} to {window.closes:%H:%M} {window.timezone} is closed{excepted}; it"
        f" opens {opening.astimezone(window.zone):%Y-%m-%d %H:%M}, in"
        f" {duration((opening - now).total_seconds())}"
    )
