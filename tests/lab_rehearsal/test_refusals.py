"""A second rehearsal beside the first, and bad words on the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import lock
from lab.rehearsal.__main__ import main

OCTET = 253


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A lab of another folder that is being started on our network."""
    monkeypatch.setenv("LIVEMOVE_LAB_OCTET", str(OCTET))
    monkeypatch.setenv("LIVEMOVE_LAB_STATE", str(tmp_path / "mine"))
    other = tmp_path / "somebody" / ".lab"
    lock.take(OCTET, other)
    yield other
    lock.release(OCTET, other)


def test_a_second_rehearsal_names_the_first_ones_pid_and_folder(
    held: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--reports", str(tmp_path / "reports")]) == 1
    said = capsys.readouterr().err
    assert f"pid {os.getpid()}, folder {held}" in said
    assert "make down" in said
    assert not (tmp_path / "reports").exists()


def test_rollback_and_story_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rollback", "retire", "--story", "rollback"]) == 2
    assert "choose one" in capsys.readouterr().err


def test_a_kind_of_application_does_not_go_with_a_dump(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--app", "laravel", "--dump", str(tmp_path)]) == 2
    assert "not with a dump" in capsys.readouterr().err


@pytest.mark.parametrize("patience", ["3", "4000", "long"])
def test_a_question_is_read_for_seconds_not_less_than_airflow_needs(
    patience: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--patience", patience])
    assert f"'{patience}': wanted seconds, from 8 to 3600" in capsys.readouterr().err


def test_an_unknown_gate_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rollback", "dns"])
    assert "switch_dns" in capsys.readouterr().err


def test_a_dump_that_is_not_there_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIVEMOVE_LAB_OCTET", str(OCTET))
    monkeypatch.setenv("LIVEMOVE_LAB_STATE", str(tmp_path / "mine"))
    monkeypatch.setenv("LIVEMOVE_AIRFLOW_PORT", "18253")
    assert main(["--dump", str(tmp_path / "none.sql"), "--reports", str(tmp_path / "reports")]) == 1
    said = capsys.readouterr()
    assert "none.sql" in said.out + said.err
    assert not (tmp_path / "mine").exists()
