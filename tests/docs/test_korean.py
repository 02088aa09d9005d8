"""The Korean pages have the shape of the English ones: the same headings, commands, tables and links."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page

PAIRS = [
    (Page(ROOT / "README.md"), Page(ROOT / "README.ko.md")),
    (Page(ROOT / "docs" / "runbook.md"), Page(ROOT / "docs" / "runbook.ko.md")),
]
both = pytest.mark.parametrize(("english", "korean"), PAIRS, ids=lambda p: p.path.stem)


@both
def test_they_have_the_same_headings(english: Page, korean: Page) -> None:
    assert [n for n, _ in korean.headings] == [n for n, _ in english.headings]


@both
def test_they_have_the_same_code_blocks(english: Page, korean: Page) -> None:
    """Comments may be translated, everything that is typed or printed may not."""
    assert [_without_comments(b) for b in korean.blocks()] == [_without_comments(b) for b in english.blocks()]


def _without_comments(block: str) -> list[str]:
    return [line.split("  #")[0].rstrip() for line in block.splitlines()]


@both
def test_they_name_the_same_commands_fields_and_messages(english: Page, korean: Page) -> None:
    ours, theirs = set(english.spans), set(korean.spans)
    assert theirs - ours == set(), "only in Korean"
    assert ours - theirs == set(), "only in English"


@both
def test_they_have_tables_of_the_same_size(english: Page, korean: Page) -> None:
    assert [_columns(line) for line in _rows(korean)] == [_columns(line) for line in _rows(english)]


def _rows(page: Page) -> list[str]:
    return [line for line in page.prose.splitlines() if line.startswith("|")]


def _columns(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line)) - 1


@both
def test_they_show_the_same_pictures_and_lead_to_the_same_pages(english: Page, korean: Page) -> None:
    def led(page: Page) -> list[str]:
        return [t.partition("#")[0].replace(".ko.md", ".md") for _, t in page.links if not t.startswith("#")]

    assert sorted(led(korean)) == sorted(led(english))


@both
def test_numbers_are_the_same(english: Page, korean: Page) -> None:
    def numbers(page: Page) -> list[str]:
        return sorted(
            re.findall(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d{2,}", re.sub(r"\(.*?\)", "", page.prose))
        )

    missing = [n for n in set(numbers(english)) if numbers(korean).count(n) < numbers(english).count(n)]
    assert not missing


@both
def test_each_leads_to_the_other(english: Page, korean: Page) -> None:
    assert korean.path.name in {t for _, t in english.links}
    assert english.path.name in {t for _, t in korean.links}


@both
def test_it_is_korean(english: Page, korean: Page) -> None:
    letters = re.findall(r"[가-힣]", korean.prose)
    assert len(letters) > len(english.prose) / 6
