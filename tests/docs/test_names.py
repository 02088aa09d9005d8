"""What docstrings and pages call by a class's name is there under that name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.docs.pages import ROOT, SPAN, Page

CODE = [p for tree in ("plugins", "lab", "dags", "tests") for p in sorted((ROOT / tree).rglob("*.py"))]
PAGES = [Page(p) for p in sorted((ROOT / "docs").glob("*.md")) if p.name != "reference.md"]
NAME = re.compile(r"(?<![\w.:'\"/-])[A-Z][a-z]\w*\b(?!=)")
"""Not actions of IAM behind a colon, which test_iam.py knows, nor settings like `Backlog=`."""
ELSEWHERE = {"DescribeReplicationTableStatistics", "StartReplication", "Label", "None"}
"""Names of AWS, Airflow and Python that no code here has to write."""


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    """Of modules, classes and functions, and the texts below attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str()) as text):
                yield text


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def known() -> set[str]:
    """Every identifier, and every text in the code that looks like one: words of AWS's APIs."""
    out: set[str] = set()
    for tree in map(parsed, CODE):
        told = {id(d) for d in docstrings(tree)}
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.alias(name=name):
                    out.add(name)
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                    out.add(name)
                case ast.Constant(value=str(text)) if id(node) not in told and text.isidentifier():
                    out.add(text)
    return out


def named(text: str) -> Iterator[str]:
    """Names in backticks. With one capital only where the span is code: `Side`, `read() -> Loaded`."""
    for m in SPAN.finditer(text):
        code = " " not in m[2] or "->" in m[2]
        yield from (n for n in NAME.findall(m[2]) if code or re.search(r"[a-z0-9][A-Z]", n))


def test_a_class_that_is_named_exists() -> None:
    there = known() | ELSEWHERE
    assert {"PollResult", "FinalCheckPort"} <= there
    said = [(str(f.relative_to(ROOT)), str(d.value)) for f in CODE for d in docstrings(parsed(f))]
    said += [(page.name, page.prose) for page in PAGES]
    assert (
        sorted({f"{where}: {name}" for where, text in said for name in named(text) if name not in there})
        == []
    )
