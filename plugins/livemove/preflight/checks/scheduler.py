"""The event scheduler runs: the dead-man's switch of the fence is an event."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.source_settings import SCHEDULER
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import ok
from livemove.preflight.setting_check import wrong_settings

CHECK = SCHEDULER


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    return wrong_settings(CHECK, db) or [ok(CHECK, "ON", "ON")]
