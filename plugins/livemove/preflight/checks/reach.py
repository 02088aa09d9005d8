"""The source database answers livemove's own account."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok

CHECK = "source"


def check(facts: Facts) -> list[Finding]:
    if facts.database is None:
        why = facts.problems.get("source", "not read")
        return [
            error(
                CHECK,
                why,
                "a login as livemove's own account",
                f"check connection {facts.spec.source.connection}, source.address and the firewall",
            )
        ]
    return [ok(CHECK, f"{facts.spec.source.address} answers, {facts.database.version}")]
