"""The hosts of the lab have two users where root runs it, and say what is missing where not."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from pwd import getpwnam

import pytest

from lab.web import users

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two other users")


@pytest.fixture
def open_state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="livemove-lab-users-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@root
def test_both_can_run_the_python_of_the_hosts(open_state: Path) -> None:
    found = users.settle(open_state)
    if not found.two:
        pytest.skip(found.note)
    assert users.users(open_state) == found
    for name in (found.login, found.service):
        done = subprocess.run(
            [*users.become(name), found.python, "-c", "import os; print(os.geteuid())"],
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"{getpwnam(name).pw_uid}\n", done.stderr


@root
def test_a_closed_folder_is_named_and_everybody_is_one_user(open_state: Path) -> None:
    (open_state / "closed").mkdir(mode=0o700)
    state = open_state / "closed" / "state"
    state.mkdir()
    found = users.settle(state)
    assert (found.two, found.service) == (False, users.me())
    assert found.note.startswith(f"{open_state}/closed is closed to other users; put the project elsewhere")


def test_an_ordinary_user_is_told_what_root_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(users, "me", lambda: "ana")
    found = users.settle(tmp_path)
    assert (found.login, found.service) == ("ana", "ana")
    assert "run as root" in found.note
