"""Every Airflow connection that the spec names exists and has what it needs."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok

CHECK = "connections"


def check(facts: Facts) -> list[Finding]:
    bad = [
        error(
            CHECK,
            problem,
            "an Airflow connection as the spec names it",
            f"Admin > Connections, or AIRFLOW_CONN_{name.upper()}",
            subject=name,
        )
        for name, problem in facts.connections.items()
        if problem
    ]
    return bad or [ok(CHECK, f"{len(facts.connections)} connections are there")]
