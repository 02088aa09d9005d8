"""Writes docs/reference.md from the code: spec, forms, connections, tasks, operators, checks, errors.

    python scripts/reference.py            write it
    python scripts/reference.py --check    exit 1 when the file is not what the code says

Nothing in that file is written by hand; a text that is wrong there is wrong in a docstring or a description.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import os
import re
import sys
import tempfile
import typing
from collections.abc import Iterable, Iterator, Sequence
from datetime import time
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference.md"
SHOP = ROOT / "include" / "migrations" / "shop.yaml"
OPERATORS = (
    "preflight.operators",
    "provisioning.operators",
    "servers.operators.servers",
    "trial.operators",
    "schema.operators",
    "replication.operators",
    "comparison.operators",
    "dns.operators",
    "reporting.operators.gate",
    "reporting.operators.promotion_gate",
    "switchover.operators.switchover",
    "switchover.operators.rollback",
    "switchover.operators.promotion",
    "servers.operators.retire",
    "reporting.operators.report",
)
SENSORS = (
    "replication.sensors",
    "dns.sensors",
    "traffic.sensors.shift",
    "traffic.sensors.drain",
    "switchover.sensors",
)


def main(words: Sequence[str]) -> int:
    made = reference()
    if "--check" not in words:
        REFERENCE.write_text(made, encoding="utf-8")
        return 0
    if REFERENCE.read_text(encoding="utf-8") == made:
        return 0
    print("docs/reference.md is not what the code says: run `make reference`", file=sys.stderr)
    return 1


def reference() -> str:
    """The whole page as Markdown."""
    parts = [HEAD, *spec_part(), *connections_part(), *forms_part(), *tasks_part(), *operators_part()]
    parts += [*checks_part(), *guards_part(), *commands_part(), *errors_part(), *ledger_part()]
    return "\n\n".join(p.strip("\n") for p in parts if p.strip()) + "\n"


HEAD = """# Reference

Made from the code by `make reference`; do not edit it by hand. Terms are those of the [story](story.md).

