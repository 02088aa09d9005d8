"""The event scheduler runs: the dead-man's switch of the fence is an event."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import error, ok
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = "event scheduler"


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    state = db.variable("event_scheduler").upper()
    if state == "ON":
        return [ok(CHECK, "ON", "ON")]
    remedy = (
        "SET GLOBAL event_scheduler = ON"
        if state == "OFF"
        else "restart the server with event_scheduler = ON"
    )
    return [error(CHECK, state or "not set", "ON, also in the server's configuration", remedy + "; look at SHOW EVENTS first, sleeping jobs would wake up")]  # fmt: skip
