"""Does a set of identity policies allow an action on a resource? As IAM decides it, for what ours use.

Allow statements only (ours deny nothing), wildcards in actions and resources, and the condition operators of
include/iam; an operator that is not known here is an error, never a yes.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Policy = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Need:
    """One thing that a call needs: an action on a resource, with the values of the condition keys."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


def denied(
    policies: Sequence[Policy], needs: Iterable[Need], without: frozenset[str] = frozenset()
) -> Need | None:
    """The first need that no statement allows; `without`: actions that are taken away."""
    for need in needs:
        if need.action in without or not any(
            _allows(s, need) for policy in policies for s in policy["Statement"]
        ):
            return need
    return None


def _allows(statement: Mapping[str, Any], need: Need) -> bool:
    return (
        statement["Effect"] == "Allow"
        and any(_fits(p, need.action, re.IGNORECASE) for p in _list(statement["Action"]))
        and any(_fits(p, need.resource) for p in _list(statement["Resource"]))
        and all(
            _holds(operator, key, _list(wanted), need.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, key: str, wanted: Sequence[str], context: Context) -> bool:
    found = context.get(key)
    if operator == "ForAllValues:StringEquals":
        return all(v in wanted for v in _list(found or ()))
    if operator.endswith("IfExists") and found is None:
        return True
    values = _list(found if found is not None else ())
    match operator.removesuffix("IfExists"):
        case "StringEquals":
            return any(v in wanted for v in values)
        case "StringLike" | "ArnLike" | "ArnEquals":
            return any(_fits(w, v) for w in wanted for v in values)
    raise ValueError(f"the lab does not know the condition operator {operator}")


def _fits(pattern: str, text: str, flags: int = 0) -> bool:
    return _compiled(pattern, flags).fullmatch(text) is not None


@cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped, flags | re.DOTALL)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]
