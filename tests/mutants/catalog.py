"""The list of mutants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    id: str
    file: str
    find: str
    """Occurs exactly once in the file."""
    replace: str
    breaks: str
    """The promise that does not hold any more."""
    tests: tuple[str, ...]


def load() -> list[Mutant]:
    text = (Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8")
    return [Mutant(**{**m, "tests": tuple(m["tests"].split())}) for m in yaml.safe_load(text)]
