"""The list of mutants."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
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
    """Files or test ids, as pytest takes them; one of them must fail."""

    def apply(self, tree: Path) -> str:
        """Break the promise in this tree; returns the old text. LookupError if the text does not fit."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8")
        if (times := text.count(self.find)) != 1:
            raise LookupError(f"{self.id}: the text to find is {times} times in {self.file}, wanted once")
        path.write_text(text.replace(self.find, self.replace), encoding="utf-8")
        return text

    def fingerprint(self, root: Path = ROOT) -> str:
        """Changes with the entry, the file that it breaks, and the files of its tests."""
        files = [self.file, *sorted({t.partition("::")[0] for t in self.tests})]
        read = [(f, (root / f).read_bytes()) for f in files if (root / f).is_file()]
        return hashlib.sha256(repr((astuple(self), read)).encode()).hexdigest()[:16]


def load() -> list[Mutant]:
    text = (Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8")
    return [Mutant(**{**m, "tests": tuple(m["tests"].split())}) for m in yaml.safe_load(text)]
