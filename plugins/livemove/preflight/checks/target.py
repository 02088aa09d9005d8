"""The target is empty, not made yet, or known from an earlier run: rows of others are never overwritten."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, warning

CHECK = "target"


def check(facts: Facts) -> list[Finding]:
    limit = "no tables of the schemas that move, or an earlier run's"
    if facts.target is None:
        if why := facts.problems.get("target"):
            return [
                warning(
                    CHECK,
                    why,
                    limit,
                    "check the RDS instance, its firewall and the target's connection; provision looks at it"
                    " again",
                )
            ]
        return [ok(CHECK, "not made yet; provision makes it, empty", limit)]
    there = ", ".join(f"{schema} ({n} tables)" for schema, n in sorted(facts.target.tables.items()) if n)
    if there and not facts.target.known:
        return [
            error(
                CHECK,
                f"{there}, and no livemove run made them",
                limit,
                "drop these schemas on the target if nobody needs them, or take another target: the full load"
                " empties tables first",
            )
        ]
    return [
        ok(CHECK, f"known from an earlier run: {there}" if there else f"empty, {facts.target.version}", limit)
    ]
