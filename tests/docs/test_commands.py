"""Commands in the docs exist: make targets with their variables, livemove's commands, compose's services."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

import pytest
import typer
import yaml

from lab.rehearsal.scenario import ROLLBACKS, STORIES
from lab.specs import APPS
from livemove import cli
from tests.docs.pages import ROOT, Page, commands, pages

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
RULES = {
    m[1]: m[0] for m in re.finditer(r"^([a-z-]+):(?:[^=\n].*)?\n(?:\t.*\n|\s*\\\n)*", MAKEFILE + "\n", re.M)
}
CHOICES = {
    "ROLLBACK": ROLLBACKS,
    "STORY": STORIES,
    "DNS": ("rfc2136", "manual", "route53"),
    "APP": tuple(a for a in APPS if a),
}
COMMANDS: dict[str, Any] = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
SETTING = re.compile(r"\bLIVEMOVE_[A-Z_]+\b")
PAGES = [p for p in pages() if p.path.name != "reference.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_make_targets_and_their_variables_exist(page: Page) -> None:
    wrong = []
    for line in commands(page, "make"):
        words = shlex.split(line.replace("<", "'<").replace(">", ">'"), comments=True)[1:]
        targets = [w for w in words if "=" not in w]
        assert targets, line
        for target in targets:
            if target not in RULES:
                wrong.append(f"{line}: no target {target}")
        for name, _, value in (w.partition("=") for w in words if "=" in w):
            if not any(f"$({name})" in RULES.get(t, "") for t in targets):
                wrong.append(f"{line}: {targets} does not read {name}")
            if name in CHOICES and not value.startswith("<") and value not in CHOICES[name]:
                wrong.append(f"{line}: {name} is one of {CHOICES[name]}")
    assert not wrong


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_livemove_commands_and_options_exist(page: Page) -> None:
    wrong = []
    for line in commands(page, "livemove"):
        names = re.findall(r"(?<=[ |])[a-z-]+", line.split(" --")[0])
        first = line.split()[1]
        if first.startswith("<"):
            continue
        # `livemove status | compare | repair` names several
        several = [n for n in names if n in COMMANDS] if "|" in line else [first]
        for name in several or [first]:
            if name not in COMMANDS:
                wrong.append(f"{line}: no command {name}")
                continue
            known = {o for p in COMMANDS[name].params for o in p.opts}
            wrong += [f"{line}: {name} has no {o}" for o in re.findall(r"--[a-z-]+", line) if o not in known]
    assert not wrong


def test_every_command_and_target_is_told() -> None:
    text = "\n".join(p.text for p in pages())
    assert [c for c in COMMANDS if f"livemove {c}" not in text] == []
    told = {w for p in pages() for line in commands(p, "make") for w in line.split()[1:]}
    helped = {t for t, rule in RULES.items() if "##" in rule}
    quiet = {"help", "check", "format", "lint", "types", "imports", "unit", "story", "clean", "logs"}
    assert helped - told - quiet == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_services_of_compose_exist(page: Page) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
    known = {*compose["services"], *(x for s in compose["services"].values() for x in s.get("profiles", ()))}
    wrong = [
        line
        for line in commands(page, "docker compose")
        for m in [re.search(r"(?:--profile (\w+) )?(?:build|exec|run --rm) ([\w-]+)", line)]
        if m and not {w for w in m.groups() if w} <= known
    ]
    assert not wrong


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_settings_in_the_environment_are_read_somewhere(page: Page) -> None:
    assert set(SETTING.findall(page.text)) <= settings_read()


@cache
def settings_read() -> set[str]:
    trees = ("plugins", "lab", "scripts", "Makefile", "docker-compose.yaml", "Dockerfile")
    files = [
        f for t in trees for f in ([ROOT / t] if (ROOT / t).is_file() else sorted((ROOT / t).rglob("*")))
    ]
    texts = (f.read_text(errors="ignore") for f in files if f.is_file() and f.suffix != ".pyc")
    return {name for text in texts for name in SETTING.findall(text)}
