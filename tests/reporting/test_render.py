"""Templates: values in HTML are escaped, Markdown is plain text, and an unknown name is an error."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from livemove.reporting.html import Folded, Page, Table
from livemove.reporting.render import FOLDER, render

HOSTILE = "<script>alert('x')</script> & \"y\""


def test_values_in_html_are_escaped_wherever_they_stand() -> None:
    blocks = [Table(HOSTILE, [HOSTILE], [[HOSTILE]], lead=HOSTILE), Folded([(HOSTILE, HOSTILE)])]
    html = Page(HOSTILE, HOSTILE, {HOSTILE: HOSTILE}, blocks, lines=[HOSTILE], verdict=HOSTILE).html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert html.count("&amp;") == html.count("&#34;y&#34;") > 5


def test_a_block_that_is_plain_text_is_escaped_as_well() -> None:
    class Plain:
        def html(self) -> str:
            return "<b>not from a template</b>"

    assert "&lt;b&gt;not from a template" in Page("t", "l", blocks=[Plain()]).html()


def test_markdown_is_left_as_it_is() -> None:
    spec = SimpleNamespace(dns=SimpleNamespace(name="www.shop.test"))
    text = render(
        "promote.md", row="a < b", bound=["x & y"], servers=[], spec=spec, wanted="w", promote="Promote"
    )
    assert "**a < b**" in text
    assert "- x & y" in text


def test_a_name_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="row"):
        render("promote.md")


def test_every_template_is_used() -> None:
    code = "".join(p.read_text() for p in FOLDER.parent.glob("*.py"))
    texts = code + "".join(p.read_text() for p in FOLDER.iterdir())
    by_gate = {f"{gate}.md" for gate in ("switch_dns", "switchover", "retire")}
    assert {p.name for p in FOLDER.iterdir() if f'"{p.name}"' not in texts} == by_gate
