"""Specs and their fields, as the pages show them, are those of the code; so are the names of tasks."""

from __future__ import annotations

import re
import sys
import typing
from functools import cache
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from livemove.model.spec import Commands, MigrationSpec, load_spec
from tests.docs.pages import ROOT, Page, pages

EXAMPLE = ROOT / "include" / "migrations" / "example-aws.yaml"
SECTIONS = set(MigrationSpec.model_fields)
CHAPTERS = (
    "preflight",
    "provision",
    "replicate",
    "validate",
    "switch_dns",
    "switchover",
    "retire",
    "rollback",
    "finish",
    "give_up",
)
PAGES = [p for p in pages() if p.path.name != "reference.md"]


def merged(whole: Any, part: Any) -> Any:
    if isinstance(whole, dict) and isinstance(part, dict):
        return {**whole, **{k: merged(whole.get(k), v) for k, v in part.items()}}
    return part


@pytest.mark.parametrize("page", [p for p in PAGES if p.blocks("yaml")], ids=lambda p: p.name)
def test_yaml_blocks_are_parts_of_a_spec(page: Page) -> None:
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    commands = example["servers"][0]["commands"]
    for block in page.blocks("yaml"):
        part = yaml.safe_load(block)
        if set(part) <= {"commands", *Commands.model_fields}:
            Commands.model_validate({**commands, **part.get("commands", part)})
        else:
            if "settings_merge" in part.get("application", {}):
                # one of the two
                part["application"].setdefault("settings", None)
            MigrationSpec.model_validate(merged(example, part))


def test_the_example_is_a_spec() -> None:
    MigrationSpec.model_validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_fields_and_tasks_that_are_named_exist(page: Page) -> None:
    known = tasks()
    wrong = []
    for span in page.spans:
        for name in re.findall(r"(?<![\w./-])([a-z_]+(?:\[\])?\.[a-z_.]+)\b(?![/(-])", span):
            first = name.split(".")[0].removesuffix("[]")
            if (
                name in known
                or not ({first} & (SECTIONS | set(CHAPTERS)))
                or name.endswith((".md", ".py", ".yaml", ".json", ".sql", ".html", ".sh"))
            ):
                continue
            if first in SECTIONS and field_is_there(name):
                continue
            wrong.append(name)
    assert not wrong


def field_is_there(path: str) -> bool:
    model: Any = MigrationSpec
    for part in path.replace("[]", "").split("."):
        if model is None or part not in model.model_fields:
            return False
        annotation = model.model_fields[part].annotation
        inner = [
            a
            for a in (annotation, *typing.get_args(annotation))
            if isinstance(a, type) and issubclass(a, BaseModel)
        ]
        model = inner[0] if inner else None
    return True


@cache
def tasks() -> set[str]:
    sys.path.insert(0, str(ROOT / "dags"))
    try:
        from migrate import migration
        from rollback import way_back
    finally:
        sys.path.pop(0)
    spec = load_spec(ROOT / "include" / "migrations" / "shop.yaml")
    ids = {t for dag in (migration(spec), way_back(spec)) for t in dag.task_ids}
    # where the spec asks for it
    return ids | {"rollback.automatic"}
