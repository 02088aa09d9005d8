"""The messages that docs/what-if.md quotes are those of the code."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT, SPAN, Page

PAGE = Page(ROOT / "docs" / "what-if.md")
NAMES = {"accept_warnings", "compare_back", "drained", "stop_replication", "Table error"}
"""Of tasks and of DMS's states, quoted as what one sees."""


def said() -> list[str]:
    """Every text of plugins/: an f-string, or a line of a template, with a hole for each value."""
    out = [
        re.sub(r"{[{%].*?[%}]}", "…", line)
        for path in (ROOT / "plugins" / "livemove" / "reporting" / "templates").iterdir()
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                out.append("".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                out.append(node.value)
            elif isinstance(node, ast.ClassDef):
                out.append(node.name)
    return out


def quoted() -> list[str]:
    rows = [line for line in PAGE.prose.splitlines() if line.startswith("| ")]
    seen = [row.split(" | ")[0] for row in rows]
    return [m[2] for cell in seen for m in SPAN.finditer(cell)]


def test_each_quoted_message_is_in_the_code() -> None:
    texts = said()
    missing = []
    for message in quoted():
        parts = [p.strip() for p in message.split("…") if p.strip()]
        if message not in NAMES and not any(in_order(parts, t) for t in texts):
            missing.append(message)
    assert len(quoted()) > 30
    assert not missing


def in_order(parts: list[str], text: str) -> bool:
    return re.search(".*?".join(re.escape(p) for p in parts), text, re.S) is not None
