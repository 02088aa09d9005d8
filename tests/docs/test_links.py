"""Every link leads somewhere."""

from __future__ import annotations

from urllib.parse import urlparse

import pytest

from tests.docs.pages import ROOT, Page, pages

KNOWN = (
    "docs.aws.amazon.com",
    "mariadb.com",
    "www.rfc-editor.org",
    "github.com",
    "keepachangelog.com",
    "semver.org",
    "airflow.apache.org",
    "repost.aws",
    "zenn.dev",
)
ALL = pages()


@pytest.mark.parametrize("page", ALL, ids=lambda p: p.name)
def test_relative_links_and_their_anchors_resolve(page: Page) -> None:
    broken = []
    for _, target in page.links:
        if ":" in target.split("/")[0]:
            continue
        file, _, anchor = target.partition("#")
        path = (page.path.parent / file).resolve() if file else page.path
        if not path.exists():
            broken.append(f"{target}: no such file")
        elif anchor and (path.suffix != ".md" or anchor not in Page(path).anchors):
            broken.append(f"{target}: no such heading")
    assert not broken


@pytest.mark.parametrize("page", ALL, ids=lambda p: p.name)
def test_addresses_are_well_formed(page: Page) -> None:
    bad = []
    for _, target in page.links:
        if ":" not in target.split("/")[0]:
            continue
        url = urlparse(target)
        if url.scheme != "https" or url.hostname not in KNOWN or not url.path.startswith("/") or url.params:
            bad.append(target)
    assert not bad


def test_images_are_images_and_none_is_left_over() -> None:
    shown = {(page.path.parent / target).resolve() for page in ALL for image, target in page.links if image}
    unlike = [str(p) for p in shown if p.suffix not in (".png", ".svg")]
    kept = {p.resolve() for p in (ROOT / "docs" / "images").iterdir()}
    assert not unlike
    assert {p for p in shown if p.parent.name == "images"} == kept


def test_the_index_leads_to_every_page() -> None:
    index = Page(ROOT / "docs" / "README.md")
    led = {(index.path.parent / t.partition("#")[0]).resolve() for _, t in index.links}
    assert {p.resolve() for p in (ROOT / "docs").glob("*.md")} - led == {index.path.resolve()}
