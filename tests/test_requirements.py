"""What plugins/ and dags/ import from outside stands in requirements.txt."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRANSITIVE = {
    "botocore": "boto3",
    "fastapi": "apache-airflow",
    "markupsafe": "jinja2",
    "sqlalchemy": "apache-airflow",
    "starlette": "apache-airflow",
}
"""Modules that come with a package that is named: they are its own interface."""


def imported() -> set[str]:
    names: set[str] = set()
    for folder in ("plugins", "dags"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"livemove", "livemove_plugin"}


def test_every_package_that_is_imported_is_asked_for() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    wanted = {
        re.split(r"[=<>\[;]", line)[0].strip().lower()
        for line in text.splitlines()
        if line[:1] not in ("#", "")
    }
    homes = packages_distributions()
    missing = {
        name
        for name in imported() - TRANSITIVE.keys()
        if not wanted & {home.lower() for home in homes.get(name, [])}
    }
    assert not missing
    assert {home for name, home in TRANSITIVE.items() if name in imported()} <= wanted
