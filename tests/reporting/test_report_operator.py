"""The report is written at the end of a run, and by whatever failed for good."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from livemove.model.errors import RefusedError, UnreachableError
from livemove.model.ledger import Versions
from livemove.provisioning.adapters import versions
from livemove.reporting.adapters import report_writer
from livemove.reporting.operators import callbacks, report
from livemove.reporting.operators.callbacks import note_failure
from livemove.reporting.operators.report import ReportOperator
from livemove.runtime.operator import LivemoveOperator
from tests.doubles.worlds import MemoryWorld


class Silent(MemoryWorld):
    """No database answers."""

    def database(self, side: object) -> Any:
        raise UnreachableError(f"the {side} is silent")

    def secret(self, connection: str) -> Any:
        return SimpleNamespace(host="")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Silent:
    world = Silent()
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    monkeypatch.setattr(callbacks, "ServiceContext", lambda spec, **told: world)
    monkeypatch.setattr(versions, "_terraform", lambda: "1.11.0")
    monkeypatch.setattr(report, "SpecNotifier", lambda **told: lambda context: None)
    return world


def context(task_id: str = "finish.report", **more: Any) -> dict[str, Any]:
    ti = SimpleNamespace(
        task=SimpleNamespace(service="shop"), task_id=task_id, dag_id="migrate_shop", run_id="r", map_index=0
    )
    return {"ti": ti, "run_id": "r", "params": {}, **more}


def test_both_files_stand_beside_the_ledger(world: Silent) -> None:
    done = ReportOperator(task_id="report", service="shop").execute(context())
    told = json.loads(world.ledger.files["report.json"])
    assert (done["outcome"], told["outcome"], told["failure"], told["service"]) == (
        "not_moved",
        "not_moved",
        None,
        "shop",
    )
    assert world.ledger.files["report.html"].startswith(b"<!doctype html>")
    assert told["standing"] == {"source": "does not answer", "target": "was never made"}


def test_whatever_failed_for_good_writes_it_too_and_says_so(world: Silent) -> None:
    note_failure(context("switchover.switch_over", exception=RefusedError("a table differs")))
    told = json.loads(world.ledger.files["report.json"])
    assert (told["failure"]["task_id"], told["failure"]["found"]) == (
        "switchover.switch_over",
        "a table differs",
    )
    assert "The run failed at switchover.switch_over: a table differs" in told["summary"][0]
    assert world.ledger.noted[-1]["event"] == "task_failed"


def test_a_report_that_cannot_be_written_hides_no_failure(
    world: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_writer, "write_report", lambda *_: 1 / 0)
    note_failure(context("switchover.switch_over", exception=RefusedError("a table differs")))
    assert [e["event"] for e in world.ledger.noted] == ["task_failed"]


def test_a_database_that_is_silent_at_the_end_keeps_the_version_that_it_told_before(world: Silent) -> None:
    world.ledger.save(Versions(programs={"source database": "10.11.6-MariaDB", "Airflow": "older"}))
    found = versions.keep_versions(world).programs  # type: ignore[arg-type]
    assert found["source database"] == "10.11.6-MariaDB"
    assert found["Terraform"] == "1.11.0"
    assert found["Airflow"] not in (None, "older")
    assert world.ledger.load(Versions) == Versions(programs=found)
