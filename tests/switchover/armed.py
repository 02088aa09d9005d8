"""Servers that are directories here, with the real livemove-server and an application of shell commands."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from livemove.control.adapters.setup import WATCH_ACCOUNT, WATCH_RIGHTS, ensure_account
from livemove.model.ports import CommandResult, Reply
from livemove.model.spec import Commands, Server, Side
from livemove.servers.adapters.equipping import SCRIPT
from livemove.servers.adapters.servers import Databases, Servers, configuration, watch_login
from tests.switchover.conftest import Two

WRITE = (
    '. app/loaded; mariadb --no-defaults --host="$DB_HOST" --user=shop_app --password=app shop '
    """--execute="INSERT INTO log (what) VALUES ('probe')" && echo "written to $DB_HOST" """
)
COMMANDS = {
    "reload": "cp -L app/shop.env app/loaded; echo . >> app/reloads",
    "probe": WRITE,
    "hold": 'echo "$SECONDS_TO_HOLD" > app/held',
    "release": "rm -f app/held",
}


class ShellServer:
    """The Host port. `late`: the word to repoint is not delivered before the waiter has ended."""

    def __init__(self, two: Two, home: Path, *, late: bool = False) -> None:
        self.two, self.home, self.late = two, home, late
        self.name, self.site, self.address = home.name, Side.SOURCE, ""
        self.databases = Databases(
            *((two.servers[s].address, two.servers[s].port) for s in Side), user="shop_app"
        )
        self.folder = home / "livemove"
        for folder in (home / "app", self.folder):
            folder.mkdir(parents=True)
        (self.folder / "livemove-server").write_bytes(SCRIPT.read_bytes())
        for side in Side:
            (self.folder / f"{side}.env").write_text(f"DB_HOST={self.databases.at(side)[0]}\n")
            (self.folder / f"{side}.watch").write_text(watch_login(self.databases, side, "w"))
        (home / "app/shop.env").symlink_to(self.folder / "source.env")
        self.commands()
        self.run("cp -L app/shop.env app/loaded")

    def commands(self, **changes: str) -> None:
        self.spec = Server(
            name=self.name,
            site=Side.SOURCE,
            reach="ssh",
            connection="idc",
            directory="livemove",
            settings_link="app/shop.env",
            commands=Commands(**{**COMMANDS, **changes}),
        )
        (self.folder / "server.conf").write_text(configuration(self.spec, self.databases))

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        if self.late and " repoint " in command and "--when-open" not in command:
            self.two.until(lambda: not self.waits, "the end of the waiter", 40)
        done = subprocess.run(
            command, shell=True, cwd=self.home, capture_output=True, text=True, timeout=timeout
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        (self.home / path).write_bytes(content)

    @property
    def side(self) -> Side:
        """The database that the application uses now."""
        host = (self.home / "app/loaded").read_text().strip().removeprefix("DB_HOST=")
        return next(s for s in Side if self.databases.at(s)[0] == host)

    @property
    def held(self) -> bool:
        return (self.home / "app/held").exists()

    @property
    def reloads(self) -> int:
        made = self.home / "app/reloads"
        return len(made.read_text().splitlines()) if made.exists() else 0

    @property
    def waiter(self) -> str:
        """What the waiter did last."""
        return (self.folder / "waiter").read_text().strip()

    @property
    def waits(self) -> bool:
        """A waiter lives."""
        return subprocess.run(["flock", "-n", str(self.folder / "waiter.lock"), "true"]).returncode != 0


class ShellServers(Servers):
    def __init__(self, *servers: ShellServer) -> None:
        super().__init__([(s.spec, s) for s in servers])
        self.shells = servers

    def close(self) -> None:
        self.release()


def allow_watching(two: Two) -> None:
    for db in two.db.values():
        ensure_account(db, WATCH_ACCOUNT, "w", WATCH_RIGHTS, locked=False)


def good(replies: list[Reply]) -> list[Reply]:
    assert all(r.ok for r in replies), replies
    return replies


class Free:
    """What a user of the site waits for: that no request is held."""

    def __init__(self, server: ShellServer) -> None:
        self.server = server

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.server.held and time.monotonic() < deadline:
            time.sleep(0.002)


class ShellSite(ShellServers):
    """One such server as the site whose users write."""

    def __init__(self, server: ShellServer) -> None:
        super().__init__(server)
        self.two, self.free = server.two, Free(server)

    @property
    def side(self) -> Side:
        return self.shells[0].side
