"""The data centre's host with a login and a service user, equipped over real SSH: the monolith reads on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from pwd import getpwnam
from typing import Any

import pytest

from lab import ca
from lab.addresses import here
from lab.connections import idc_login
from lab.idc import ssh
from lab.mariadb import Server
from lab.processes import Registry
from lab.web import host, users
from livemove.model.spec import Side
from livemove.runtime.ssh import SshHost
from livemove.servers.adapters import equipping
from livemove.servers.adapters.servers import told
from tests.lab_web.conftest import SPEC, AppWorld, first_database, second_database, settings

__all__ = ["first_database", "second_database"]
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two other users"),
]


@pytest.fixture
def open_lab(monkeypatch: pytest.MonkeyPatch, state: Path) -> Iterator[Registry]:
    """A lab whose folder other users may come to; pytest's own is closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="livemove-two-users-"))
    folder.chmod(0o755)
    monkeypatch.setenv("LIVEMOVE_LAB_STATE", str(folder / "state"))
    (folder / "state").mkdir()
    registry = Registry(folder / "state")
    yield registry
    registry.stop_all(grace=2)
    registry.kill_strays()
    shutil.rmtree(folder)


@pytest.fixture
def idc(open_lab: Registry, first_database: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[[], SshHost]:
    who = users.settle(open_lab.state)
    if not who.two:
        pytest.skip(who.note)
    a, home = here(), open_lab.state / "hosts" / "idc"
    certificate = ca.create(a, ("shop.test",))
    host.start(
        open_lab, "idc-web", home, a.idc, a.https, settings(first_database), certificate.paths(), users=who
    )
    ssh.start(open_lab, home, who)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_IDC_SSH", json.dumps(idc_login()))
    return lambda: SshHost("idc_web", Side.SOURCE, a.idc, "shop_idc_ssh")


def test_the_monolith_runs_as_the_service_and_keeps_its_settings_when_it_is_equipped(
    idc: Callable[[], SshHost],
    open_lab: Registry,
    first_database: Server,
    second_database: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web, login = open_lab.find("idc-web"), idc()
    assert web is not None
    assert Path(f"/proc/{web.pid}").stat().st_uid == getpwnam(users.SERVICE).pw_uid
    home = open_lab.state / "hosts" / "idc"
    assert (home.stat().st_mode & 0o777, login.run("id -un; pwd").stdout.split()) == (
        0o750,
        [users.LOGIN, str(home)],
    )

    world: Any = AppWorld(first_database, second_database)
    monkeypatch.setattr(equipping, "credentials", lambda *_: {"password": "w"})
    assert "www-data reads its settings (judged" in equipping.deploy(world, SPEC.servers[0], login)
    assert (home / "app/shop.env").is_symlink()
    moved = told(SPEC.servers[0], login, "repoint --epoch 2 --to target", 60)
    assert (moved.ok, moved.facts["points_to"]) == (True, "target"), moved
    assert second_database.address in moved.message

    # as it was: a file that only the login may read
    (home / "livemove/source.env").chmod(0o600)
    assert "Permission denied" in told(SPEC.servers[0], login, "repoint --epoch 3 --to source", 60).message
    watch = told(SPEC.servers[0], login, "status --to source", 60).facts["watch"]
    assert "www-data may not read" in str(watch)
    login.close()


def test_a_file_of_the_login_is_closed_to_the_service_on_this_host(
    idc: Callable[[], SshHost], open_lab: Registry
) -> None:
    login = idc()
    login.put("livemove/private", b"secret", mode=0o600)
    file = open_lab.state / "hosts" / "idc" / "livemove" / "private"
    read = subprocess.run([*users.become(users.SERVICE), "cat", str(file)], capture_output=True)
    assert read.returncode == 1
    assert file.stat().st_uid == getpwnam(users.LOGIN).pw_uid
    login.close()
