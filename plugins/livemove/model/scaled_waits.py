"""Which of a spec's waits are scaled for a rehearsal, and what production would have."""

from __future__ import annotations

from datetime import time
from typing import Any

from pydantic import BaseModel

from livemove.model.spec import MigrationSpec

SCALED = (
    ("dns", "ttl"),
    ("dns", "propagation_timeout"),
    ("window", "opens"),
    ("window", "closes"),
    ("drain", "share"),
    ("drain", "seconds"),
    ("drain", "timeout"),
    ("replication", "full_load_timeout"),
    ("replication", "max_lag"),
    ("switchover", "lease"),
    ("switchover", "pause_budget"),
    ("soak",),
    ("gates", "timeout"),
    ("infra", "deletion_protection"),
)


def scaled_waits(spec: MigrationSpec) -> dict[str, tuple[str, str]]:
    """Dotted name -> (value here, the model's default), only where they differ."""
    out = {}
    for path in SCALED:
        here, usual = _value(spec, path), _default(path)
        if here != usual:
            out[".".join(path)] = (_text(here), _text(usual))
    return out


def _value(spec: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        spec = getattr(spec, part)
    return spec


def _default(path: tuple[str, ...]) -> Any:
    model: type[BaseModel] = MigrationSpec
    for part in path[:-1]:
        nested = model.model_fields[part].annotation
        assert isinstance(nested, type)
        assert issubclass(nested, BaseModel)
        model = nested
    return model.model_fields[path[-1]].default


def _text(value: Any) -> str:
    return (
        value.strftime("%H:%M")
        if isinstance(value, time)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
