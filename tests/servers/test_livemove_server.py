"""The script on the servers, run for real in a directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livemove.model.errors import UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Commands, Server, Side, load_spec, project_root
from livemove.servers.adapters.equipping import SCRIPT
from livemove.servers.adapters.servers import Databases, Servers, configuration, reply, settings

DATABASES = Databases(("10.0.0.1", 3306), ("10.0.0.2", 3306), "app")


class Site:
    """A login directory with an application that is two shell commands."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "app").mkdir()
        self.folder = home / "livemove"
        self.folder.mkdir()
        (self.folder / "livemove-server").write_bytes(SCRIPT.read_bytes())
        for side in Side:
            (self.folder / f"{side}.env").write_text(f"DB_HOST={DATABASES.at(side)[0]}\n")
        self.commands(reload="cp -L app/shop.env app/loaded", probe="cat app/loaded")
        (home / "app/shop.env").symlink_to(self.folder / "source.env")

    def commands(self, **commands: str) -> None:
        server = Server(
            name="web",
            site=Side.SOURCE,
            reach="ssh",
            connection="idc",
            directory="livemove",
            settings_link="app/shop.env",
            commands=Commands(**commands),
        )
        (self.folder / "server.conf").write_text(configuration(server, DATABASES))

    def run(self, words: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            f"sh livemove/livemove-server {words}", shell=True, cwd=self.home, capture_output=True, text=True
        )
        return done.returncode, json.loads(done.stdout)

    @property
    def database(self) -> str:
        return (self.home / "app/shop.env").read_text().strip()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_repoint_flips_the_settings_and_proves_it_by_the_probe(site: Site) -> None:
    code, said = site.run("repoint --epoch 2 --to target")
    assert (code, said["ok"], said["epoch"], said["points_to"]) == (0, True, 2, "target")
    assert site.database == "DB_HOST=10.0.0.2"
    assert "10.0.0.2" in said["message"]


def test_a_lower_epoch_is_refused_and_changes_nothing(site: Site) -> None:
    site.run("repoint --epoch 3 --to target")
    code, said = site.run("repoint --epoch 2 --to source")
    assert (code, said["ok"], said["epoch"], said["points_to"]) == (4, False, 3, "target")


def test_the_same_repoint_twice_proves_it_twice_and_reloads_once(site: Site) -> None:
    site.commands(reload="cp -L app/shop.env app/loaded; echo . >> app/reloads", probe="cat app/loaded")
    first, second = site.run("repoint --epoch 2 --to target"), site.run("repoint --epoch 2 --to target")
    assert first == second
    assert (site.home / "app/reloads").read_text() == ".\n"
    site.run("repoint --epoch 3 --to target")
    assert (site.home / "app/reloads").read_text() == ".\n.\n"


def test_a_reload_that_fails_is_told_and_the_epoch_stays_known(site: Site) -> None:
    site.commands(reload="echo no such service >&2; exit 3", probe="true")
    code, said = site.run("repoint --epoch 2 --to target")
    assert (code, said["ok"], said["epoch"]) == (1, False, 2)
    assert "no such service" in said["message"]


def test_a_probe_that_wrote_to_the_old_database_is_no_proof(site: Site) -> None:
    site.commands(reload="true", probe="echo DB_HOST=10.0.0.1")
    code, said = site.run("repoint --epoch 2 --to target")
    assert code == 1
    assert "another database" in said["message"]


def test_what_a_command_prints_cannot_break_the_answer(site: Site) -> None:
    site.commands(reload="true", probe="""printf 'a "quoted" \\\\ line 10.0.0.2'""")
    code, said = site.run("repoint --epoch 2 --to target")
    assert (code, said["message"]) == (0, 'a "quoted" \\ line 10.0.0.2')


def test_what_a_reload_leaves_running_does_not_keep_the_lock(site: Site) -> None:
    site.commands(
        reload="cp -L app/shop.env app/loaded; (sleep 60 >/dev/null 2>&1 & echo $! > app/daemon)",
        probe="cat app/loaded",
    )
    assert site.run("repoint --epoch 2 --to target")[0] == 0
    daemon = int((site.home / "app/daemon").read_text())
    try:
        lock = subprocess.run(["flock", "-n", str(site.folder / "lock"), "true"])
        assert lock.returncode == 0
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_jobs_are_switched_by_the_users_own_commands_where_there_are_any(site: Site) -> None:
    assert site.run("jobs-off")[1]["message"] == "no jobs_off command"
    site.commands(reload="true", probe="true", jobs_off="echo off > app/jobs", jobs_on="echo on; exit 3")
    assert site.run("jobs-off")[0] == 0
    assert (site.home / "app/jobs").read_text() == "off\n"
    code, said = site.run("jobs-on")
    assert (code, said["message"]) == (1, "jobs_on failed: on")


