"""What a server's time zone is by name, from the local times that it tells, and which of RDS's names fits it.

A server says SYSTEM, or an abbreviation like CST that five countries use; it cannot say Asia/Seoul by itself.
But it tells the local time of any moment. Moments are chosen such that zones can be told apart: both sides of
each change of clocks of the coming year, wherever on earth it is, and the quarters of every year since 1970.
The coming year decides (events and NOW()), the past prefers (how old TIMESTAMP values read).

RDS for MariaDB takes these names for `time_zone`, and neither offsets nor other names; its system zone is
always UTC. Sessions and events may use every name of the tz database, there as anywhere.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.LocalTimeZone.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

RDS_ZONES = frozenset((Path(__file__).parent / "rds_time_zones.txt").read_text(encoding="utf-8").split())
SYSTEM = "SYSTEM"
AHEAD = timedelta(days=366)
FIRST_YEAR = 1970

Offsets = Mapping[datetime, int]
"""Moment in UTC (without tzinfo) -> seconds by which a server's local time is ahead of UTC there."""


@dataclass(frozen=True)
class Zone:
    """A zone by the name that fits best."""

    name: str
    past: tuple[int, ...] = ()
    """Years since 1970 in which this name reads otherwise than the server."""


@dataclass(frozen=True)
class ServerZones:
    """The two zones of a server: that of its sessions, and that of its machine."""

    time_zone: str
    """As the variable says: SYSTEM, a name or an offset."""
    abbreviation: str
    """system_time_zone, like KST."""
    session: Zone | None
    """RDS's name with the same local times; None where there is none."""
    system: Zone | None
    """What SYSTEM means, by a name or an offset that any session takes; None where neither fits."""
    nearest: str = ""
    """RDS's name with the least difference where `session` is None, and how much that is."""


@cache
def moments(today: datetime) -> tuple[datetime, ...]:
    """When a server is asked for its local time; `today` is a day in UTC, without tzinfo."""
    end = today + AHEAD
    quarters = {
        datetime(year, month, 2) for year in range(FIRST_YEAR, today.year + 1) for month in (1, 4, 7, 10)
    }
    ahead = {today, end} | {m for name in _names() for change in _changes(name, today, end) for m in change}
    return tuple(sorted({q for q in quarters if q < today} | ahead))


def zones_of(time_zone: str, abbreviation: str, session: Offsets, system: Offsets) -> ServerZones:
    """Both zones by name, from what the server told for the same moments in each of them."""
    today = _today(session)
    named = "" if time_zone == SYSTEM else time_zone
    hint = abbreviation if time_zone == SYSTEM else ""
    here = _best(session, today, RDS_ZONES, named, hint)
    return ServerZones(
        time_zone,
        abbreviation,
        here,
        _best(system, today, _names(), "", abbreviation) or _fixed(system, today),
        "" if here else _nearest(session, today),
    )


def _today(offsets: Offsets) -> datetime:
    """The coming year begins there: it is what was asked last, less its length."""
    return max(offsets) - AHEAD


def _best(offsets: Offsets, today: datetime, names: Iterable[str], named: str, hint: str) -> Zone | None:
    """The name with the same coming year; of several the one with the most equal past, then the best known.

    `named` wins where it fits, `hint` is the abbreviation that the server has for its zone.
    """
    fits = [n for n in names if all(_offset(n, m) == o for m, o in offsets.items() if m >= today)]
    ranked = [
        (
            n != named,
            len(past := _otherwise(n, offsets, today)),
            n not in RDS_ZONES,
            hint not in _abbreviations(n, today),
            n not in _places(),
            n,
            past,
        )
        for n in fits
    ]
    return Zone(min(ranked)[-2], min(ranked)[-1]) if ranked else None


def _otherwise(name: str, offsets: Offsets, today: datetime) -> tuple[int, ...]:
    return tuple(sorted({m.year for m, o in offsets.items() if m < today and _offset(name, m) != o}))


def _fixed(offsets: Offsets, today: datetime) -> Zone | None:
    """An offset without change, as sessions take it: +06:30."""
    ahead = {o for m, o in offsets.items() if m >= today}
    return Zone(offset_text(ahead.pop())) if len(ahead) == 1 else None


def _nearest(offsets: Offsets, today: datetime) -> str:
    ahead = {m: o for m, o in offsets.items() if m >= today}
    by = {n: [abs(_offset(n, m) - o) for m, o in ahead.items()] for n in RDS_ZONES}
    name = min(sorted(by), key=lambda n: sum(by[n]))
    least, most = min(by[name]) // 60, max(by[name]) // 60
    return f"{name}, which is {f'{least} to {most}' if least != most else most} minutes off"


def offset_text(seconds: int) -> str:
    """+09:00"""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"


@cache
def _names() -> tuple[str, ...]:
    """The places of this machine's tz database and their old names, those of RDS, and UTC."""
    known = available_timezones() | RDS_ZONES
    return tuple(sorted(n for n in known if n == "UTC" or ("/" in n and not n.startswith("Etc/"))))


@cache
def _places() -> frozenset[str]:
    """The one name of each zone that stands in zone1970.tab; none where this machine has no such table."""
    try:
        table = (files("tzdata") / "zoneinfo" / "zone1970.tab").read_text(encoding="utf-8")
    except (ImportError, OSError):
        return frozenset()
    return frozenset(line.split("\t")[2] for line in table.splitlines() if line and line[0] != "#")


def _offset(name: str, at: datetime) -> int:
    delta = at.replace(tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset()
    return int((delta or timedelta()).total_seconds())


def _abbreviations(name: str, today: datetime) -> set[str | None]:
    """Of winter and summer: a server keeps that of the day on which it was started."""
    days = (today + timedelta(days=n) for n in (0, 91, 182, 273))
    return {day.replace(tzinfo=UTC).astimezone(ZoneInfo(name)).tzname() for day in days}


def _changes(name: str, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """(the last second before, the first after) of each change of clocks in between."""
    found = []
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    told = [_offset(name, day) for day in days]
    for low, high, before, after in zip(days, days[1:], told, told[1:], strict=False):
        if before == after:
            continue
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
            low, high = (middle, high) if _offset(name, middle) == before else (low, middle)
        found.append((low, high))
    return found
