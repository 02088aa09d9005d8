"""AWS's answers as a file that can be replayed: a line of JSON for each call, without secrets. No I/O.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

SECRET = re.compile(
    r"password|secretstring|secretbinary|token|credential|privatekey|signature", re.IGNORECASE
)
"""Keys whose values are not kept; names and ARNs of secrets are."""
LONG = 1000
"""Characters of a text that are kept."""
ACCOUNT, NO_ACCOUNT = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])"), "111122223333"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
MASKED = "*" * 32
"""As long as AWS wants the shortest of those that are masked."""
TIME = "$time"


def line(service: str, operation: str, parameters: Mapping[str, Any], status: int, answer: Any) -> str:
    """One call and its answer; an error is an answer with `Error`."""
    kept = {k: v for k, v in answer.items() if k != "ResponseMetadata"} if isinstance(answer, Mapping) else {}
    return json.dumps(
        {
            "service": service,
            "operation": operation,
            "parameters": masked(parameters),
            "status": status,
            "answer": masked(kept),
        },
        ensure_ascii=False,
    )


def masked(value: Any, key: str = "") -> Any:
    """JSON without secrets and without the account's number."""
    if key and SECRET.search(key) and not isinstance(value, Mapping | list):
        return MASKED
    match value:
        case Mapping():
            return {str(k): masked(v, str(k)) for k, v in value.items()}
        case list() | tuple():
            return [masked(v, key) for v in value]
        case datetime():
            return {TIME: value.isoformat()}
        case str():
            text = ACCOUNT.sub(NO_ACCOUNT, value)
            return text if len(text) <= LONG else f"{text[:LONG]}..."
        case None | bool() | int() | float():
            return value
    return f"<{type(value).__name__}>"


def answers(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Recorded calls as boto3 gave them: times are datetimes again."""
    return [json.loads(text, object_hook=_times) for text in lines if text.strip()]


def _times(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found[TIME]) if set(found) == {TIME} else found
