"""The lab's application with the settings of one of Laravel: .env, a cached configuration, a probe page."""

from __future__ import annotations

import os
import shlex
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab import ca, specs
from lab.addresses import Addresses, settle
from lab.mariadb import Server
from lab.web import host, release
from lab.web.monolith import laravel
from livemove.model.spec import Commands, load_spec
from livemove.servers.settings_merge import merge
from tests.lab.conftest import state
from tests.lab_web.conftest import Running, settings
from tests.servers.test_five_layouts import PAGE, guide

__all__ = ["state"]
TABLES = (Path(__file__).parents[2] / "lab" / "idc" / "laravel.sql").read_text()


@pytest.fixture
def commands(state: Path) -> Commands:
    """As the rehearsal's spec has them."""
    settle(Addresses(1, True))
    specs.write(app="laravel")
    return load_spec(specs.folder() / "shop.yaml").servers[0].commands


@pytest.fixture
def site(start_site: Callable[..., Running], first_database: Server, second_database: Server) -> Running:
    for server in (first_database, second_database):
        server.load("DROP TABLE IF EXISTS shop.livemove_probe, shop.cache;" + TABLES)
    return start_site(settings(first_database), app="laravel")


def run(site: Running, command: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(site.directory)}
    return subprocess.run(
        ["sh", "-c", command], cwd=site.directory, env=env, capture_output=True, text=True, timeout=60
    )


def point(site: Running, server: Server) -> None:
    """As livemove does it: the named keys change, in a file that takes the place of the one before."""
    file = site.directory / "app" / ".env"
    changed = merge("env", file.read_text(), {"DB_HOST": server.address, "DB_PORT": server.port})
    fresh = file.with_name(".env.fresh")
    fresh.write_text(changed)
    os.replace(fresh, file)


@pytest.mark.servers
def test_the_spec_s_commands_move_it_and_a_reload_alone_does_not(
    site: Running, commands: Commands, first_database: Server, second_database: Server
) -> None:
    # it was started with a cached configuration, as in production
    assert run(site, commands.probe).stdout == f"socket {first_database.address}:3306"
    point(site, second_database)
    assert run(site, "app/bin/shop reload").returncode == 0
    assert run(site, commands.probe).stdout == f"socket {first_database.address}:3306", (
        "the cached configuration is read"
    )
    done = run(site, commands.reload)
    assert done.returncode == 0, done
    assert run(site, commands.probe).stdout == f"socket {second_database.address}:3306"
    assert second_database.query("SELECT COUNT(*) FROM shop.livemove_probe")[0][0] == 1
    assert second_database.query("SELECT `key` FROM shop.cache")[0][0].endswith("queue:restart")
    assert site.get("/healthz").json()["database_host"] == second_database.address


@pytest.mark.servers
def test_the_probe_gets_through_a_hold_and_is_for_the_server_itself_only(
    site: Running, commands: Commands, first_database: Server
) -> None:
    assert site.get("/livemove-probe").status_code == 403
    assert site.shop("hold", "30").returncode == 0
    assert run(site, commands.probe).stdout == f"socket {first_database.address}:3306"
    assert site.shop("release").returncode == 0


@pytest.mark.servers
def test_a_reload_whose_cache_cannot_be_made_says_why(site: Running, commands: Commands) -> None:
    (site.directory / "app" / ".env").unlink()
    done = run(site, commands.reload)
    assert (done.returncode, done.stderr) == (
        1,
        f"artisan: {site.directory}/app/.env: No such file or directory\n",
    )


@pytest.mark.servers
def test_the_release_brings_the_file_once_and_leaves_the_link_of_livemove_alone(
    site: Running, tmp_path: Path, certificate: ca.Certificate
) -> None:
    bare = host.read_host(site.directory)
    with tarfile.open(release.build(tmp_path / "shop.tar.gz", app="laravel")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    install = (
        f"cd {shlex.quote(str(tmp_path / 'unpacked'))} && ./install.sh {shlex.quote(str(site.directory))}"
    )
    live, ours = bare.app / ".env", site.directory / "ours.env"
    for there in (None, ours):
        (bare.app / "VERSION").write_text("older\n")
        live.unlink()
        if there:
            ours.write_text("DB_HOST=10.0.0.1\n")
            live.symlink_to(ours)
        done = run(site, install)
        assert done.returncode == 0, done
        assert live.is_symlink() == bool(there)
    assert ours.read_text() == "DB_HOST=10.0.0.1\n"
    assert release.version("laravel") != release.version()


def test_the_file_is_read_as_phpdotenv_reads_it(tmp_path: Path) -> None:
    (tmp_path / "artisan").touch()
    (tmp_path / ".env").write_text(
        release.dotenv({**release.NOWHERE, "SITE": "source", "DB_PASSWORD": 'a \\"b\\" #'})
    )
    made = laravel.read_configuration(tmp_path)
    assert made["app"]["name"] == made["mail"]["from"]["name"] == "Property listings"
    assert made["app"]["key"].endswith("=")
    assert made["app"]["site"] == "source"
    assert laravel.read_dotenv(tmp_path / ".env")["MAIL_PASSWORD"] == "a # and a $ in single quotes"
    mysql = made["database"]["connections"]["mysql"]
    assert (mysql["host"], mysql["password"]) == ("127.0.0.1", 'a "b" #')


def test_the_rehearsal_s_spec_is_what_the_guide_prints(state: Path) -> None:
    settle(Addresses(1, True))
    specs.write(app="laravel")
    spec = load_spec(specs.folder() / "shop.yaml")
    assert spec.application.settings_merge is not None
    application = yaml.safe_load(guide("Laravel", "application"))["application"]
    assert spec.application.settings_merge.model_dump() == application["settings_merge"]
    ours = spec.servers[0].commands.model_dump(exclude_none=True)
    printed = yaml.safe_load(guide("Laravel", "commands"))["commands"]
    assert ours.keys() == printed.keys() - {"jobs_off", "jobs_on"}
    for word in ("artisan config:cache", "artisan queue:restart"):
        assert word in ours["reload"]
        assert word in printed["reload"]
    assert all("/livemove-probe" in c["probe"] for c in (ours, printed))
    table = next(line for line in PAGE.text.splitlines() if line.startswith("CREATE TABLE livemove_probe"))
    assert table in TABLES
