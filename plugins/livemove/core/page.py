"""A small self-contained HTML page: sections of numbers and tables, light or dark as the reader's system is.

No script, no font, no image from elsewhere, so that the file can be mailed and opened years later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5c6775; --line: #dde3ea; --ground: #fbfcfd; --card: #ffffff; --good: #12805c; --bad: #b3261e; --warn: #96680a; --accent: #2b5fa8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #9aa6b4; --line: #2c3642; --ground: #11161c; --card: #182029; --good: #4cc79a; --bad: #f2857c; --warn: #dfb04e; --accent: #86b2ee; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p.lead { color: var(--soft); margin: 0 0 1.5rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem; }
.numbers div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.numbers b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.numbers span { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
"""
TONES = {
    "ok": "good", "yes": "good", "moved": "good", "equal": "good",
    "error": "bad", "no": "bad", "failed": "bad", "differs": "bad",
    "warning": "warn", "rolled back": "warn",
}  # fmt: skip
"""Words that are coloured wherever a cell or number consists of nothing else."""


@dataclass(frozen=True)
class Table:
    """Rows of plain values under column names; an empty one shows `empty`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str = "Nothing recorded."


@dataclass(frozen=True)
class Page:
    title: str
    lead: str
    numbers: Mapping[str, object] = field(default_factory=dict)
    tables: Sequence[Table] = ()

    def html(self) -> str:
        tables = "\n".join(_table(t) for t in self.tables)
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
            f'<h1>{escape(self.title)}</h1>\n<p class="lead">{escape(self.lead)}</p>\n'
            f"{_numbers(self.numbers)}\n{tables}\n</main>\n</body>\n</html>\n"
        )


UTC_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:\+00:00|Z)")


def shown(value: object) -> str:
    """A value as a person reads it: grouped digits, yes and no, whole seconds, a dash where there is nothing."""
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


def _numbers(numbers: Mapping[str, object]) -> str:
    if not numbers:
        return ""
    cells = "".join(
        f"<div><b{_tone(v)}>{escape(shown(v))}</b><span>{escape(name)}</span></div>"
        for name, v in numbers.items()
    )
    return f'<div class="numbers">{cells}</div>'


def _table(table: Table) -> str:
    head = f"<h2>{escape(table.title)}</h2>\n"
    if not table.rows:
        return head + f'<p class="lead">{escape(table.empty)}</p>'
    columns = "".join(f"<th>{escape(c)}</th>" for c in table.columns)
    rows = "".join("<tr>" + "".join(_cell(v) for v in row) + "</tr>\n" for row in table.rows)
    return f'{head}<div class="scroll"><table><thead><tr>{columns}</tr></thead><tbody>\n{rows}</tbody></table></div>'


def _cell(value: object) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"<td{' class=n' if number else _tone(value)}>{escape(shown(value))}</td>"


def _tone(value: object) -> str:
    tone = TONES.get(shown(value).lower())
    return f" class={tone}" if tone else ""
