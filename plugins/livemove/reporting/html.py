"""A small self-contained HTML page: sections of numbers and tables, light or dark as the reader's system is.

No script, no font, no image from elsewhere, so that the file can be mailed and opened years later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from livemove.reporting.render import render

TONES = {
    "ok": "good",
    "yes": "good",
    "moved": "good",
    "equal": "good",
    "error": "bad",
    "no": "bad",
    "failed": "bad",
    "differs": "bad",
    "unfinished": "bad",
    "nobody": "bad",
    "interrupted": "bad",
    "warning": "warn",
    "rolled back": "warn",
    "promoted": "warn",
    "given up": "warn",
    "aborted": "warn",
    "incomplete": "warn",
}
"""Words that are coloured wherever a cell or number consists of nothing else."""


class Block(Protocol):
    """A part of a page that writes itself as HTML; every text of the world in it is escaped."""

    def html(self) -> str: ...


@dataclass(frozen=True)
class Table:
    """Rows under column names; an empty table shows `empty`. The title belongs to the block before it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str = "Nothing recorded."
    lead: str = ""

    def html(self) -> str:
        numeric = [
            any(_is_number(row[n]) for row in self.rows if n < len(row)) for n in range(len(self.columns))
        ]
        return render(
            "table.html",
            table=self,
            columns=list(zip(self.columns, numeric, strict=True)),
            rows=[[_cell(value) for value in row] for row in self.rows],
        )


@dataclass(frozen=True)
class Folded:
    """Long texts, each behind its title, word for word."""

    texts: Sequence[tuple[str, str]]

    def html(self) -> str:
        return render("folded.html", texts=self.texts)


@dataclass(frozen=True)
class Page:
    title: str
    lead: str
    numbers: Mapping[str, object] = field(default_factory=dict)
    blocks: Sequence[Block] = ()
    lines: Sequence[str] = ()
    """What everybody reads, before anything else."""
    verdict: str = ""

    def html(self) -> str:
        numbers = [(name, Cell(shown(value), _tone(value))) for name, value in self.numbers.items()]
        return render(
            "page.html",
            page=self,
            tone=TONES.get(self.verdict.lower(), ""),
            lines=[_labelled(line) for line in self.lines],
            numbers=numbers,
        )


@dataclass(frozen=True)
class Cell:
    """A value as it is shown, and its class."""

    text: str
    style: str = ""

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


PRECISE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
UTC_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:\+00:00|Z)")


def shown(value: object) -> str:
    """A value for people: grouped digits, yes and no, whole seconds, a dash where there is nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(v) for v in value)
    if found := UTC_TIME.fullmatch(str(value)):
        return f"{found[1]} {found[2]} UTC"
    return str(value)


def _labelled(line: str) -> tuple[str, str]:
    """Label and text of `Data: text`; without a label where there is none."""
    label, colon, text = line.partition(": ")
    return (label, text) if colon and label.isalpha() else ("", line)


def _is_span(value: object) -> bool:
    return bool(re.fullmatch(r"[\d,.]+ (ms|s|min|h|d)( \d+ (min|h))?", str(value)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> Cell:
    if _is_number(value):
        return Cell(shown(value), "n")
    if UTC_TIME.fullmatch(str(value)) or PRECISE.fullmatch(str(value)) or _is_span(value):
        return Cell(shown(value), "t")
    return Cell(shown(value), _tone(value))


def _tone(value: object) -> str:
    return TONES.get(shown(value).lower(), "")
