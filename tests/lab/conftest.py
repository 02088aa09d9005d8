"""A lab's state folder and network of its own for each test; whatever was started in it is ended."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import lock
from lab.addresses import here
from lab.down import down
from lab.processes import Registry

_octets = itertools.count(100 + os.getpid() % 90)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder that the lab's code uses in this test; it does not exist yet."""
    folder = tmp_path / "state"
    octet = next(n for n in _octets if lock.holder(n) is None)
    monkeypatch.setenv("LIVEMOVE_LAB_STATE", str(folder))
    monkeypatch.setenv("LIVEMOVE_LAB_OCTET", str(octet))
    yield folder
    down(say=False)
    Registry(folder).stop_all(grace=2)
    lock.lock_file(here().octet).unlink(missing_ok=True)


@pytest.fixture
def lab(state: Path) -> Registry:
    """The registry of this test's lab."""
    return Registry(state)
