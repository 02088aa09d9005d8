"""The `livemove` command on two real servers in the middle of a move, without Airflow, AWS or web servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from livemove.cli import commands as cli
from livemove.control.adapters.control_row import Control
from livemove.model.errors import UnreachableError
from livemove.model.ports import ControlRow, ControlState, Reply
from livemove.model.spec import Side
from livemove.schema.adapters.stored_code import code_of
from livemove.switchover import protocol as switchover
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover
from tests.switchover.conftest import Two
from tests.switchover.test_move import World

ROOT = Path(__file__).parents[2]
DEAD = "127.0.0.1:9"
"""Nothing listens there."""


@pytest.fixture
def spec(tmp_path: Path, two: Two) -> Path:
    data = yaml.safe_load((ROOT / "include" / "migrations" / "shop.yaml").read_text())
    data["source"]["address"] = two.servers[Side.SOURCE].address
    data["servers"][0]["address"] = "127.0.0.1"
    data["target"]["tls"] = "verify_ca"  # the certificate of these servers names none of them
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def environment(two: Two, tmp_path: Path, **ports: int) -> dict[str, str]:
    """Logins in the environment; an Airflow database that nobody can reach."""
    s, t = two.servers[Side.SOURCE], two.servers[Side.TARGET]
    host, port = DEAD.split(":")
    assert s.certificate
    trust = {"ssl": {"ca": str(s.certificate[0])}}
    connections = {
        "SHOP_SOURCE": {
            "conn_type": "mysql",
            "host": s.address,
            "port": ports.get("source", s.port),
            "login": "root",
            "password": "root",
            "extra": trust,
        },
        "SHOP_TARGET": {
            "conn_type": "mysql",
            "host": t.address,
            "port": t.port,
            "login": "master",
            "password": "m",
            "extra": trust,
        },
        "SHOP_AWS": {
            "conn_type": "aws",
            "login": "k",
            "password": "very-secret",
            "extra": {"endpoint_url": f"http://{DEAD}"},
        },
        "SHOP_APP": {"conn_type": "mysql", "login": "shop_app", "password": "app"},
        "SHOP_IDC_SSH": {
            "conn_type": "ssh",
            "host": host,
            "port": int(port),
            "login": "nobody",
            "password": "very-secret",
        },
    }
    return {
        **{f"AIRFLOW_CONN_{k}": json.dumps(v) for k, v in connections.items()},
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://airflow:airflow@127.0.0.1:9/airflow",
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "PYTHONPATH": str(ROOT / "plugins"),
        "PATH": os.environ["PATH"],
    }


def livemove(env: dict[str, str], *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "livemove.cli", *words],
        env=env,
        input=typed,
        capture_output=True,
        text=True,
        timeout=180,
    )
    print(done.stdout, done.stderr)
    for secret in ("very-secret", "root@:", '"password"'):
        assert secret not in done.stdout + done.stderr
    return done


def test_status_and_abort_when_nothing_but_the_databases_answers(
    two: Two, spec: Path, tmp_path: Path
) -> None:
    env = environment(two, tmp_path)
    assert two.s.arm(1, "died", 120).done
    assert two.s.close(1, "died").done
    seen = livemove(env, "status", "--spec", str(spec))
    assert seen.returncode == 0
    assert "source FENCED@1, fence of attempt died" in seen.stdout
    assert "target FOLLOW@1" in seen.stdout
    assert "server idc_web: does not answer" in seen.stdout
    assert "server cloud_web: does not answer" in seen.stdout
    assert "replication: DMS does not answer" in seen.stdout
    assert "next: if nobody is moving the writes right now: livemove abort" in seen.stdout

    done = livemove(env, "abort", "--spec", str(spec), typed="shop\n")
    assert done.returncode == 0
    assert "source OPEN@1" in done.stdout
    assert not two.locked(Side.SOURCE)


def test_status_exits_0_and_says_so_when_a_side_is_silent(two: Two, spec: Path, tmp_path: Path) -> None:
    seen = livemove(environment(two, tmp_path, source=9), "status", "--spec", str(spec))
    assert seen.returncode == 0
    assert "source: does not answer" in seen.stdout
    assert "target FOLLOW@1" in seen.stdout
    assert "touch nothing before the source answers" in seen.stdout


def test_a_wrong_spec_a_missing_login_and_a_missing_file_end_with_2(
    two: Two, spec: Path, tmp_path: Path
) -> None:
    env = environment(two, tmp_path)
    assert livemove(env, "status", "--spec", str(tmp_path / "none.yaml")).returncode == 2
    assert livemove(env, "status", "--spec", str(spec), "--env-file", str(tmp_path / "none")).returncode == 2
    del env["AIRFLOW_CONN_SHOP_SOURCE"]
    missing = livemove(env, "status", "--spec", str(spec))
    assert missing.returncode == 2
    assert "AIRFLOW_CONN_SHOP_SOURCE" in missing.stderr


# in the middle of a move, with a replicator and users ---------------------------------------------
@pytest.fixture
def world(two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The command's own shell over a world whose parts are the real databases and a real replicator."""
    made = World(two, tmp_path)
    made.begin()
    made.prepare_return(1, Side.SOURCE)

    @contextmanager
    def dependencies(_: object) -> Iterator[object]:
        yield made.parts

    def prepare_return(_: object, parts: object) -> dict[str, str]:
        made.prepare_return(two.t.read().epoch, Side.TARGET)
        return {}

    monkeypatch.setattr("livemove.switchover.adapters.wiring.build_dependencies", dependencies)
    monkeypatch.setattr("livemove.switchover.adapters.wiring.prepare_return", prepare_return)
    monkeypatch.setattr("livemove.dns.adapters.public_record.put_back", lambda _: ({}, "the name went back"))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "")  # the command sets it; here it is put back
    yield made
    for user in made.users:
        user.end.set()
    made.replicators.close()


