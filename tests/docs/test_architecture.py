"""The map, the flow of a run and the decisions name what exists, and a decision stays short."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.pages import ROOT, Page

DOCS = ROOT / "docs"
MAP, FLOW, INDEX = (Page(DOCS / name) for name in ("architecture.md", "flow.md", "decisions/README.md"))
DECISIONS = [Page(p) for p in sorted((DOCS / "decisions").glob("[0-9]*.md"))]
WORDS = 150
PLACES = (ROOT, ROOT / "plugins" / "livemove")
PATH = re.compile(
    r"(?P<path>(?:dags|plugins|include|lab|tests|docs|bench|scripts)/[\w./-]*"
    r"|(?:[\w-]+/)+|[\w./-]+\.(?:py|sql|pml|json|yaml|toml|html|svg|md|tf))(?:::(?P<name>\w+))?"
)
"""A file, a folder of the project, or whatever ends with a slash; and what it must define."""


def wrong_paths(page: Page) -> list[str]:
    wrong = []
    for m in filter(None, map(PATH.fullmatch, page.spans)):
        path = next((p / m["path"] for p in PLACES if (p / m["path"]).exists()), None)
        if path is None or (m["name"] and f"def {m['name']}(" not in path.read_text(encoding="utf-8")):
            wrong.append(m[0])
    return wrong


def test_paths_are_recognised() -> None:
    found = [s for page in (MAP, FLOW, *DECISIONS) for s in page.spans if PATH.fullmatch(s)]
    assert len(found) > 100
    assert "switchover/protocol.py" in found


@pytest.mark.parametrize("page", [MAP, FLOW, INDEX, *DECISIONS], ids=lambda p: p.name)
def test_every_path_that_is_named_exists(page: Page) -> None:
    assert wrong_paths(page) == []


def test_the_map_has_the_rooms_in_the_order_of_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    rooms = [room.strip() for layer in layers for room in layer.split(":")]
    table = MAP.text.split("| room |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == rooms


def test_what_the_flow_points_at_is_in_its_file() -> None:
    rows = re.findall(r"^\| `([^`]+\.\w+)` \| (`[^|]+`) \|", FLOW.text, re.M)
    assert len(rows) > 25
    wrong = []
    for file, names in rows:
        text = next(p / file for p in PLACES if (p / file).exists()).read_text(encoding="utf-8")
        wrong += [f"{file}: {n}" for n in re.findall(r"`([^`]+)`", names) if not defines(text, n)]
    assert wrong == []


def defines(text: str, name: str) -> bool:
    """A function, a class, a module's own name, a task of a DAG or a procedure; a mention is not enough."""
    n = re.escape(name)
    return bool(
        re.search(
            rf'^ *(async )?(def|class) {n}\b|^{n}(: [^=\n]+)? = |\btask_id="{n}"|\bPROCEDURE {n}\(',
            text,
            re.M,
        )
    )


def test_a_mention_or_a_local_name_defines_nothing() -> None:
    assert defines("def look(x):", "look")
    assert defines("STEPS: tuple[Step, ...] = (", "STEPS")
    assert not defines("zone.authorities()\n    authorities = 1\n", "authorities")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda p: p.name)
def test_a_decision_is_short_and_has_its_three_parts(page: Page) -> None:
    assert len(page.text.split()) <= WORDS
    assert re.findall(r"^\*\*(\w+)\.\*\* ", page.text, re.M) == ["Context", "Decision", "Consequence"]


def test_the_index_has_every_decision_under_its_number_and_title() -> None:
    listed = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", INDEX.text, re.M)
    assert listed == [(str(int(p.path.name[:4])), p.headings[0][1], p.path.name) for p in DECISIONS]
    assert [int(number) for number, _, _ in listed] == list(range(1, len(DECISIONS) + 1))
