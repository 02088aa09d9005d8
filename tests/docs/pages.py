"""The pages that people read, taken apart: headings, links, code spans, code blocks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from livemove.model.spec import project_root

ROOT = project_root()
FENCE = re.compile(r"^( *)(`{3,})([\w-]*)\n(.*?)^\1\2 *$", re.S | re.M)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Everything outside of code blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        """Fenced code blocks of these languages; of all when none is named."""
        found = [(m[3], m[4]) for m in FENCE.finditer(self.text)]
        return [body for language, body in found if not languages or language in languages]

    @property
    def spans(self) -> list[str]:
        return [" ".join(m[2].split()) for m in SPAN.finditer(self.prose)]

    @property
    def links(self) -> Iterator[tuple[bool, str]]:
        """(is an image, target)"""
        for m in LINK.finditer(SPAN.sub("", self.prose) if "`[" in self.prose else self.prose):
            if m[2].startswith("![") and (inner := LINK.match(m[2])):
                yield True, inner[3]
            yield bool(m[1]), m[3]

    @property
    def headings(self) -> list[tuple[int, str]]:
        return [(len(m[1]), m[2].strip()) for m in re.finditer(r"^(#{1,6}) (.+)$", self.prose, re.M)]

    @property
    def anchors(self) -> set[str]:
        seen: dict[str, int] = {}
        out = set()
        for _, title in self.headings:
            name = slug(title)
            count = seen.get(name, 0)
            seen[name] = count + 1
            out.add(f"{name}-{count}" if count else name)
        return out | set(re.findall(r'<a (?:id|name)="([^"]+)"', self.text))


def slug(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("&lt;", "<").replace("&gt;", ">")
    kept = (c for c in title.lower() if c in " -_" or unicodedata.category(c)[0] in "LNM")
    return "".join(kept).strip().replace(" ", "-")


def pages() -> list[Page]:
    """Every Markdown file that a person is led to."""
    folders = [
        ROOT,
        ROOT / "docs",
        ROOT / "docs" / "decisions",
        ROOT / "include" / "docs",
        ROOT / "include" / "dms",
        ROOT / "lab",
    ]
    found = [p for folder in folders for p in sorted(folder.glob("*.md"))]
    return [Page(p) for p in found]


def commands(page: Page, word: str) -> Iterator[str]:
    """What the page tells one to type that begins with this word: lines of blocks, and spans."""
    for line in "\n".join(page.blocks("sh", "")).replace("\\\n", " ").splitlines():
        words = line.split("  #")[0].strip().removeprefix(".venv/bin/")
        # what runs inside a container counts as well
        if m := re.search(rf"(?:^|\s(?=make rehearse)){re.escape(word)} .*", words):
            yield m[0].strip()
    for span in page.spans:
        for part in re.split(r" && |; ", span):
            if part.startswith(f"{word} "):
                yield part
