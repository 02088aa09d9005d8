"""How times and numbers look to people: log, questions, console and report say them alike.

Counts and decimals are Python's own format specs (`{rows:,}`) where they are said. No I/O.
"""

from __future__ import annotations

from datetime import UTC, datetime

type Moment = datetime | str
"""A time, or its ISO 8601 text; one without a zone is UTC."""


def utc(at: Moment) -> str:
    """2026-11-23 18:30:00 UTC."""
    return f"{_in_utc(at):%Y-%m-%d %H:%M:%S} UTC"


def utc_minute(at: Moment) -> str:
    """2026-11-23 18:30 UTC."""
    return f"{_in_utc(at):%Y-%m-%d %H:%M} UTC"


def utc_millisecond(at: Moment) -> str:
    """2026-11-23 18:30:00.125, for moments that lie close together."""
    return f"{_in_utc(at):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def utc_time_of_day(at: Moment) -> str:
    """18:30:00 UTC."""
    return f"{_in_utc(at):%H:%M:%S} UTC"


def _in_utc(at: Moment) -> datetime:
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def duration(seconds: float) -> str:
    """45 s, 12 min, 3 h 05 min, 2 d 4 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def short_duration(seconds: float) -> str:
    """932 ms, 6.7 s, and from ten seconds on as `duration`."""
    if seconds < 5:
        return f"{seconds * 1000:,.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def milliseconds(seconds: float) -> str:
    """932 ms."""
    return f"{seconds * 1000:.0f} ms"


def hours(seconds: float) -> str:
    """168 h, of what is set in whole hours."""
    return f"{seconds / 3600:.0f} h"


def gigabytes(count: float) -> str:
    """1.25 GB, of a count of bytes."""
    return f"{count / 2**30:.2f} GB"


def percent(share: float, digits: int = 1) -> str:
    """2.5%."""
    return f"{share:.{digits}%}"