def arm(site: Site, watch: str, wait: int = 30, **commands: str) -> tuple[int, dict[str, Any]]:
    """A waiter whose rows come from a shell command instead of a database."""
    (site.folder / "target.watch").write_text("a login")
    site.commands(
        **{"reload": "cp -L app/shop.env app/loaded", "probe": "cat app/loaded", "watch": watch, **commands}
    )
    return site.run(f"repoint --epoch 2 --to target --when-open --wait {wait}")


def waits(site: Site) -> bool:
    return subprocess.run(["flock", "-n", str(site.folder / "waiter.lock"), "true"]).returncode != 0


def until(true: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.02)


def test_a_server_answers_armed_when_the_first_row_has_come(site: Site) -> None:
    code, said = arm(
        site,
        "while [ ! -e app/open ]; do [ -e app/said ] || { echo go; touch app/said; }; sleep 0.02; done; echo"
        " open",
    )
    assert (code, said["ok"], said["message"]) == (0, True, "armed: 2 target watching")
    assert waits(site)
    assert site.run("status")[1]["waiter"] == "2 target watching"
    (site.home / "app/open").touch()
    until(lambda: not waits(site), "the waiter done")
    assert (site.database, site.run("status")[1]["epoch"]) == ("DB_HOST=10.0.0.2", 2)


def test_release_ends_the_waiter_and_then_lets_requests_go(site: Site) -> None:
    arm(
        site,
        "case $WATCH_SQL in *report*) echo $WATCH_SQL > app/told ;; *) echo hold 9; exec sleep 60 ;; esac",
        hold="echo $SECONDS_TO_HOLD > app/held",
        release="rm -f app/held",
    )
    until(lambda: (site.home / "app/told").exists(), "the report")
    assert (site.home / "app/held").read_text() == "9\n"
    assert (site.home / "app/told").read_text() == "CALL livemove.report_hold('web', 2, 1)\n"
    assert site.run("release")[0] == 0
    assert not waits(site)
    assert not (site.home / "app/held").exists()


def test_without_a_client_or_its_login_a_server_says_why_it_cannot_be_armed(site: Site) -> None:
    code, said = site.run("repoint --epoch 2 --to target --when-open --wait 5")
    assert (code, said["ok"], waits(site)) == (1, False, False)
    assert "target.watch is missing: deploy again" in said["message"]
    assert "target.watch is missing" in site.run("status --to target")[1]["watch"]
    bare = site.home / "bin"
    bare.mkdir()
    for program in ("dirname", "cat", "readlink", "tail", "tr", "sed", "cut", "stat", "grep", "tac"):
        (bare / program).symlink_to(shutil.which(program) or "")
    done = subprocess.run(
        ["/bin/sh", "livemove/livemove-server", "status", "--to", "target"],
        cwd=site.home,
        env={"PATH": str(bare)},
        capture_output=True,
        text=True,
    )
    assert "no mariadb or mysql client here" in json.loads(done.stdout)["watch"]


def test_a_lower_epoch_cannot_be_armed(site: Site) -> None:
    site.run("repoint --epoch 3 --to target")
    code, said = arm(site, "echo go; exec sleep 60")
    assert (code, said["message"], waits(site)) == (4, "epoch 2 is older than 3", False)


def test_a_move_of_the_waiters_own_that_failed_is_made_good_by_a_word(site: Site) -> None:
    arm(site, "echo open", reload="exit 3")
    until(lambda: not waits(site), "the waiter gone")
    assert site.run("status")[1]["waiter"] == "2 target failed: reload failed: "
    site.commands(reload="cp -L app/shop.env app/loaded", probe="cat app/loaded")
    assert site.run("repoint --epoch 2 --to target")[0] == 0
    assert (site.home / "app/loaded").read_text() == "DB_HOST=10.0.0.2\n"


def test_hold_gets_its_seconds(site: Site) -> None:
    site.commands(reload="true", probe="true", hold='echo "$SECONDS_TO_HOLD" > app/held')
    assert site.run("hold --seconds 12")[0] == 0
    assert (site.home / "app/held").read_text() == "12\n"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "repoint",
        "repoint --epoch two --to target",
        "repoint --epoch 2 --to moon",
        "repoint --epoch 2 --to target --when-open",
        "repoint --epoch 2 --to target --when-open --wait soon",
        "status --x 1",
        "hold --seconds",
    ],
)
def test_bad_words_are_refused_with_the_usage(site: Site, words: str) -> None:
    code, said = site.run(words)
    assert (code, said["ok"]) == (2, False)


