"""A small self-contained HTML page: sections of numbers and tables, light or dark as the reader's system is.

No script, no font, no image from elsewhere, so that the file can be mailed and opened years later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Protocol

LIGHT = (
    "--ink: #1c2430; --soft: #56616f; --line: #dde3ea; --ground: #f7f9fb; --card: #ffffff; --good: #0f6f4f;"
    " --bad: #b3261e; --warn: #875c05; --accent: #2b5fa8; --source: #3a6fb7; --target: #16856a; --nobody:"
    " #c0362c; --on: #ffffff;"
)
DARK = (
    "--ink: #e4e9ef; --soft: #9aa6b4; --line: #2c3642; --ground: #11161c; --card: #182029; --good: #4cc79a;"
    " --bad: #f2857c; --warn: #dfb04e; --accent: #86b2ee; --source: #7fb0f0; --target: #4cc79a; --nobody:"
    " #f2857c; --on: #0d1218;"
)
STYLE = f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
@media print {{ :root {{ color-scheme: light; {LIGHT} --ground: #ffffff; }} svg, .pill {{ -webkit-print-color-adjust: exact; print-color-adjust: exact; }} h2 {{ break-after: avoid; }} tr, .lines li {{ break-inside: avoid; }} main {{ max-width: none; padding: 0; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }}
main {{ max-width: 66rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }}
h1 {{ font-size: 1.75rem; line-height: 1.2; margin: 0 0 .35rem; }}
h2 {{ font-size: 1.15rem; margin: 2.5rem 0 .5rem; }}
p.lead {{ color: var(--soft); margin: 0 0 1.25rem; }}
.pill {{ display: inline-block; border: 1px solid currentcolor; border-radius: 1rem; padding: 0 .7rem; font-size: .9rem; font-weight: 600; vertical-align: .3rem; margin-left: .6rem; }}
.lines {{ list-style: none; counter-reset: line; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1.25rem; margin: 0 0 1.5rem; }}
.lines li {{ padding: .55rem 0; }} .lines li + li {{ border-top: 1px solid var(--line); }} .lines b {{ color: var(--soft); font-weight: 600; }}
.numbers {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(9.2rem, 1fr)); gap: .75rem; }}
.numbers div {{ background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem .8rem; }}
.numbers b {{ display: block; font-size: 1.15rem; white-space: nowrap; font-variant-numeric: tabular-nums; }}
.numbers span {{ color: var(--soft); font-size: .85rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .92rem; }}
th {{ text-align: left; color: var(--soft); font-weight: 600; vertical-align: bottom; }}
th, td {{ padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); }}
td {{ vertical-align: top; overflow-wrap: break-word; }} td.t {{ white-space: nowrap; }} th.n {{ text-align: right; }}
td.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
details {{ border-bottom: 1px solid var(--line); padding: .4rem 0; }} summary {{ cursor: pointer; color: var(--accent); }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.5 ui-monospace, monospace; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; }}
.good {{ color: var(--good); }} .bad {{ color: var(--bad); }} .warn {{ color: var(--warn); }}
svg.turns {{ width: 100%; min-width: 44rem; height: auto; display: block; font: 12px system-ui, sans-serif; }}
.turns text {{ fill: var(--ink); }} .turns .soft {{ fill: var(--soft); }} .turns .on {{ fill: var(--on); font-weight: 600; }}
.turns .source {{ fill: var(--source); }} .turns .target {{ fill: var(--target); }} .turns .lane {{ fill: var(--card); stroke: var(--line); }}
.turns .nobody {{ fill: var(--nobody); }} .turns .edge {{ stroke: var(--nobody); stroke-width: 1.5; fill: none; }} .turns .tick {{ stroke: var(--line); }}
.turns .mark {{ fill: var(--accent); }} .turns .doubt {{ opacity: .45; }}
"""
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
    """Rows of plain values under column names; an empty one shows `empty`. No title: it belongs to the block before it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str = "Nothing recorded."
    lead: str = ""

    def html(self) -> str:
        return _table(self)


@dataclass(frozen=True)
class Folded:
    """Long texts, each behind its title, word for word."""

    texts: Sequence[tuple[str, str]]

    def html(self) -> str:
        return "\n".join(
            f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"
            for title, text in self.texts
        )


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
        blocks = "\n".join(b.html() for b in self.blocks)
        lines = "".join(f"<li>{_labelled(line)}</li>" for line in self.lines)
        verdict = (
            f' <span class="pill{_plain_tone(self.verdict)}">{escape(self.verdict)}</span>'
            if self.verdict
            else ""
        )
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
            f'<h1>{escape(self.title)}{verdict}</h1>\n<p class="lead">{escape(self.lead)}</p>\n'
            f"{f'<ol class=lines>{lines}</ol>' if lines else ''}\n"
            f"{_numbers(self.numbers)}\n{blocks}\n</main>\n</body>\n</html>\n"
        )


PRECISE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
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


def _labelled(line: str) -> str:
    """`Data: text` with its label in bold."""
    label, colon, text = line.partition(": ")
    return f"<b>{escape(label)}</b> {escape(text)}" if colon and label.isalpha() else escape(line)


def _numbers(numbers: Mapping[str, object]) -> str:
    if not numbers:
        return ""
    cells = "".join(
        f"<div><b{_tone(v)}>{escape(shown(v))}</b><span>{escape(name)}</span></div>"
        for name, v in numbers.items()
    )
    return f'<div class="numbers">{cells}</div>'


def _table(table: Table) -> str:
    head = f"<h2>{escape(table.title)}</h2>\n" if table.title else ""
    head += f'<p class="lead">{escape(table.lead)}</p>\n' if table.lead else ""
    if not table.rows:
        return head + f'<p class="lead">{escape(table.empty)}</p>'
    numeric = [
        any(_is_number(row[n]) for row in table.rows if n < len(row)) for n in range(len(table.columns))
    ]
    columns = "".join(
        f'<th scope="col"{" class=n" if number else ""}>{escape(c)}</th>'
        for c, number in zip(table.columns, numeric, strict=True)
    )
    rows = "".join("<tr>" + "".join(_cell(v) for v in row) + "</tr>\n" for row in table.rows)
    return (
        f"{head}<div"
        f' class="scroll"><table><thead><tr>{columns}</tr></thead><tbody>\n{rows}</tbody></table></div>'
    )


def _is_span(value: object) -> bool:
    return bool(re.fullmatch(r"[\d,.]+ (ms|s|min|h|d)( \d+ (min|h))?", str(value)))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> str:
    text = escape(shown(value)).replace("\n", "<br>")
    if _is_number(value):
        return f"<td class=n>{text}</td>"
    if UTC_TIME.fullmatch(str(value)) or PRECISE.fullmatch(str(value)) or _is_span(value):
        return f"<td class=t>{text}</td>"
    return f"<td{_tone(value)}>{text}</td>"


def _tone(value: object) -> str:
    tone = TONES.get(shown(value).lower())
    return f" class={tone}" if tone else ""


def _plain_tone(text: str) -> str:
    tone = TONES.get(text.lower())
    return f" {tone}" if tone else ""
