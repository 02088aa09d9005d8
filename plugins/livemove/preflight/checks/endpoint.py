"""The AWS endpoint is the one that the spec means: loopback in a rehearsal, AWS itself otherwise."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, warning

CHECK = "aws endpoint"


def check(facts: Facts) -> list[Finding]:
    if "aws" in facts.problems:
        return [
            error(
                CHECK,
                facts.problems["aws"],
                "a loopback address in a rehearsal, AWS itself otherwise",
                f"set endpoint_url in the extra of connection {facts.spec.aws.connection}, or rehearsal:"
                " false in the spec",
            )
        ]
    if facts.endpoint and not facts.spec.rehearsal:
        return [
            warning(
                CHECK,
                f"{facts.endpoint}, but this is no rehearsal",
                "AWS itself",
                f"take endpoint_url out of connection {facts.spec.aws.connection}, or set rehearsal: true",
            )
        ]
    return [ok(CHECK, facts.endpoint or "AWS itself")]