def test_an_answer_that_is_not_json_becomes_a_reply_that_says_so() -> None:
    server = load_spec(project_root() / "include/migrations/shop.yaml").servers[0]
    got = reply(server, CommandResult(127, "", "sh: livemove-server: not found"))
    assert not got.ok
    assert "127" in got.message
    assert "not found" in got.message


def test_the_settings_of_the_lab_spec_name_the_database_of_the_side() -> None:
    spec = load_spec(project_root() / "include/migrations/shop.yaml")
    text = settings(spec, DATABASES, Side.TARGET, Side.SOURCE, "secret")
    assert "DB_HOST=10.0.0.2\n" in text
    assert "SITE=source\n" in text


def test_an_address_that_only_begins_like_the_wanted_one_is_no_proof(site: Site) -> None:
    site.commands(reload="true", probe='echo \'{"database_host": "10.0.0.20"}\'')
    code, said = site.run("repoint --epoch 2 --to target")
    assert (code, said["ok"]) == (1, False)


def test_a_proved_repoint_releases_its_own_requests(site: Site) -> None:
    site.commands(
        reload="cp -L app/shop.env app/loaded", probe="cat app/loaded", release="touch app/released"
    )
    assert site.run("repoint --epoch 2 --to target")[0] == 0
    assert (site.home / "app/released").exists()


def test_words_go_to_the_servers_they_are_meant_for() -> None:
    words: list[tuple[str, str]] = []

    class Listening:
        address = ""

        def __init__(self, name: str, site: Side) -> None:
            self.name, self.site = name, site

        def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
            words.append((self.name, command.split("livemove-server ")[1]))
            return CommandResult(0, '{"ok": true}', "")

        def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None: ...

    def server(name: str, site: Side, **jobs: str) -> tuple[Server, Listening]:
        commands = Commands(reload="true", probe="true", **jobs)
        return Server(
            name=name,
            site=site,
            reach="ssh",
            connection="any",
            directory="/x",
            settings_link="/y",
            commands=commands,
        ), Listening(name, site)

    jobs = {"jobs_off": "off", "jobs_on": "on"}
    of = [
        server("idc", Side.SOURCE, **jobs),
        server("idc_two", Side.SOURCE),
        server("cloud", Side.TARGET, **jobs),
    ]

    def heard(act: Callable[[Servers], object], **options: bool) -> list[tuple[str, str]]:
        words.clear()
        act(Servers(of, **options))
        return sorted(words)

    assert heard(lambda s: s.arm(3, Side.SOURCE, 120.0))[0] == (
        "cloud",
        "repoint --epoch 3 --to source --when-open --wait 120",
    )
    assert heard(lambda s: s.status(watching=Side.TARGET))[0] == ("cloud", "status --to target")
    assert heard(lambda s: s.hold(60, ["idc_two"])) == [("idc_two", "hold --seconds 60")]
    assert heard(lambda s: s.jobs_off()) == [("cloud", "jobs-off"), ("idc", "jobs-off")]
    assert heard(lambda s: s.jobs_on(Side.TARGET)) == [("cloud", "jobs-on")]
    assert heard(lambda s: s.jobs_on(Side.TARGET), jobs_everywhere=True) == [
        ("cloud", "jobs-on"),
        ("idc", "jobs-on"),
    ]


def test_a_waiter_whose_folder_is_removed_ends(site: Site) -> None:
    assert arm(site, "echo go; exec sleep 0.5")[0] == 0
    pid = int((site.folder / "waiter.pid").read_text())
    shutil.rmtree(site.folder)
    alive = Path(f"/proc/{pid}/cmdline")
    until(lambda: not alive.exists() or alive.read_bytes() == b"", "the waiter gone")


def test_a_dead_server_keeps_nobody_waiting_beyond_the_budget() -> None:
    silent = threading.Event()

    class Dead:
        name, site, address = "dead", Side.TARGET, ""

        def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
            silent.wait(30)
            raise UnreachableError("gone")

    class Alive(Dead):
        def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
            return CommandResult(0, '{"ok": true, "epoch": 2}', "")

    def server(name: str) -> Server:
        return Server(
            name=name,
            site=Side.TARGET,
            reach="ssm",
            directory="/x",
            settings_link="/y",
            commands=Commands(reload="true", probe="true"),
        )

    both = Servers([(server("dead"), Dead()), (server("alive"), Alive())])
    replies = both.each(lambda s, h: reply(s, h.run("status")), budget=0.3)
    silent.set()
    assert [(r.server, r.ok) for r in replies] == [("dead", False), ("alive", True)]
    assert not replies[0].facts.get("reached")
