"""Judges running variables by the table of `model.source_settings`, for the checks that own its lines."""

from __future__ import annotations

from livemove.control.privileges import global_privileges
from livemove.model.ports import Finding
from livemove.model.source_settings import SETTINGS, Setting, needs_restart
from livemove.preflight.facts import DatabaseFacts


def wrong_settings(check: str, db: DatabaseFacts) -> list[Finding]:
    return [finding(s, db) for s in of(check, db) if s.wrong(db.variable(s.name))]


def of(check: str, db: DatabaseFacts) -> list[Setting]:
    return [s for s in SETTINGS if s.check == check and applies(s, db)]


def applies(s: Setting, db: DatabaseFacts) -> bool:
    """Whether this line means something to this server."""
    held, _ = global_privileges(db.grants)
    needless = s.unless and {s.unless, "ALL PRIVILEGES"} & held
    return s.not_in != db.flavour and (db.replica or not s.only_replicas) and not needless


def finding(s: Setting, db: DatabaseFacts) -> Finding:
    running = db.variable(s.name)
    if restart := needs_restart(s, running):
        remedy = f"write {s.line()} into the server's configuration and restart it; {s.why}"
    else:
        remedy = f"{s.set_global()}, and write it into the server's configuration; {s.why}"
    return Finding(
        s.check, s.severity, f"{s.name} is {running or 'not set'}", s.line(), remedy, s.name, restart
    )
