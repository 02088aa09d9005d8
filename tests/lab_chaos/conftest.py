"""One harness for all tests of this package."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from lab.switchover_harness import SwitchoverHarness
from lab.switchover_harness.harness import shared_memory


@pytest.fixture(scope="package")
def harness() -> Iterator[SwitchoverHarness]:
    if not shutil.which("mariadbd"):
        pytest.skip("mariadbd is not installed: run `make setup`")
    with SwitchoverHarness(shared_memory(), lease=14, pause_budget=7) as made:
        yield made
