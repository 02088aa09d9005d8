"""The system's Chromium for tests: where it is, how it starts, and what axe finds on a page."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
GRAVE = ("serious", "critical")


def find() -> str:
    """The browser's program. Missing: the test is skipped by name, and fails where CI is set."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    missing = "no Chromium on the PATH; `make browser` installs it"
    if os.environ.get("CI"):
        pytest.fail(f"CI must not skip this: {missing}")
    pytest.skip(missing)


@contextlib.contextmanager
def chromium(program: str) -> Iterator[Browser]:
    # a container's root has no sandbox; the pages are our own
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def grave(page: Page) -> list[str]:
    """Serious and critical findings of axe on this page, one line each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for v in found
        if v["impact"] in GRAVE
        for node in v["nodes"]
    ]
