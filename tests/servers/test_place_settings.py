"""The settings stay readable for the service's own user and for nobody more: real users, by root."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from pwd import getpwnam
from typing import Any

import pytest

from livemove.model.spec import Commands, Server, Side
from livemove.servers.adapters.equipping import SCRIPT
from livemove.servers.adapters.servers import Databases, configuration

DATABASES = Databases(("10.0.0.1", 3306), ("10.0.0.2", 3306), "app")
SERVICE, LOGIN = "www-data", "backup"
"""Two users that every Debian has."""
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two other users")


class Host:
    """/home/deploy of a server, 0750, and who is who on it."""

    def __init__(self, top: Path) -> None:
        self.top, self.home = top, top / "home"
        self.folder, self.link = self.home / "livemove", self.home / "app/listings.env"
        for path in (self.home, self.folder, self.link.parent):
            path.mkdir()
            os.chown(path, uid(LOGIN), uid(LOGIN))
        self.login = {"user": uid(LOGIN), "group": uid(LOGIN), "extra_groups": [uid(SERVICE)]}
        self.own(self.home, 0o750, group=SERVICE)

    def own(self, path: Path, mode: int, *, user: str = LOGIN, group: str = LOGIN) -> None:
        os.chown(path, uid(user), uid(group))
        path.chmod(mode)

    def settings(self, mode: int = 0o640, *, user: str = LOGIN, group: str = SERVICE) -> None:
        self.link.write_text("DB_HOST=10.0.0.1\n")
        self.own(self.link, mode, user=user, group=group)

    def place(
        self, words: str = "", *, by: dict[str, Any] | None = None, **fields: Any
    ) -> tuple[int, dict[str, Any]]:
        """Stage both files as `place_settings` does, and run `livemove-server place` as the login."""
        who = self.login if by is None else by
        server = Server.model_validate(
            {
                "name": "web",
                "site": Side.SOURCE,
                "reach": "ssh",
                "connection": "idc",
                "directory": "livemove",
                "settings_link": "app/listings.env",
                "runs_as": SERVICE,
                "commands": Commands(reload="true", probe="true"),
                **fields,
            }
        )
        (self.folder / "livemove-server").write_bytes(SCRIPT.read_bytes())
        (self.folder / "server.conf").write_text(configuration(server, DATABASES))
        for side in Side:
            staged = self.folder / f"{side}.env.new"
            staged.write_text(f"DB_HOST={DATABASES.at(side)[0]}\n")
            os.chown(staged, who.get("user", 0), who.get("group", 0))
            staged.chmod(0o600)
        done = subprocess.run(
            f"sh livemove/livemove-server place {words}",
            shell=True,
            cwd=self.home,
            capture_output=True,
            text=True,
            umask=0o022,
            **who,
        )
        assert done.stdout, done.stderr
        assert not list(self.folder.glob("*.new")) + list(self.folder.glob("*.fresh"))
        return done.returncode, json.loads(done.stdout)

    def read(self, path: Path, user: str = SERVICE) -> str | None:
        """What this user sees in the file; None when it is refused."""
        done = subprocess.run(
            ["cat", str(path)],
            capture_output=True,
            text=True,
            user=uid(user),
            group=uid(user),
            extra_groups=[],
        )
        return None if done.returncode else done.stdout

    def looks(self, path: Path) -> tuple[int, int, int]:
        s = path.stat()
        return s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)


def uid(name: str) -> int:
    return getpwnam(name).pw_uid


@pytest.fixture
def host() -> Iterator[Host]:
    top = Path(tempfile.mkdtemp(prefix="livemove-users-"))
    top.chmod(0o755)
    yield Host(top)
    shutil.rmtree(top)


@root
def test_a_live_file_keeps_owner_group_and_mode_and_the_service_reads_both_sides(host: Host) -> None:
    host.settings()
    before = host.looks(host.link)
    code, said = host.place()
    assert (code, said["points_to"]) == (0, "source"), said
    assert said["message"] == (
        "www-data reads its settings (judged by owner, group and mode, because this login cannot act as"
        " that user)"
    )
    assert host.read(host.link) == "DB_HOST=10.0.0.1\n"
    assert host.read(host.folder / "target.env") == "DB_HOST=10.0.0.2\n"
    for name in ("source", "target", "original"):
        assert host.looks(host.folder / f"{name}.env") == before
        assert host.read(host.folder / f"{name}.env", "games") is None
    assert host.place()[0] == 0
    assert host.looks(host.folder / "source.env") == before


@root
def test_root_sees_the_user_read(host: Host) -> None:
    host.settings(0o600, user=SERVICE, group=SERVICE)
    code, said = host.place(by={})
    assert (code, said["message"]) == (0, "www-data reads its settings (seen as that user, by setpriv)")
    assert host.looks(host.folder / "target.env") == (uid(SERVICE), uid(SERVICE), 0o600)


@root
@pytest.mark.parametrize("by", [None, {}], ids=["login", "root"])
def test_a_closed_folder_is_named_and_nothing_has_changed(host: Host, by: dict[str, Any] | None) -> None:
    host.settings()
    before = host.looks(host.link)
    host.folder.chmod(0o700)
    code, said = host.place(by=by)
    assert code == 1
    assert f"www-data may not enter a folder on the way to {host.folder}/source.env.fresh" in said["message"]
    assert f"{host.folder} is drwx------ backup:backup" in said["message"]
    assert not host.link.is_symlink()
    assert host.looks(host.link) == before


@root
def test_a_file_that_its_user_may_not_read_stops_it(host: Host) -> None:
    host.settings(0o600)
    code, said = host.place(by={})
    assert (code, host.link.is_symlink()) == (1, False)
    assert "www-data may not read" in said["message"]
    assert "-rw------- backup:backup" not in said["message"]
    assert "-rw------- backup:www-data (seen as that user" in said["message"]


@root
def test_settings_in_use_stay_when_a_later_deploy_would_close_them(host: Host) -> None:
    host.settings()
    host.place()
    code, said = host.place(settings_owner="backup:backup", settings_mode="0600")
    assert code == 1
    assert "www-data may not read" in said["message"]
    assert host.read(host.link) == "DB_HOST=10.0.0.1\n"
    assert host.read(host.folder / "target.env") == "DB_HOST=10.0.0.2\n"


@root
def test_a_file_of_another_owner_asks_for_a_word_in_the_spec(host: Host) -> None:
    host.settings(0o640, user="root")
    code, said = host.place()
    assert (code, host.link.is_symlink()) == (1, False)
    assert "-rw-r----- root:www-data, and backup cannot make files like that" in said["message"]
    assert host.place(settings_owner="backup:www-data")[0] == 0
    assert host.read(host.link) == "DB_HOST=10.0.0.1\n"


@root
def test_a_group_that_the_login_is_not_in_is_told(host: Host) -> None:
    host.settings(group=LOGIN)
    alone = {**host.login, "extra_groups": []}
    code, said = host.place(by=alone, settings_owner="backup:www-data")
    assert code == 1
    assert "Make it a member of that group" in said["message"]


@root
def test_where_nothing_was_it_is_the_logins_for_the_services_group(host: Host) -> None:
    code, said = host.place(by={})
    assert (code, said["points_to"]) == (0, "source")
    assert host.looks(host.folder / "target.env") == (0, uid(SERVICE), 0o640)
    assert host.read(host.link) == "DB_HOST=10.0.0.1\n"


@root
def test_where_nothing_was_and_nothing_is_said_the_spec_has_to_say_it(host: Host) -> None:
    code, said = host.place(by={}, runs_as=None)
    assert (code, host.link.is_symlink()) == (1, False)
    assert "does not say who reads it: give runs_as" in said["message"]
    assert host.place(by={}, runs_as=None, settings_owner="root:www-data")[0] == 0
    assert host.read(host.link) == "DB_HOST=10.0.0.1\n"


@root
def test_a_user_that_comes_with_the_release_is_waited_for_and_then_asked_for(host: Host) -> None:
    code, said = host.place("--early", by={}, runs_as="shop-of-tomorrow")
    assert (code, said["points_to"]) == (0, "source")
    assert host.looks(host.folder / "source.env") == (0, 0, 0o600)
    code, said = host.place(by={}, runs_as="shop-of-tomorrow")
    assert (code, said["message"]) == (1, "there is no user shop-of-tomorrow on this server")


@root
def test_without_runs_as_everybody_who_could_read_still_can(host: Host) -> None:
    host.own(host.home, 0o755)
    host.settings(0o644)
    host.folder.chmod(0o750)
    code, said = host.place(runs_as=None)
    assert (code, host.link.is_symlink()) == (1, False)
    assert (
        "the spec does not say who reads the settings. Give runs_as, or another directory" in said["message"]
    )
    host.folder.chmod(0o711)
    assert host.place(runs_as=None)[0] == 0
    assert host.read(host.link, "games") == "DB_HOST=10.0.0.1\n"


@root
def test_a_link_of_the_users_own_is_followed_and_can_come_back(host: Host) -> None:
    shared = host.home / "shared.env"
    shared.write_text("DB_HOST=10.0.0.1\nKEY=1\n")
    host.own(shared, 0o640, group=SERVICE)
    host.link.symlink_to("../shared.env")
    assert host.place()[0] == 0
    assert os.readlink(host.link) == str(host.folder / "source.env")
    assert host.read(host.link) == "DB_HOST=10.0.0.1\nKEY=1\n"
    assert (host.folder / "original.link").read_text() == "../shared.env\n"


@root
def test_nothing_beside_the_link_is_readable_for_others_at_any_moment(host: Host) -> None:
    """Documents of a web server may lie there: a copy of wp-config.php by another name would be served."""
    host.settings()
    trace = host.top / "trace"
    (host.home / "bin").mkdir()
    for program in ("ln", "mv", "cp"):
        wrapper = host.home / "bin" / program
        real = shutil.which(program)
        wrapper.write_text(
            f'#!/bin/sh\n{real} "$@"; code=$?; ls -lA {host.link.parent} >> {trace}; exit $code\n'
        )
        wrapper.chmod(0o755)
    trace.touch()
    trace.chmod(0o666)
    path = f"{host.home}/bin:{os.environ['PATH']}"
    assert host.place(by={**host.login, "env": {"PATH": path}})[0] == 0
    seen = {
        tuple(line.split()[i] for i in (0, 8))
        for line in trace.read_text().splitlines()
        if "->" in line or "env" in line
    }
    assert seen == {
        ("-rw-r-----", "listings.env"),
        ("lrwxrwxrwx", "listings.env"),
        ("lrwxrwxrwx", ".livemove-new.listings.env"),
    }


@root
@pytest.mark.parametrize("was", ["file", "link"])
def test_what_was_there_is_in_its_place_again_when_the_service_cannot_read_through_the_link(
    host: Host, was: str
) -> None:
    """The world changes in between: whoever flips the link also closes the folder."""
    host.settings()
    if was == "link":
        host.link.rename(host.home / "shared.env")
        host.link.symlink_to("../shared.env")
    before = host.looks(host.link)
    (host.home / "bin").mkdir()
    wrapper = host.home / "bin" / "mv"
    wrapper.write_text(f'#!/bin/sh\n{shutil.which("mv")} "$@"; [ "$1" != -fT ] || chmod 700 {host.folder}\n')
    wrapper.chmod(0o755)
    path = f"{host.home}/bin:{os.environ['PATH']}"
    code, said = host.place(by={**host.login, "env": {"PATH": path}})
    assert code == 1
    assert said["message"].endswith("The file that was there is in its place again")
    assert host.link.is_symlink() == (was == "link")
    assert host.looks(host.link) == before
    assert host.read(host.link) == "DB_HOST=10.0.0.1\n"


@root
def test_a_server_whose_service_lost_its_way_is_not_armed(host: Host) -> None:
    host.settings()
    host.place()
    (host.folder / "target.watch").write_text("a login")
    (host.folder / "target.env").chmod(0o600)
    done = subprocess.run(
        ["sh", "livemove/livemove-server", "status", "--to", "target"],
        cwd=host.home,
        capture_output=True,
        text=True,
    )
    watch = json.loads(done.stdout)["watch"]
    assert "www-data may not read" in watch
    assert "target.env is -rw------- backup:www-data" in watch
