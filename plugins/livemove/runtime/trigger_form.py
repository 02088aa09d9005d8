"""Spec -> trigger form: what may be changed for one run, and the precedence (the form wins over the spec).

Every field of the form stands for one value of the spec; its default is the spec's own value, so an
untouched form changes nothing. `ignore_window` is the one field without a value of its own in the spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from pydantic import ValidationError

from livemove.model.errors import RefusedError
from livemove.model.spec import MigrationSpec

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


@dataclass(frozen=True)
class Field:
    """One field of the trigger form. `path` is where its value stands in the spec."""

    name: str
    path: tuple[str, ...]
    section: str
    title: str
    help: str
    schema: Mapping[str, Any]

    def of(self, spec: MigrationSpec) -> Any:
        """The spec's own value, as the form shows it."""
        value: Any = spec
        for part in self.path:
            value = getattr(value, part)
        return value.strftime("%H:%M") if isinstance(value, time) else value


def _seconds(**more: Any) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, **more}


NAME, MOVE, WAITS = "The name", "The move of the writes", "Waiting and asking"
_CLOCK = {"type": "string", "pattern": CLOCK}
_TTL = {"type": "integer", "minimum": 1, "maximum": 86400}

FIELDS = (
    Field(
        "dns_ttl",
        ("dns", "ttl"),
        NAME,
        "TTL during the move (s)",
        "Caches keep an answer this long. The old TTL is put back when the data centre is retired.",
        _TTL,
    ),
    Field(
        "window_opens",
        ("window", "opens"),
        NAME,
        "Window opens",
        "HH:MM in the spec's time zone. The name and the writes move only inside the window.",
        _CLOCK,
    ),
    Field(
        "window_closes",
        ("window", "closes"),
        NAME,
        "Window closes",
        "HH:MM; may be past midnight. The same time as the opening: open all day.",
        _CLOCK,
    ),
    Field(
        "propagation_timeout",
        ("dns", "propagation_timeout"),
        NAME,
        "Longest wait for caches (s)",
        "When a name server still answers the old address after this time, the task fails and says which.",
        _seconds(),
    ),
    Field(
        "drain_seconds",
        ("drain", "seconds"),
        NAME,
        "Old site quiet for (s)",
        "The old site counts as empty when its share of requests stayed under the limit for this long.",
        _seconds(),
    ),
    Field(
        "drain_share",
        ("drain", "share"),
        NAME,
        "Largest share at the old site",
        "0 to 1. 0 means: not one request.",
        {"type": "number", "minimum": 0, "maximum": 1},
    ),
    Field(
        "drain_timeout",
        ("drain", "timeout"),
        NAME,
        "Longest wait for the drain (s)",
        "Users on stretched caches and open connections may need long.",
        _seconds(),
    ),
    Field(
        "pause_budget",
        ("switchover", "pause_budget"),
        MOVE,
        "Pause budget (s)",
        "The switchover is undone when writes have paused this long before its commit.",
        {"type": "number", "exclusiveMinimum": 0},
    ),
    Field(
        "lease",
        ("switchover", "lease"),
        MOVE,
        "Lease of the fence (s)",
        "If everything dies, the old owner opens again by itself after this time. At least twice the pause"
        " budget.",
        {"type": "number", "minimum": 5, "maximum": 900},
    ),
    Field(
        "hold",
        ("switchover", "hold"),
        MOVE,
        "Hold requests meanwhile",
        "Servers let requests wait during the pause instead of failing them.",
        {"type": "boolean"},
    ),
    Field(
        "max_lag",
        ("replication", "max_lag"),
        MOVE,
        "Largest lag (s)",
        "CDC counts as caught up when a watermark row arrives within this time.",
        _seconds(),
    ),
    Field(
        "soak",
        ("soak",),
        WAITS,
        "Soak (s)",
        "How long the moved service is watched before the last question is asked.",
        _seconds(),
    ),
    Field(
        "gates_timeout",
        ("gates", "timeout"),
        WAITS,
        "Longest wait for an answer (s)",
        "An unanswered question changes nothing: its task fails, and clearing it asks again.",
        {"type": "number", "minimum": 1},
    ),
)
IGNORE_WINDOW = "ignore_window"


def trigger_form(spec: MigrationSpec) -> dict[str, Any]:
    """The Params of this service's DAG, in the order of the form."""
    from airflow.sdk import Param

    form = {
        f.name: Param(f.of(spec), section=f.section, title=f.title, description_md=_help(f, spec), **f.schema)
        for f in FIELDS
    }
    form[IGNORE_WINDOW] = Param(
        False,
        type="boolean",
        section=NAME,
        title="Move outside the window",
        description_md="Ignore the window in this run: the move may happen at any hour.",
    )
    return form


def _help(field: Field, spec: MigrationSpec) -> str:
    # no inline code: Airflow's form draws its box over the line above
    return f"{field.help} The spec says {field.of(spec)} ({'.'.join(field.path)})."


def decisions(spec: MigrationSpec, params: Mapping[str, Any]) -> dict[str, Any]:
    """Only what the form decides differently from the spec."""
    return {
        f.name: params[f.name]
        for f in FIELDS
        if params.get(f.name) is not None and params[f.name] != f.of(spec)
    }


def settle(spec: MigrationSpec, params: Mapping[str, Any]) -> MigrationSpec:
    """The spec with this run's changes; RefusedError names a field whose value cannot be."""
    chosen = decisions(spec, params)
    if not chosen and not params.get(IGNORE_WINDOW):
        return spec
    data = spec.model_dump()
    for field in FIELDS:
        if field.name in chosen:
            _put(data, field.path, chosen[field.name])
    if params.get(IGNORE_WINDOW):
        data["window"]["opens"] = data["window"]["closes"] = time(0, 0)
    try:
        return MigrationSpec.model_validate(data)
    except ValidationError as e:
        raise RefusedError(
            "The trigger form does not fit: " + "; ".join(_complaint(x) for x in e.errors()),
            wanted="values that the spec itself could have",
            next_step="trigger the DAG again with a fixed form; nothing was changed",
        ) from None


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = value


def _complaint(error: Any) -> str:
    path = tuple(str(p) for p in error["loc"])
    # a rule over several values names their common place, for example switchover
    names = [f.name for f in FIELDS if f.path[: len(path)] == path] or [".".join(path)]
    return f"{', '.join(names)}: {error['msg'].removeprefix('Value error, ')}"


def explain(spec: MigrationSpec, params: Mapping[str, Any]) -> str:
    """This run's settings and where they come from, a line each; the form goes before the spec."""
    settled, chosen = settle(spec, params), decisions(spec, params)
    lines = ["Settings of this run. The trigger form goes before the spec; an untouched field is the spec's."]
    for field in FIELDS:
        source = f"form (spec: {field.of(spec)})" if field.name in chosen else "spec"
        if params.get(IGNORE_WINDOW) and field.path[0] == "window":
            source = f"form: {IGNORE_WINDOW} (spec: {field.of(spec)})"
        lines.append(f"{'.'.join(field.path):<26} {field.of(settled)!s:<10} from the {source}")
    return "\n".join(lines)
