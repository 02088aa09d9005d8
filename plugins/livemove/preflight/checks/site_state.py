"""The state outside the database is declared: two sites that serve at once break on it.

Nothing here is measured: the spec's word is taken.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import ok, some, warning

CHECK = "site state"


def check(facts: Facts) -> list[Finding]:
    state, found = facts.spec.site_state, []
    if "site_state" not in facts.declared:
        found.append(
            warning(
                CHECK,
                "not declared",
                "sessions, uploads, jobs and partners in the spec",
                "add site_state to the spec after asking the application's owners",
            )
        )
    if state.sessions == "sticky":
        found.append(
            warning(
                CHECK,
                "sessions live on one site",
                "none, database or shared",
                "users are logged out when the name moves: move sessions into the database, or tell them",
                subject="sessions",
            )
        )
    if state.uploads == "copied":
        found.append(
            warning(
                CHECK,
                "uploads are copied between the sites",
                "none, database or shared",
                "a file is missing at the other site until it is copied: check the delay, and copy both ways",
                subject="uploads",
            )
        )
    if state.jobs == "both":
        found.append(
            warning(
                CHECK,
                "jobs run on both sites",
                "none, source or target",
                "let one site run them, or make each job safe to run twice",
                subject="jobs",
            )
        )
    if state.partners:
        found.append(
            warning(
                CHECK,
                f"partners allow our addresses: {some(state.partners)}",
                "they know the new ones",
                "tell them the new addresses before the name moves",
                subject="partners",
            )
        )
    return found or [
        ok(CHECK, f"sessions {state.sessions}, uploads {state.uploads}, jobs {state.jobs}, no partners")
    ]
