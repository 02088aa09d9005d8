"""Five ordinary applications are equipped with the spec that the guide prints, over SSH and over SSM.

Each has its settings where its framework has them, a reload that takes them over and a probe that reads the
database out of them as the framework would.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
import yaml

from livemove.control.adapters.setup import WATCH_ACCOUNT, credentials
from livemove.model.errors import LivemoveError
from livemove.model.spec import Server, Side
from livemove.runtime.mariadb import Login
from livemove.servers.adapters.equipping import deploy
from livemove.servers.adapters.servers import told
from tests.docs.pages import ROOT, Page
from tests.raising import raises
from tests.servers.test_install_agent import AWS, ME, SPEC, Directory, World, host, program

__all__ = ["host"]
PASSWORD = "p&w #1; $x <tag> %é"
PAGE = Page(ROOT / "docs" / "move-your-own-service.md")
LAYOUTS = Path(__file__).parent / "layouts"
FILES = {
    "Laravel": ("laravel.env", ".env"),
    "WordPress": ("wp-config.php", "html/wp-config.php"),
    "Rails": ("database.yml", "shared/config/database.yml"),
    "Spring": ("application.properties", "config/application.properties"),
    "Django": ("django.env", ".env"),
}
"""Name in the guide -> (the fake, where it lies)."""


def guide(name: str, first: str) -> str:
    """The YAML block of an application's section that begins with this key."""
    part = re.search(rf"^#### {name}\n(.*?)(?=^##)", PAGE.text, re.M | re.S)
    assert part is not None, name
    found = re.search(rf"```yaml\n({first}:.*?)```", part[1], re.S)
    assert found is not None, name
    return found[1]


def block(name: str) -> dict[str, Any]:
    """application.settings_merge as the guide prints it."""
    made: dict[str, Any] = yaml.safe_load(guide(name, "application"))["application"]
    return made


def logged_in(name: str, text: str) -> tuple[str, str]:
    """(host, password) as the framework would read them."""
    match name:
        case "Laravel":
            lines = text.partition("JWT_KEY")[0].splitlines()
            env = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
            return env["DB_HOST"], env["DB_PASSWORD"].strip("'")
        case "Django":
            url = urlparse(re.search(r"^DATABASE_URL='?([^'\n]*)", text, re.M)[1])  # type: ignore[index]
            return str(url.hostname), unquote(str(url.password))
        case "WordPress":
            found = dict(re.findall(r"^define\( '(DB_\w+)', '(.*)' \);$", text, re.M))
            return found["DB_HOST"].split(":")[0], found["DB_PASSWORD"]
        case "Rails":
            production = yaml.safe_load(re.sub(r"<%.*?%>", "5", text))["production"]
            return production["host"], production["password"]
    found = dict(re.findall(r"^spring\.datasource\.(\w+)\s*[=:]\s*(.*)$", text, re.M))
    return found["url"].split("/")[2].split(":")[0], found["password"].encode("latin1").decode(
        "unicode_escape"
    )


class Shop(World):
    def __init__(self, application: dict[str, Any]) -> None:
        values = {**SPEC.application.model_dump(), "settings": None, "release": None, **application}
        self.spec = SPEC.model_copy(update={"application": type(SPEC.application).model_validate(values)})

    def application_login(self, side: Side) -> Login:
        return Login("10.0.0.1" if side is Side.SOURCE else "10.0.0.2", 3306, "shop_app", PASSWORD)


def server(host: Directory, name: str, site: Side) -> Server:
    commands = {
        "reload": f"cp -L {host.home}/{FILES[name][1]} {host.home}/loaded",
        "probe": f"grep -o '10[.]0[.]0[.][0-9]*' {host.home}/loaded | head -n 1",
    }
    host.agent = site is Side.TARGET
    return Server.model_validate(
        {
            "name": "web",
            "site": site,
            "reach": "ssm" if host.agent else "ssh",
            "connection": "idc",
            "directory": f"{host.home}/livemove",
            "settings_link": f"{host.home}/{FILES[name][1]}",
            "runs_as": ME,
            "commands": commands,
        }
    )


