"""An answer against botocore's service model: what AWS would never send is said, each by its place.

A fake that answers in another shape than AWS lets a mistake through that only the real account would show.
botocore's models are AWS's own; https://botocore.amazonaws.com/v1/documentation/api/latest/reference/loaders.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import botocore.model

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "timestamp": (datetime,),
    "map": (dict,),
    "list": (list,),
    "structure": (dict,),
}


LOOSE = {(".Events[].SourceType", "replication-task")}
"""Words that AWS's documentation has and its model does not: of DescribeEvents of DMS.
https://docs.aws.amazon.com/dms/latest/APIReference/API_Event.html"""


MOTOS_OWN = {".SecretList[].VersionIdsToStages"}
"""Members that moto adds of its own; every client drops them."""


def off(shape: botocore.model.Shape | None, value: Any, place: str = "") -> Iterator[str]:
    """What of a parsed answer is not as the model says: types, required members, values of an enum."""
    if shape is None or value is None:
        return
    wanted = TYPES.get(shape.type_name)
    if wanted and not isinstance(value, wanted):
        yield f"{place or '.'} is a {type(value).__name__}, wanted {shape.type_name}"
    elif isinstance(shape, botocore.model.StructureShape):
        members = dict(shape.members)
        yield from (f"{place}.{name} is missing" for name in shape.required_members if name not in value)
        for name, inner in value.items():
            if name in members:
                yield from off(members[name], inner, f"{place}.{name}")
    elif isinstance(shape, botocore.model.ListShape):
        for inner in value:
            yield from off(shape.member, inner, f"{place}[]")
    elif isinstance(shape, botocore.model.MapShape):
        for inner in value.values():
            yield from off(shape.value, inner, f"{place}{{}}")
    elif isinstance(shape, botocore.model.StringShape) and shape.enum and not _among(value, shape.enum):
        if (place, value) in LOOSE:
            return
        yield f"{place} is {value!r}, which is none of {', '.join(shape.enum)}"


def _among(word: str, enum: Iterable[str]) -> bool:
    """The models of EC2 and others write words in capitals that the service sends in small letters."""
    return word.lower() in {e.lower() for e in enum}


def invented(shape: botocore.model.Shape | None, body: Any, place: str = "") -> Iterator[str]:
    """Members of a JSON answer that the model does not know; a parser drops them in silence."""
    if isinstance(shape, botocore.model.StructureShape) and isinstance(body, Mapping):
        members = {s.serialization.get("name", n): s for n, s in shape.members.items()}
        for name, inner in body.items():
            if f"{place}.{name}" in MOTOS_OWN:
                continue
            if name not in members:
                yield f"{place}.{name} is not in the model"
            else:
                yield from invented(members[name], inner, f"{place}.{name}")
    elif isinstance(shape, botocore.model.ListShape) and isinstance(body, list):
        for inner in body:
            yield from invented(shape.member, inner, f"{place}[]")


def of_json(operation: botocore.model.OperationModel, content: bytes) -> Iterator[str]:
    """The same for the text of an answer, where the protocol is JSON."""
    if operation.service_model.metadata.get("protocol") == "json" and content:
        yield from invented(operation.output_shape, json.loads(content))
