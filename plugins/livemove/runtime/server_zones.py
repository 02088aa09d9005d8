"""Asks a server for its local time at many moments, and names its zones by the answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from livemove.model.time_zones import ServerZones, moments, zones_of
from livemove.runtime.mariadb import MariaDb

FORTNIGHTS = 27
"""A year and a bit: a zone with summer time has both within."""


def read_zones(db: MariaDb) -> ServerZones:
    """Both zones of this server by name; costs a second of this process's time at first."""
    asked = moments(_today(db))
    told = db.one(
        "SELECT @@GLOBAL.time_zone AS zone, @@GLOBAL.system_time_zone AS abbreviation, "
        + ", ".join(
            f"CONVERT_TZ(%s, '+00:00', @@GLOBAL.time_zone) AS g{n},"
            f" CONVERT_TZ(%s, '+00:00', 'SYSTEM') AS s{n}"
            for n in range(len(asked))
        ),
        tuple(str(m) for m in asked for _ in "gs"),
    )
    session, system = ({m: _ahead(m, told[f"{k}{n}"]) for n, m in enumerate(asked)} for k in "gs")
    return zones_of(str(told["zone"]), str(told["abbreviation"]), session, system)


def system_means(db: MariaDb, zone: str) -> bool:
    """Whether this server's own zone has the local times of `zone`, a name or an offset; a small question."""
    days = [_today(db) + timedelta(days=14 * n) for n in range(FORTNIGHTS)]
    same = " AND ".join(
        "CONVERT_TZ(%s, '+00:00', 'SYSTEM') <=> CONVERT_TZ(%s, '+00:00', %s)" for _ in range(FORTNIGHTS)
    )
    args = tuple(value for day in days for value in (str(day), str(day), zone))
    return bool(db.one(f"SELECT {same} AS same", args)["same"])


def _today(db: MariaDb) -> datetime:
    return datetime.fromisoformat(str(db.one("SELECT UTC_DATE() AS today")["today"]))


def _ahead(moment: datetime, local: datetime | str) -> int:
    at = local if isinstance(local, datetime) else datetime.fromisoformat(local)
    return int((at - moment).total_seconds())
