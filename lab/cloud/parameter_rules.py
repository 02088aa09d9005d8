"""What ModifyDBParameterGroup refuses, in AWS's words: nothing of moto is known here.

Words as users of Terraform quote them (InvalidParameterValue "Invalid parameter value: 1 for: log_connections
allowed values are: ...", "Could not find parameter with name: ...", InvalidParameterCombination "cannot use
immediate apply method for static parameter") and as AWS says for every empty parameter of a request ("The
parameter ... must be provided and must not be blank."). That a parameter of Amazon's "cannot be modified" are
our words: nobody was found who quotes AWS's.
"""

from __future__ import annotations

from pathlib import Path

import yaml

RULES = yaml.safe_load((Path(__file__).parent / "rds_parameters.yaml").read_text(encoding="utf-8"))
ALLOWED: dict[str, list[str]] = RULES["allowed"]


def refusal(name: str, value: str | None, method: str) -> tuple[str, str] | None:
    """(code, message) of the answer to this parameter; None when it is taken."""
    if not value:
        return "InvalidParameterValue", "The parameter ParameterValue must be provided and must not be blank."
    if name in RULES["unknown"]:
        return "InvalidParameterValue", f"Could not find parameter with name: {name}"
    if name in RULES["amazons"]:
        return "InvalidParameterValue", f"The parameter {name} cannot be modified."
    if name in RULES["static"] and method == "immediate":
        return "InvalidParameterCombination", "cannot use immediate apply method for static parameter"
    given = value.split(",") if name == "sql_mode" else [value]
    if name in ALLOWED and not set(given) <= set(ALLOWED[name]):
        allowed = ", ".join(ALLOWED[name])
        return (
            "InvalidParameterValue",
            f"Invalid parameter value: {value} for: {name} allowed values are: {allowed}",
        )
    return None