[Spec](#the-spec) · [Connections](#connections) · [Trigger forms](#trigger-forms) · [Tasks](#tasks)
· [Operators](#operators) · [Sensors](#sensors) · [Preflight checks](#preflight-checks)
· [Guards](#guards-of-the-switchover) · [Commands](#commands) · [Exit codes](#exit-codes)
· [Errors](#errors) · [Ledger](#ledger)"""


# The spec -------------------------------------------------------------------------------------------
def spec_part() -> Iterator[str]:
    from livemove.model.spec import MigrationSpec

    yield (
        "## The spec\n\n`include/migrations/<service>.yaml`, one file for each service. An unknown key, or a"
        " value that does not fit, is refused with file and line. Times are in seconds unless said otherwise."
        " [shop.yaml](../include/migrations/shop.yaml) is the lab's,"
        " [example-aws.yaml](../include/migrations/example-aws.yaml) one for AWS."
    )
    yield from _model(MigrationSpec, "")


def _model(model: Any, path: str) -> Iterator[str]:
    """The table of one section, then those of the sections within it."""
    rows, below = [], []
    for name, field in model.model_fields.items():
        inner = _section(field.annotation)
        where = f"{path}.{name}".lstrip(".")
        if inner:
            below.append((where, field.annotation, inner))
            continue
        rows.append((f"`{name}`", _type(field), _default(field), field.description or ""))
    if path:
        yield f"### {path}"
        yield _first(model)
    else:
        yield "### At the top"
    yield table(("field", "type", "default", "meaning"), rows) if rows else ""
    for where, annotation, inner in below:
        many = typing.get_origin(annotation) is tuple
        yield from _model(inner, f"{where}[]" if many else where)


def _section(annotation: Any) -> Any:
    from pydantic import BaseModel

    for one in (annotation, *typing.get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _type(field: Any) -> str:
    limits = [_limit(m) for m in field.metadata]
    if any(t[0] in ">≥" and t != "≥ 0" for t in limits if t):
        limits = [t for t in limits if t != "≥ 0"]
    return ", ".join([_name(field.annotation), *(t for t in limits if t)])


def _name(annotation: Any) -> str:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        extra = [_limit(limit) for m in args[1:] for limit in getattr(m, "metadata", [m])]
        return ", ".join([_name(args[0]), *(e for e in extra if e)])
    if origin in (typing.Union, UnionType):
        return _name(next(a for a in args if a is not NoneType))
    if origin is typing.Literal:
        return ", ".join(f"`{a}`" for a in args)
    if origin is tuple:
        return f"list of {_name(args[0])}"
    if origin is dict or annotation is Any:
        return "any words and values" if origin is dict else "anything"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{a}`" for a in annotation)
    words = {
        "str": "text",
        "int": "whole number",
        "float": "number",
        "bool": "true or false",
        "time": "HH:MM",
        "date": "date",
    }
    return words[annotation.__name__]


def _limit(m: Any) -> str:
    for key, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        if getattr(m, key, None) is not None:
            return f"{sign} {getattr(m, key)}"
    if getattr(m, "min_length", None):
        return f"at least {m.min_length}"
    return f"`{m.pattern}`" if getattr(m, "pattern", None) else ""


def _default(field: Any) -> str:
    return "**required**" if field.is_required() else _spelled(field.get_default(call_default_factory=True))


def _spelled(value: Any) -> str:
    """A default as YAML and the command line spell it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, time):
        return f"`{value:%H:%M}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


# Connections ----------------------------------------------------------------------------------------
def connections_part() -> Iterator[str]:
    from livemove.model.spec import MigrationSpec

    yield (
        "## Connections\n\nLogins are Airflow connections, or `AIRFLOW_CONN_<ID>` in the environment. The"
        " spec names their ids. No password is ever in the spec."
    )
    yield table(
        ("named in the spec by", "what it is"),
        [(f"`{where}`", text) for where, text in _connections(MigrationSpec, "")],
    )


def _connections(model: Any, path: str) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        where = f"{path}.{name}".lstrip(".")
        if name == "connection":
            yield where, field.description or ""
        elif inner := _section(field.annotation):
            many = typing.get_origin(field.annotation) is tuple
            yield from _connections(inner, f"{where}[]" if many else where)


# Trigger forms --------------------------------------------------------------------------------------
def forms_part() -> Iterator[str]:
    yield (
        "## Trigger forms\n\nWhat the form says goes before the spec, for this run only. An untouched form"
        " changes nothing."
    )
    for dag in _dags():
        rows = []
        for name in dag.params:
            param = dag.params.get_param(name)
            schema = param.schema
            text = str(schema.get("description_md") or param.description or "")
            # the spec's own values are those of the lab's service, and say nothing here
            text = re.sub(r" The spec says .*?\(([\w.]+)\)\.", r" In the spec: `\1`.", text)
            title = str(schema.get("title", "")).replace("Type shop ", "Type the service's name ")
            rows.append((f"`{name}`", title, text))
        if rows:
            yield f"### {_generic(dag.dag_id)}"
            yield table(("field", "title", "meaning"), rows)


# Tasks ----------------------------------------------------------------------------------------------
def tasks_part() -> Iterator[str]:
    yield "## Tasks\n\nEvery task may run twice: it looks first at what is there."
    for dag in _dags():
        yield f"### Tasks of {_generic(dag.dag_id)}"
        yield _sentence((dag.description or "").replace("www.shop.test", "The public name"))
        rows = [(f"`{t.task_id}`", t.task_display_name, _class_of(t)) for t in _in_order(dag)]
        yield table(("task", "in Airflow's grid", "operator"), rows)


def _in_order(dag: Any) -> list[Any]:
    """Chapter by chapter, and within each in the order in which its tasks run."""
    tasks: list[Any] = []
    for child in dag.task_group.children.values():
        inner = getattr(child, "children", None)
        tasks += child.topological_sort() if inner is not None else [child]
    return tasks


def _class_of(task: Any) -> str:
    name = getattr(task, "operator_class", None)
    name = name.__name__ if isinstance(name, type) else task.task_type
    return f"[{name}](#{name.lower()})"


def _generic(dag_id: str) -> str:
    return dag_id.replace("_shop", "_&lt;service&gt;")


def _dags() -> list[Any]:
    from livemove.model.spec import load_spec

    sys.path.insert(0, str(ROOT / "dags"))
    spec = load_spec(SHOP)
    makers = (("migrate", "migration"), ("rollback", "way_back"), ("promote", "emergency"))
    try:
        return [getattr(import_module(file), maker)(spec) for file, maker in makers]
    finally:
        sys.path.pop(0)


# Operators and sensors ------------------------------------------------------------------------------
def operators_part() -> Iterator[str]:
    yield (
        "## Operators\n\nAll of them take `service`, the name of a spec, and whatever Airflow's"
        " `BaseOperator` takes."
    )
    yield from _classes("livemove", OPERATORS)
    yield (
        "## Sensors\n\nA sensor looks once in the worker and then goes on in the triggerer, so that no worker"
        " slot waits. Each look writes one line: what is awaited, how far it is, what comes next."
    )
    yield from _classes("livemove", SENSORS)


def _classes(package: str, names: Iterable[str]) -> Iterator[str]:
    from livemove.runtime.operator import LivemoveOperator

    for name in names:
        module = import_module(f"{package}.{name}")
        for title, one in vars(module).items():
            own = inspect.isclass(one) and one.__module__ == module.__name__
            if (
                own
                and issubclass(one, LivemoveOperator)
                and not title.startswith("_")
                and "execute" in dir(one)
            ):
                yield f"### {title}"
                yield _described(one)
                if extra := _parameters(one):
                    yield f"Parameters: {', '.join(extra)}."


def _described(one: type) -> str:
    """The class's own docstring, `:param` lines as a list."""
    text = inspect.cleandoc(one.__doc__ or "") if one.__doc__ != _base_doc(one) else ""
    text = re.sub(r"^:param (\w+): (.*)$", r"- `\1`: \2", text, flags=re.MULTILINE)
    return _escaped(text)


def _base_doc(one: type) -> str | None:
    return one.__mro__[1].__doc__


def _parameters(one: type) -> list[str]:
    init = one.__dict__.get("__init__")
    if init is None:
        return []
    known = inspect.signature(inspect.unwrap(init)).parameters.values()
    return [
        f"`{p.name}`" + ("" if p.default is p.empty else f" (default {_spelled(p.default)})")
        for p in known
        if p.kind is p.KEYWORD_ONLY and p.name != "service"
    ]


# Checks and guards ----------------------------------------------------------------------------------
def checks_part() -> Iterator[str]:
    from livemove.preflight import checks as preflight

    yield (
        "## Preflight checks\n\nEach reads only. An error stops the run, a warning has to be accepted at the"
        " first question. The runbook says [what is behind some of them](runbook.md#what-the-source-needs)."
    )
    modules: tuple[ModuleType, ...] = (*preflight.OF_THE_WORLD, *preflight.OF_THE_DATABASE)
    rows = [(getattr(m, "CHECK", m.__name__.rpartition(".")[2]), _first(m)) for m in modules]
    yield table(("check", "what it looks at"), sorted(rows))


def guards_part() -> Iterator[str]:
    from livemove.switchover import guards

    yield (
        "## Guards of the switchover\n\nStep 0 asks all of them and lists every reason. Those marked *told*"
        " refuse only the way forth; a rollback says them and goes on."
    )
    rows = [
        (
            g.__name__.replace("_", " "),
            (g.__doc__ or "").strip(),
            "told" if g in guards.ONLY_FORTH else "refuses",
        )
        for g in guards.GUARDS
    ]
    yield table(("guard", "meaning", "on the way back"), rows)


# The command ----------------------------------------------------------------------------------------
def commands_part() -> Iterator[str]:
    import typer

    from livemove.cli import commands as cli

    group: Any = typer.main.get_command(cli.app)
    yield "## Commands\n\n`livemove <command>`, or `python -m livemove.cli` with `PYTHONPATH=plugins`."
    for name, command in group.commands.items():
        yield f"### livemove {name}"
        yield _escaped(inspect.cleandoc(command.help or ""))
        rows = []
        for p in command.params:
            if p.name == "help":
                continue
            spelled = p.metavar if p.param_type_name == "argument" else ", ".join(p.opts)
            default = "**required**" if p.required else _told_default(p)
            rows.append((f"`{spelled}`", default, getattr(p, "help", None) or ""))
        yield table(("option", "default", "meaning"), rows) if rows else "It takes no option."
    yield "## Exit codes"
    found = re.findall(r"(\d) (\S.*?)(?=\s{3,}\d |\n|$)", str(cli.__doc__))
    yield table(("code", "meaning"), sorted((code, text) for code, text in found))


def _told_default(p: Any) -> str:
    return _spelled(None if p.default == "" or p.multiple else p.default)


# Errors ---------------------------------------------------------------------------------------------
def errors_part() -> Iterator[str]:
    from livemove.cli import commands as cli
    from livemove.model import errors

    yield (
        "## Errors\n\nEvery message says what was found, what was wanted and what to do next."
        " [what-if.md](what-if.md) goes through them by what you see."
    )
    kinds = [e for e in vars(errors).values() if inspect.isclass(e) and issubclass(e, errors.LivemoveError)]
    codes = dict(cli.CODES)
    rows = [
        (
            f"`{e.__name__}`",
            (e.__doc__ or "").strip(),
            str(next((codes[k] for k in e.__mro__ if k in codes), 1)),
        )
        for e in kinds
        if e is not errors.LivemoveError and e is not errors.SwitchoverError
    ]
    yield table(("error", "meaning", "exit code"), rows)


# The ledger -----------------------------------------------------------------------------------------
def ledger_part() -> Iterator[str]:
    from livemove.model import ledger

    yield (
        "## Ledger\n\nWhat happened, as JSON beside the Terraform state:"
        " `<service>/ledger/documents/<name>.json` and `<service>/ledger/events/<time>-<id>.json` in the"
        " service's bucket. It informs; the control rows decide which database is the owner. Unknown fields"
        " are kept. A document that cannot be read is named and left out of lists; a task that needs it fails"
        " with its name, unless the document is only shown. Every document has a `version`; every event has"
        " `event`, `version`, `time`, `run_id`, `task_id` and `dag_id`."
    )
    rooms = dict.fromkeys(k.__module__ for k in [*ledger.DOCUMENTS.values(), *ledger.EVENTS.values()])
    for room in rooms:
        module = import_module(room)
        yield f"### Ledger: {room.rpartition('.')[2]}\n\n{_first(module)}"
        kinds = [k for k in vars(module).values() if inspect.isclass(k) and k.__module__ == room]
        yield table(("document or event", "field", "type", "meaning"), _kinds(kinds, ledger))


def _kinds(kinds: Iterable[type], ledger: ModuleType) -> Iterator[tuple[str, str, str, str]]:
    for kind in kinds:
        if kind in ledger.DOCUMENTS.values():
            shown = " Only shown." if getattr(kind, "ONLY_SHOWN", False) else ""
            yield f"**`{getattr(kind, 'NAME', '')}`**", "", "", _first(kind) + shown
        elif kind in ledger.EVENTS.values():
            yield f"event **`{_model_fields(kind)['event'].default}`**", "", "", _first(kind)
        else:
            continue
        meanings = _field_docs(kind)
        for name, field in _model_fields(kind).items():
            if name not in ledger.Event.model_fields and name != "version":
                named = field.serialization_alias or name
                yield "", f"`{named}`", _ledger_type(field.annotation), meanings.get(name, "")


def _model_fields(kind: Any) -> dict[str, Any]:
    return dict(kind.model_fields)


def _ledger_type(annotation: Any) -> str:
    from pydantic import BaseModel

    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return "time"
    if origin in (typing.Union, UnionType):
        return f"{_ledger_type(next(a for a in args if a is not NoneType))} or null"
    if origin in (list, tuple):
        return f"list of {' and '.join(dict.fromkeys(map(_ledger_type, args)))}"
    if origin is dict:
        return f"{_ledger_type(args[1])} by name"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return ", ".join(f"`{f.serialization_alias or n}`" for n, f in annotation.model_fields.items())
    return _name(annotation)


def _field_docs(kind: type) -> dict[str, str]:
    """The texts below the fields of a class and of those it is made of."""
    found: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if not one.__module__.startswith("livemove.model.ledger"):
            continue
        (body,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(one))).body
        assert isinstance(body, ast.ClassDef)
        for field, text in itertools.pairwise(body.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    found[name] = words
    return found


# Words ----------------------------------------------------------------------------------------------
def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _escaped(" ".join(str(text).split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    """<words> as text, not as a tag; code spans say themselves what they are."""
    spans = re.split(r"(`[^`]*`)", text)
    return "".join(t if t.startswith("`") else re.sub(r"<(\w+)>", r"&lt;\1&gt;", t) for t in spans)


def _first(one: Any) -> str:
    """The first sentence of a docstring."""
    return _sentence(inspect.cleandoc(one.__doc__ or "").split("\n\n")[0].split("\n")[0])


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def run() -> int:
    """In a home of its own: importing Airflow writes a configuration where there is none."""
    with tempfile.TemporaryDirectory(prefix="livemove-reference-") as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["LIVEMOVE_MIGRATIONS"] = str(SHOP.parent)
        return main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(run())
