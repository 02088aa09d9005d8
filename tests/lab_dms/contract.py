"""The lab's answers against the shapes of the service's own model, as botocore carries it."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session

PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "boolean": (bool,),
}


@cache
def model() -> Any:
    return botocore.session.get_session().get_service_model("dms")


def problems(operation: str, answer: Any) -> list[str]:
    """Members that the model does not know, and values of another type; with their paths."""
    shape = model().operation_model(operation).output_shape
    return _wrong(shape, answer, operation) if shape else []


def _wrong(shape: Any, value: Any, path: str) -> list[str]:
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path} is no structure: {value!r}"]
        out = [f"{path} has {k}, which the model does not know" for k in value if k not in shape.members]
        return out + [
            w
            for k, v in value.items()
            if k in shape.members
            for w in _wrong(shape.members[k], v, f"{path}.{k}")
        ]
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [f"{path} is no list: {value!r}"]
        return [w for n, v in enumerate(value) for w in _wrong(shape.member, v, f"{path}[{n}]")]
    good = isinstance(value, PLAIN[shape.type_name]) and (
        shape.type_name == "boolean" or not isinstance(value, bool)
    )
    return [] if good else [f"{path} is no {shape.type_name}: {value!r}"]
