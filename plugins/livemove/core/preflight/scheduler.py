"""The event scheduler runs: the dead-man's switch of the fence is an event."""

from __future__ import annotations

from livemove.core.preflight.facts import DatabaseFacts
from livemove.core.preflight.result import ok
from livemove.core.preflight.settings import wrong_settings
from livemove.core.source_settings import SCHEDULER
from livemove.ports import Finding
from livemove.spec import MigrationSpec

CHECK = SCHEDULER


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    return wrong_settings(CHECK, db) or [ok(CHECK, "ON", "ON")]
