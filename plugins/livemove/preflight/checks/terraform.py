"""Terraform is on this worker; provision needs it. Other workers are not asked."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.preflight.facts import Facts, release_of
from livemove.preflight.result import error, ok

CHECK = "terraform"
OLDEST = (1, 11)
"""Write-only arguments came with 1.11, S3 lock files with 1.10."""


def check(facts: Facts) -> list[Finding]:
    limit = f"{OLDEST[0]}.{OLDEST[1]} or newer"
    if facts.terraform is None:
        return [
            error(
                CHECK,
                "not found on this worker",
                limit,
                "run `make setup`, or install Terraform and put it on PATH",
            )
        ]
    if release_of(facts.terraform) < OLDEST:
        return [error(CHECK, facts.terraform, limit, "install a newer Terraform on every worker")]
    return [ok(CHECK, facts.terraform, limit)]
