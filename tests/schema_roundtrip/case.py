"""A folder of tests/cases: a schema that hurts, and what is to become of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).parents[1] / "cases"


@dataclass(frozen=True)
class Case:
    name: str

    @cached_property
    def declared(self) -> dict[str, Any]:
        path = CASES / self.name / "case.yaml"
        found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        if unknown := found.keys() - {"arrives", "findings", "schemas"}:
            raise ValueError(f"{path} has unknown keys: {', '.join(sorted(unknown))}")
        return dict(found)

    @property
    def whole(self) -> bool:
        """It arrives whole; else the preflight refuses it."""
        wanted = self.declared.get("arrives", "whole")
        if wanted not in ("whole", "refused"):
            raise ValueError(f"{self.name}: arrives is whole or refused, not {wanted}")
        return bool(wanted == "whole")

    @property
    def findings(self) -> dict[str, str]:
        """Check -> severity that the preflight must find. An error that is not named here fails the case."""
        return dict(self.declared.get("findings", {}))

    def schemas(self, made: list[str]) -> list[str]:
        """Those that the spec would name, of all that the scripts made."""
        return list(self.declared.get("schemas", made))

    def script(self, name: str) -> str:
        path = CASES / self.name / f"{name}.sql"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def __str__(self) -> str:
        return self.name


def cases() -> list[Case]:
    return [Case(p.parent.name) for p in sorted(CASES.glob("*/schema.sql"))]
