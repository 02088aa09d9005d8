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

from lab import ca, specs
from lab.addresses import here, settle
from lab.connections import idc_login
from lab.idc import ssh
from lab.mariadb import Server
from lab.processes import Registry
from lab.web import host, users
from livemove.model.spec import Side, load_spec
from livemove.runtime.ssh import SshHost
from livemove.servers.adapters import equipping
from livemove.servers.adapters.servers import told
from tests.lab_web.conftest import SPEC, AppWorld, first_database, second_database, settings

__all__ = ["first_database", "second_database"]
TABLES = (Path(specs.__file__).parent / "idc" / "laravel.sql").read_text()
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
def app() -> str:
    """The application's kind: see lab.specs.APPS."""
    return ""


@pytest.fixture
def idc(
    open_lab: Registry, first_database: Server, monkeypatch: pytest.MonkeyPatch, app: str
) -> Callable[[], SshHost]:
    who = users.settle(open_lab.state)
    if not who.two:
        pytest.skip(who.note)
    a, home = here(), open_lab.state / "hosts" / "idc"
    certificate = ca.create(a, ("shop.test",))
    tls = certificate.paths()
    host.start(open_lab, "idc-web", home, a.idc, a.https, settings(first_database), tls, users=who, app=app)
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


@pytest.mark.parametrize("app", ["laravel"])
def test_an_application_of_laravel_moves_there_and_back_by_the_guide_s_keys(
    idc: Callable[[], SshHost],
    open_lab: Registry,
    first_database: Server,
    second_database: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for database in (first_database, second_database):
        database.load("DROP TABLE IF EXISTS shop.livemove_probe, shop.cache;" + TABLES)
    settle(here())
    specs.write(app="laravel")
    spec = load_spec(specs.folder() / "shop.yaml")
    web, login, live = spec.servers[0], idc(), open_lab.state / "hosts" / "idc" / "app" / ".env"
    before = live.read_bytes()
    world: Any = AppWorld(first_database, second_database)
    world.spec = spec
    monkeypatch.setattr(equipping, "credentials", lambda *_: {"password": "w"})
    assert "www-data reads its settings (judged" in equipping.deploy(world, web, login)
    assert live.is_symlink()
    assert live.read_bytes() == before

    for epoch, (side, database) in enumerate(
        ((Side.TARGET, second_database), (Side.SOURCE, first_database)), 2
    ):
        moved = told(web, login, f"repoint --epoch {epoch} --to {side}", 60)
        assert (moved.ok, moved.message) == (True, f"socket {database.address}:3306"), moved
        assert database.query("SELECT COUNT(*) FROM shop.livemove_probe")[0][0] == 1
    cached = live.parent / "bootstrap/cache/config.json"
    assert (cached.stat().st_uid, cached.stat().st_mode & 0o777) == (getpwnam(users.LOGIN).pw_uid, 0o640)
    assert live.read_bytes() == before
    login.close()