class Gone(BaseException):
    """The task's process, killed."""


def killed_before(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A move to the target whose process is gone before this step."""

    def gone(_: object) -> str:
        raise Gone

    with monkeypatch.context() as patch:
        steps = tuple(replace(s, act=gone) if s.name == name else s for s in switchover.STEPS)
        patch.setattr(switchover, "STEPS", steps)
        with pytest.raises(Gone):
            Switchover(world.parts, Side.TARGET, "airflow", guards=refusals).run()


def run(*words: str, typed: str = "") -> tuple[int, str]:
    shop = str(ROOT / "include" / "migrations" / "shop.yaml")
    done = CliRunner().invoke(cli.app, [*words, "--spec", shop], input=typed)
    print(done.output)
    return done.exit_code, done.output


def test_abort_shows_its_call_and_does_it_only_for_the_name(two: Two, world: World) -> None:
    assert two.s.arm(1, "died", 120).done
    code, text = run("abort", "--dry-run")
    assert (code, "CALL livemove.lift_fence(1, 'died') on the source" in text) == (0, True)
    code, text = run("abort", typed="shpo\n")
    assert (code, "nothing was changed" in text) == (3, True)
    assert two.s.read().state is ControlState.FENCED
    code, text = run("abort", typed="shop\n")
    assert (code, "source OPEN@1" in text) == (0, True)
    assert two.s.read().state is ControlState.OPEN


@pytest.mark.parametrize("step", ["claim", "open", "repoint"])
def test_a_move_that_died_after_its_commit_is_continued_and_then_rolled_back(
    world: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before(world, step, monkeypatch)
    code, text = run("abort", "--yes")
    assert (code, "livemove continue" in text) == (3, True)
    code, text = run("continue", "--dry-run")
    assert (code, "7 claim" in text, world.site.side) == (0, True, Side.SOURCE)
    code, text = run("continue", "--yes")
    assert (code, "the target is the owner since epoch 2, the source follows" in text) == (0, True)
    assert world.site.side is Side.TARGET
    code, text = run("rollback", "--dry-run")
    assert (code, "6 commit: reads target FENCED@2" in text) == (0, True)
    code, text = run("rollback", "--yes")
    assert (code, "the source is the owner" in text, "the name went back" in text) == (0, True, True)
    world.audit(Side.SOURCE)


def test_a_refused_rollback_says_why_and_leaves_the_writes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_before(world, "repoint", monkeypatch)
    assert run("continue", "--yes")[0] == 0
    dead = [Reply("web", False, "dead", {"site": "source"})]
    monkeypatch.setattr(world.site, "status", lambda watching=None: dead)
    code, text = run("rollback", "--yes", "--keep-name")
    assert (code, "server web does not answer" in text) == (3, True)
    assert str(world.two.t.read()) == "target OPEN@2"
    world.audit(Side.TARGET)


def test_promote_wants_the_sentence_and_a_source_that_is_gone(
    world: World, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "livemove.dns.adapters.public_record.point_at_target", lambda _: ({}, "the name points at AWS")
    )
    world.ledger.write("schema/source", code_of(two.db[Side.SOURCE], ["shop"]).model_dump(by_alias=True))
    sentence = "the source of shop is off"
    code, text = run("promote", "--word", sentence)
    assert (code, "the source answers (source OPEN@1)" in text) == (3, True)

    def silent() -> ControlRow:
        raise UnreachableError("gone")

    monkeypatch.setattr(two.s, "read", silent)
    code, text = run("promote", "--dry-run")
    assert (code, "the last watermark that arrived" in text, "would promote target FOLLOW@1" in text) == (
        0,
        True,
        True,
    )
    code, text = run("promote", "--word", "yes")
    assert (code, f"exactly: {sentence}" in text) == (3, True)
    assert str(two.t.read()) == "target FOLLOW@1"
    world.replicators.close()
    code, text = run("promote", "--word", sentence)
    assert code == 0
    assert "the target is the owner since epoch 2; the source is never reopened" in text
    assert "the name points at AWS" in text
    monkeypatch.setattr(two.s, "read", lambda: Control.read(two.s))
    code, text = run("status")
    assert (code, "AT ONCE livemove promote again" in text) == (0, True)
    code, text = run("promote", "--word", sentence, "--keep-name")
    assert (code, "came back as source OPEN@1 and is closed now" in text) == (0, True)
    assert two.locked(Side.SOURCE)


# comparing and repairing, with a replicator between the two ----------------------------------------
def test_compare_and_repair_through_the_command(
    world: World, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two, ledger = world.two, world.parts.ledger

    class NightWorld:
        clock = world.parts.clock

        def __init__(self) -> None:
            self.spec, self.ledger = cli.load_spec(spec), ledger

        def database(self, side: Side, **options: object) -> object:
            return two.db[side].fresh()

    monkeypatch.setattr(cli, "world_of", lambda _: NightWorld())
    two.root(Side.SOURCE, "INSERT INTO shop.log VALUES (-1, 'one'), (-2, 'two'), (-3, 'three')")

    def run(*words: str, typed: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(cli.app, [*words, "--spec", str(spec)], input=typed)
        return done.exit_code, done.output

    code, said = run("compare")
    # the users of this world write all the time
    assert (code, said.count(" rows equal in ")) == (0, 2), said
    kept = ledger.read("comparison/1/shop.log")
    assert (kept["equal"], kept["owner"], kept["missing"]) == (True, "source", 0)
    assert kept["position"].startswith("mysql-bin.")
    two.root(Side.TARGET, "UPDATE shop.log SET what = 'lost' WHERE id = -2")
    two.root(Side.TARGET, "DELETE FROM shop.log WHERE id = -3")
    code, said = run("compare", "--table", "shop.log")
    assert code == cli.DIFFER
    assert "1 missing, 0 extra, 1 changed" in said
    assert "changed -2 (what: 'two' on the source, 'lost' on the target)" in said
    assert not ledger.read("comparison/1/shop.log")["equal"]

    code, said = run("repair", "--table", "shop.log", "--dry-run")
    assert "nothing was changed" in said
    assert run("repair", "--table", "shop.log", typed="no\n")[0] == 3
    assert run("compare", "--table", "shop.log")[0] == cli.DIFFER
    code, said = run("repair", "--table", "shop.log", typed="shop\n")
    assert (code, "2 rows copied again" in said, " rows equal in " in said) == (0, True, True), said
    assert ledger.read("comparison/1/shop.log")["equal"]
    assert any(e["event"] == "repaired" for e in ledger.events())
