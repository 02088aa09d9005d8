"""Backups and maintenance of the RDS instance that would fall into a switchover. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta

from livemove.model.ports import Json
from livemove.model.spec import Window

CALM = ("available", "storage-optimization")
"""https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status"""
SOON = timedelta(minutes=15)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def due(instance: Json, window: Window, now: datetime) -> list[str]:
    """What RDS runs now or soon by its own windows; without a low-traffic window, only what runs now."""
    out = []
    if (status := instance.get("DBInstanceStatus", "available")) not in CALM:
        out.append(f"the RDS instance is {status}: wait until it is available")
    if window.opens == window.closes:
        return out
    for name, key in (("backup", "PreferredBackupWindow"), ("maintenance", "PreferredMaintenanceWindow")):
        planned = str(instance.get(key) or "")
        if planned and _meets(planned, now):
            out.append(
                f"the {name} window of the RDS instance, {planned} UTC, is open or opens within"
                f" {SOON.seconds // 60} min: wait until it is over, or change it"
            )
    return out


def _meets(planned: str, now: datetime) -> bool:
    """Whether a UTC window, daily hh:mm-hh:mm or weekly ddd:hh:mm-ddd:hh:mm, has a time until SOON."""
    begin, end = (_minutes(part) for part in planned.lower().split("-"))
    cycle = 7 * 1440 if planned[0].isalpha() else 1440
    here = (now.weekday() * 1440 if cycle > 1440 else 0) + now.hour * 60 + now.minute
    length, ahead = (end - begin) % cycle, (begin - here) % cycle
    return ahead <= SOON.seconds // 60 or (here - begin) % cycle < length


def _minutes(text: str) -> int:
    *day, hours, minutes = text.strip().split(":")
    return (DAYS.index(day[0]) * 1440 if day else 0) + int(hours) * 60 + int(minutes)
