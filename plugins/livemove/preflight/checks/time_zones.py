"""The source's time zone has a name that RDS takes, and events of its machine's zone keep their hours.

RDS's machine is always in UTC, and its `time_zone` takes a list of names, no offsets
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.LocalTimeZone.html). Provision sets
the name that tells the same local times; events of the zone SYSTEM are created under what SYSTEM meant.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import MigrationSpec
from livemove.model.time_zones import SYSTEM, ServerZones
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok, some, warning

CHECK = "time zone"
LIMIT = "a name that RDS has, with the same local times"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    if db.zones is None:
        return [ok(CHECK, "not read", LIMIT)]
    return [_of_sessions(db.zones), *_of_events(db.zones, db.system_zone_events)]


def _of_sessions(zones: ServerZones) -> Finding:
    said = f"{zones.time_zone} ({zones.abbreviation})" if zones.time_zone == SYSTEM else zones.time_zone
    if zones.session is None:
        own = zones.system.name if zones.system and zones.time_zone == SYSTEM else zones.time_zone
        return warning(
            CHECK,
            f"{said}, and no name that RDS's time_zone takes has its local times; the nearest is"
            f" {zones.nearest}",
            LIMIT,
            f"let the application set it at each connection (SET time_zone = '{own}'), which RDS allows, and"
            " accept this: the server's own stays UTC there, and NOW() of a session that sets nothing jumps"
            " at the switchover",
            subject="name",
        )
    name, past = zones.session.name, zones.session.past
    if past:
        return warning(
            CHECK,
            f"{said}; RDS gets {name}, the same for the coming year, but not in {_years(past)}",
            LIMIT,
            "nothing, if no TIMESTAMP of those years matters: what is stored stays the same instant, and a"
            " session reads it by the new name; else let the application set its own time_zone, which RDS"
            " allows",
            subject="past",
        )
    return ok(CHECK, f"{said}; RDS gets {name}, the same since 1970 and for the coming year", LIMIT)


def _of_events(zones: ServerZones, events: tuple[str, ...]) -> list[Finding]:
    if not events:
        return []
    if zones.system is None:
        return [
            error(
                CHECK,
                f"events run by the zone of the source's machine, which no name fits: {some(events)}",
                "a zone that other servers know",
                "SET time_zone to a name or an offset, and ALTER EVENT ... ON SCHEDULE each of them anew",
                subject="events",
            )
        ]
    return [
        ok(
            CHECK,
            f"{len(events)} events run by the machine's zone; where that is another one they run by"
            f" {zones.system.name}, at the same moments, and back here by SYSTEM again",
            subject="events",
        )
    ]


def _years(years: tuple[int, ...]) -> str:
    """1970 to 1985, 1990"""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][1] + 1:
            runs[-1][1] = year
        else:
            runs.append([year, year])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in runs)
