"""Where the extra links lead; a rehearsal has no AWS console, and a link never fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from livemove.dns.adapters import zone_link
from livemove.dns.adapters.zone_link import ZoneLink
from livemove.model.errors import UnreachableError
from livemove.model.spec import MigrationSpec
from livemove.runtime import links as extra
from livemove.runtime.links import ConsoleLink, DatabaseLink, DmsTaskLink, RunbookLink
from tests.doubles.worlds import SHOP, MemoryWorld

TI = SimpleNamespace(dag_id="migrate_shop", run_id="manual__1", task_id="t")


def real(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> MigrationSpec:
    made = SHOP.model_copy(update={"rehearsal": False, "runbook": "https://wiki.example/runbook", **changed})
    monkeypatch.setattr(extra, "find_spec", lambda service: made)
    return made


def operator(**more: Any) -> Any:
    return SimpleNamespace(service="shop", runbook_section="going-back", dms_task=None, **more)


def test_the_console_stays_below_the_path_under_which_airflow_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://air.example/flow")
    assert (
        ConsoleLink().get_link(operator(), ti_key=TI)
        == "/flow/livemove/console?dag_id=migrate_shop&run_id=manual__1"
    )


def test_the_runbook_opens_at_the_tasks_section(monkeypatch: pytest.MonkeyPatch) -> None:
    real(monkeypatch)
    assert RunbookLink().get_link(operator(), ti_key=TI) == "https://wiki.example/runbook#going-back"
    real(monkeypatch, runbook=None)
    assert RunbookLink().get_link(operator(), ti_key=TI) == ""


def test_aws_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    real(monkeypatch)
    world = MemoryWorld()
    world.ledger.write("outputs", {"database_identifier": "shop-db"})
    world.zone.zone_id = "Z1"  # type: ignore[attr-defined]
    monkeypatch.setattr(extra, "ServiceContext", lambda spec: world)
    monkeypatch.setattr(zone_link, "ServiceContext", lambda spec: world)
    task = operator()
    home = "https://ap-northeast-2.console.aws.amazon.com"
    assert DmsTaskLink().get_link(task, ti_key=TI) == f"{home}/dms/v2/home?region=ap-northeast-2#tasks"
    task.dms_task = "shop-e1-source-to-target"
    assert DmsTaskLink().get_link(task, ti_key=TI).endswith("#taskDetails/shop-e1-source-to-target")
    assert (
        DatabaseLink().get_link(task, ti_key=TI)
        == f"{home}/rds/home?region=ap-northeast-2#database:id=shop-db;is-cluster=false"
    )
    assert ZoneLink().get_link(task, ti_key=TI).endswith("#ListRecordSets/Z1")


def test_a_link_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    real(monkeypatch)

    class Dead:
        def __init__(self, spec: object) -> None: ...

        def __getattr__(self, name: str) -> Any:
            raise UnreachableError("nothing answers")

    monkeypatch.setattr(extra, "ServiceContext", Dead)
    monkeypatch.setattr(zone_link, "ServiceContext", Dead)
    assert DatabaseLink().get_link(operator(), ti_key=TI).endswith("#databases:")
    assert ZoneLink().get_link(operator(), ti_key=TI).endswith("hostedzones?region=us-east-1")


@pytest.mark.parametrize("link", [DmsTaskLink, DatabaseLink, ZoneLink])
def test_a_rehearsal_has_no_aws_console(link: Any) -> None:
    assert SHOP.rehearsal
    assert link().get_link(operator(), ti_key=TI) == ""
