"""A repoint on a link beside the real one, by livemove-server itself."""

from __future__ import annotations

import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livemove.model.errors import UnreachableError
from livemove.model.ports import CommandResult, Reply
from livemove.model.spec import Commands, Server, Side
from livemove.runtime.ssm import DELIVERY, ONLINE_WITHIN
from livemove.servers.adapters.servers import Databases, Servers
from livemove.trial.adapters import servers as adapter
from tests.raising import raises

DATABASES = Databases(("10.0.0.1", 3306), ("10.0.0.2", 3306), "app")
PASSWORD = "DB_PASSWORD=s3cret"


class Host:
    """A server whose login directory is a folder of this machine."""

    name, address = "web", ""

    def __init__(self, home: Path, site: Side) -> None:
        self.home, self.site = home, site

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.home, capture_output=True, text=True, timeout=timeout
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        file = self.home / path
        file.write_bytes(content)
        file.chmod(mode)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(adapter, "databases_at", lambda world, server, host: DATABASES)
    top = Path(tempfile.mkdtemp(prefix="livemove-trial-"))
    top.chmod(0o755)
    (top / "livemove").mkdir()
    (top / "app").mkdir()
    settings = top / "app/listings.env"
    settings.write_text(f"DB_HOST=10.0.0.1\n{PASSWORD}\n")
    settings.chmod(0o640)
    yield top
    shutil.rmtree(top)


def server(home: Path, site: Side, *, reach: str = "ssh", **commands: Any) -> Server:
    # relative, as over SSM: the folder that holds `directory`
    said = {"reload": "echo reloaded >> app/../reloads", "probe": "echo wrote to 10.0.0.1:3306", **commands}
    return Server(
        name="web",
        site=site,
        reach=reach,
        connection="idc",
        directory=f"{home}/livemove",
        settings_link=f"{home}/app/listings.env",
        commands=Commands(**said),
    )


def tree(home: Path) -> dict[str, tuple[int, str]]:
    return {
        str(p.relative_to(home)): (stat.S_IMODE(p.stat().st_mode), p.read_text())
        for p in home.rglob("*")
        if p.is_file() and p.name != "reloads"
    }


@pytest.mark.parametrize(
    ("site", "reach", "reloads"), [(Side.TARGET, "ssm", 1), (Side.TARGET, "ssh", 1), (Side.SOURCE, "ssh", 0)]
)
def test_the_whole_repoint_goes_beside_the_real_settings(
    home: Path, site: Side, reach: str, reloads: int
) -> None:
    before = tree(home)
    # the agent's own folder is another one
    host = Host(Path("/") if reach == "ssm" else home, site)
    found = adapter._try_one(None, server(home, site, reach=reach), host)  # type: ignore[arg-type]
    assert set(found) == {"delivery", "repoint", "probe"}
    assert tree(home) == before
    assert not (home / "livemove/trial").exists()
    done = (home / "reloads").read_text().splitlines() if (home / "reloads").exists() else []
    assert len(done) == reloads, "users are on the servers of the data centre"


def test_the_real_password_is_in_nothing_that_the_trial_makes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    monkeypatch.setattr(adapter, "remove_from", lambda *_: seen.update(tree(home)))
    adapter._try_one(None, server(home, Side.TARGET), Host(home, Side.TARGET))  # type: ignore[arg-type]
    made = {path: text for path, (_, text) in seen.items() if "trial" in path}
    assert "livemove/trial/original.env" in made
    assert not [path for path, text in made.items() if PASSWORD in text]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"probe": "echo no route; exit 1"}, "no route"),
        ({"probe": "echo wrote to 10.0.0.9:3306"}, "another database"),
        ({"reload": "echo unit not found; exit 5"}, "unit not found"),
    ],
)
def test_what_the_server_says_is_told_and_nothing_stays(
    home: Path, command: dict[str, str], words: str
) -> None:
    before = tree(home)
    with raises(UnreachableError, words):
        adapter._try_one(None, server(home, Side.TARGET, **command), Host(home, Side.TARGET))  # type: ignore[arg-type]
    assert tree(home) == before


def test_settings_that_are_not_there_are_said(home: Path) -> None:
    (home / "app/listings.env").unlink()
    with raises(UnreachableError, "listings.env"):
        adapter._try_one(None, server(home, Side.TARGET), Host(home, Side.TARGET))  # type: ignore[arg-type]


@pytest.mark.parametrize("directory", ["livemove", "livemove/"])
@pytest.mark.parametrize("reach", ["ssh", "ssm"])
def test_commands_run_in_the_folder_of_the_real_ones(home: Path, reach: str, directory: str) -> None:
    real = server(home, Side.TARGET, reach=reach, reload="pwd > " + shlex.quote(f"{home}/where"))
    real = real.model_copy(update={"directory": f"{home}/{directory}"})
    adapter._try_one(None, real, Host(home, Side.TARGET))  # type: ignore[arg-type]
    assert (home / "where").read_text().strip() == str(home)


def test_the_login_needs_no_other_folder_than_the_one_of_the_spec(home: Path) -> None:
    """As root everything may be made, so it is seen where it is made."""
    before = {p.name for p in home.iterdir()}
    seen: set[str] = set()

    class Watched(Host):
        def run(self, command: str, **options: Any) -> CommandResult:
            done = super().run(command, **options)
            seen.update(p.name for p in self.home.iterdir())
            return done

    found = server(home, Side.SOURCE)
    adapter._try_one(None, found, Watched(home, Side.SOURCE))  # type: ignore[arg-type]
    assert seen == before


def test_no_step_goes_on_after_the_time_of_a_server_is_over(home: Path) -> None:
    """A thread that is left behind would make its files again, after they were removed."""
    limits: list[float] = []

    class Counted(Host):
        def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
            limits.append(timeout + DELIVERY)
            return super().run(command, timeout=timeout, stdin=stdin)

        def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
            limits.append(60 + DELIVERY)
            super().put(path, content, mode=mode)

    adapter._try_one(None, server(home, Side.TARGET), Counted(home, Side.TARGET))  # type: ignore[arg-type]
    assert ONLINE_WITHIN + sum(limits) < adapter.BUDGET


def test_a_flip_that_was_cut_off_is_removed_as_well(home: Path) -> None:
    before = tree(home)
    for name in (".livemove-trial.listings.env", ".livemove-new..livemove-trial.listings.env"):
        (home / "app" / name).symlink_to(home / "livemove/trial/target.env")
    adapter.remove_from(server(home, Side.TARGET), Host(home, Side.TARGET))  # type: ignore[arg-type]
    assert [p.name for p in (home / "app").iterdir()] == ["listings.env"]
    assert tree(home) == before


def test_the_trials_own_paths_lie_beside_the_servers(home: Path) -> None:
    beside = adapter.beside(server(home, Side.SOURCE))
    assert beside.directory == f"{home}/livemove/trial"
    assert beside.settings_link == f"{home}/app/.livemove-trial.listings.env"
    assert beside.commands.reload == "true"


def test_a_finding_says_what_was_found_once_and_what_to_do_once(home: Path) -> None:
    broken = server(home, Side.TARGET, probe="echo no route; exit 1")
    servers = Servers([(broken, Host(home, Side.TARGET))])

    def one(server: Server, host: Any) -> Reply:
        adapter._try_one(None, server, host)  # type: ignore[arg-type]
        return Reply(server.name, ok=True)

    found = adapter._finding(broken, adapter._each(servers, one)[0])
    assert "no route" in found.measured
    assert "Next:" not in found.measured
    assert found.remedy