def prepared(host: Directory, application: dict[str, Any]) -> Any:
    world: Any = Shop(application)
    secrets = Path(host.env["SECRETS"])
    (secrets / "arn:app").write_text(f'{{"password": "{PASSWORD}"}}')
    for side in Side:
        password = credentials(world, side, WATCH_ACCOUNT)["password"]
        (secrets / f"shop_livemove_{side}_livemove_watch").write_text(f'{{"password": "{password}"}}')
    program(host, "cloud-init", "echo status: done")
    return world


@pytest.mark.parametrize("site", Side)
@pytest.mark.parametrize("name", FILES)
def test_an_ordinary_application_is_moved_and_moved_back(host: Directory, name: str, site: Side) -> None:
    fake, place = FILES[name]
    live = host.home / place
    live.parent.mkdir(parents=True, exist_ok=True)
    live.write_bytes((LAYOUTS / fake).read_bytes())
    live.chmod(0o640)
    world, web = prepared(host, block(name)), server(host, name, site)
    assert f"{ME} reads its settings" in deploy(world, web, host)
    assert live.is_symlink()
    if site is Side.SOURCE:
        assert live.read_bytes() == (LAYOUTS / fake).read_bytes()
    else:
        assert logged_in(name, live.read_text()) == ("10.0.0.1", PASSWORD)

    moved = told(web, host, "repoint --epoch 2 --to target", 60)
    assert (moved.ok, moved.message) == (True, "10.0.0.2"), moved
    assert logged_in(name, (host.home / "loaded").read_text()) == ("10.0.0.2", PASSWORD)
    assert live.resolve().stat().st_mode & 0o777 == 0o640
    assert not any(PASSWORD in c for c in host.commands)

    deploy(world, web, host)
    assert logged_in(name, live.read_text()) == ("10.0.0.2", PASSWORD)
    assert told(web, host, "repoint --epoch 3 --to source", 60).facts["points_to"] == "source"


@pytest.mark.parametrize("site", Side)
def test_a_file_that_does_not_fit_stops_deploy_and_stays(host: Directory, site: Side) -> None:
    live = host.home / ".env"
    live.write_text("<?php return ['host' => 1];")
    world = prepared(host, block("WordPress"))
    with raises(LivemoveError, "cannot be changed: there is no define('DB_HOST', ...)"):
        deploy(world, server(host, "Laravel", site), host)
    assert not live.is_symlink()
    live.unlink()
    with raises(LivemoveError, "No such file" if site is Side.TARGET else "has no settings at"):
        deploy(world, server(host, "Laravel", site), host)


def released(host: Directory, copied: str) -> tuple[World, Server]:
    """A server at AWS whose release brings the .env, by this command."""
    fake, place = FILES["Laravel"]
    brought = {
        **block("Laravel"),
        "release": "releases/shop.tar.gz",
        "install": f"{copied} {LAYOUTS / fake} {host.home / place}; echo installed",
    }
    program(host, "aws", 'case $1 in s3) exec tar -czf "$5" -T /dev/null ;; esac\n' + AWS.partition("\n")[2])
    return prepared(host, brought), server(host, "Laravel", Side.TARGET)


def test_the_release_brings_the_file_and_the_service_reads_it_again(host: Directory) -> None:
    world, web = released(host, "cp")
    for _ in range(2):
        assert deploy(world, web, host).startswith(f"installed; {ME} reads its settings")
        assert logged_in("Laravel", (host.home / "loaded").read_text()) == ("10.0.0.1", PASSWORD)


def test_a_release_that_puts_its_file_over_the_link_does_not_turn_a_server_back(host: Directory) -> None:
    world, web = released(host, "cp --remove-destination")
    deploy(world, web, host)
    assert told(web, host, "repoint --epoch 2 --to target", 60).ok
    deploy(world, web, host)
    assert logged_in("Laravel", (host.home / "loaded").read_text()) == ("10.0.0.2", PASSWORD)
    assert told(web, host, "status", 60).facts["points_to"] == "target"
