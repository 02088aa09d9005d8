"""The command's own manners: exit codes, signals, and what it asks before it acts."""

from __future__ import annotations

import os
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from livemove.cli import commands as cli
from livemove.model.errors import (
    InfraError,
    LivemoveError,
    ManualInterventionRequired,
    RefusedError,
    SetupError,
    StaleApprovalError,
    SwitchoverAborted,
    SwitchoverIncomplete,
    UnreachableError,
)
from livemove.model.ports import Link, TableProgress
from livemove.model.spec import Side
from livemove.trial.adapters import parts
from tests.doubles.moving import Universe
from tests.raising import raises


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SetupError("x"), 2),
        (RefusedError("x"), 3),
        (StaleApprovalError("x"), 3),
        (SwitchoverAborted("x", owner="the source", changed=False), 4),
        (SwitchoverIncomplete("x", owner="the target", changed=True), 5),
        (ManualInterventionRequired("x", owner="nobody", changed=False), 6),
        (UnreachableError("x"), 7),
        (InfraError("x"), 1),
    ],
)
def test_every_end_has_its_exit_code_as_the_help_says(error: LivemoveError, code: int) -> None:
    assert cli.code_of(error) == code
    assert f"{code} " in str(cli.__doc__)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_undoes_and_the_second_is_the_shells_own(number: signal.Signals) -> None:
    world, before = Universe(), signal.getsignal(number)
    with cli.moving(world.parts()) as make:
        move = make(Side.TARGET)
        os.kill(os.getpid(), number)
        assert signal.getsignal(number) is before
        for one in (move, make(Side.TARGET)):
            with raises(SwitchoverAborted, owner="the source", changed=False):
                one.run()
    assert signal.getsignal(number) is before
    world.audit(Side.SOURCE)


def test_a_dry_run_and_another_name_never_get_past_the_question() -> None:
    with pytest.raises(typer.Exit):
        cli.agreed("shop", ["step"], yes=True, dry_run=True)
    cli.agreed("shop", ["step"], yes=True, dry_run=False)


def test_logins_are_read_from_a_file_of_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A", "old")
    monkeypatch.delenv("AIRFLOW_CONN_B", raising=False)
    (tmp_path / "env").write_text('# logins\nAIRFLOW_CONN_A={"login": "x=y"}\n\nAIRFLOW_CONN_B=b\n')
    cli._read_environment(tmp_path / "env")
    assert os.environ["AIRFLOW_CONN_A"] == '{"login": "x=y"}'
    assert os.environ.pop("AIRFLOW_CONN_B") == "b"


def test_a_table_is_loaded_again_only_when_dms_runs_and_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world, asked = Universe(), []
    parts = world.parts()
    link = Link(parts.service, 1, Side.SOURCE)
    kind = type(parts.replicator)
    monkeypatch.setattr(
        kind, "tables", lambda self, link: [TableProgress("shop", "orders", "Table completed")]
    )
    monkeypatch.setattr(kind, "reload", lambda self, link, tables: asked.append((link, tables)))
    monkeypatch.setattr(cli, "opened", lambda *_: nullcontext((None, parts)))
    parts.replicator.prepare(link, full_load=True, reader={}, applier={})
    parts.replicator.stop(link)
    with raises(RefusedError, "stopped", "clear start_cdc"):
        cli.reload_table(Path("spec"), ["shop.orders"], yes=True)
    parts.replicator.start(link)
    cli.reload_table(Path("spec"), ["shop.orders"], yes=True)
    assert asked == [(link, [("shop", "orders")])]
    with raises(RefusedError, "shop.nobody"):
        cli.reload_table(Path("spec"), ["shop.nobody"], yes=True)


def test_prepare_source_prints_three_texts_or_writes_them(tmp_path: Path) -> None:
    spec = str(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
    printed = CliRunner().invoke(cli.app, ["prepare-source", "--spec", spec, "--everything"])
    assert printed.exit_code == 0, printed.output
    for file in ("livemove.cnf", "livemove.sql", "firewall.txt"):
        assert f"===== {file}" in printed.output
    written = CliRunner().invoke(
        cli.app, ["prepare-source", "--spec", spec, "--everything", "--to", str(tmp_path / "dba")]
    )
    assert written.exit_code == 0
    assert sorted(p.name for p in (tmp_path / "dba").iterdir()) == [
        "firewall.txt",
        "livemove.cnf",
        "livemove.sql",
    ]
    assert CliRunner().invoke(cli.app, ["prepare-source", "--spec", "absent.yaml"]).exit_code == 2


def test_what_a_trial_found_is_told_although_its_removal_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: LivemoveError) -> Any:
        def act(*_: object) -> None:
            raise error

        return act

    monkeypatch.setattr(parts, "try_part", fails(RefusedError("9 hours late")))
    monkeypatch.setattr(parts, "remove", fails(LivemoveError("web1 has its files still")))
    spec = str(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
    said = CliRunner().invoke(cli.app, ["trial", "--spec", spec])
    assert said.exit_code != 0
    assert said.output.count("9 hours late") == 1
    assert said.output.count("web1 has its files still") == 1
