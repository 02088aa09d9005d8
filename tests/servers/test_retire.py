"""The last chapter when the data centre died before it: what is left out, and what still fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from livemove.control.adapters import state as standing
from livemove.model.errors import UnreachableError
from livemove.model.ports import ControlRow, ControlState, Reply
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator
from livemove.servers.adapters import servers
from livemove.servers.operators.retire import FinalDumpOperator
from livemove.servers.operators.servers import StopServersOperator
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises


class Gone(MemoryWorld):
    """The source does not answer."""

    def aws(self, service: str) -> Any:
        return None

    @contextmanager
    def database(self, side: Side) -> Iterator[Any]:
        raise UnreachableError("The source database did not let us in")
        yield


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Gone:
    world = Gone()
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    replies = [Reply("idc_web", False, "no route to host")]
    monkeypatch.setattr(servers.Servers, "of", lambda world, site: SimpleNamespace(stop=lambda: replies))
    return world


def target(monkeypatch: pytest.MonkeyPatch, *, promoted: bool) -> None:
    row = ControlRow(Side.TARGET, ControlState.OPEN, 2, promoted=promoted)
    monkeypatch.setattr(standing, "read_row_of", lambda world, side: row)


def test_after_a_promotion_there_is_no_dump_and_the_report_says_why(
    world: Gone, monkeypatch: pytest.MonkeyPatch
) -> None:
    target(monkeypatch, promoted=True)
    kept = FinalDumpOperator(task_id="d", service="shop").execute({})
    assert kept == world.ledger.read("final_dump")
    assert "target OPEN@2 was promoted because it was lost for good" in kept["skipped"]
    assert [e["event"] for e in world.ledger.events()] == ["final_dump_skipped"]


def test_a_source_that_is_silent_for_another_reason_is_no_reason_to_go_without(
    world: Gone, monkeypatch: pytest.MonkeyPatch
) -> None:
    target(monkeypatch, promoted=False)
    with pytest.raises(UnreachableError, match="did not let us in"):
        FinalDumpOperator(task_id="d", service="shop").execute({})
    assert world.ledger.read("final_dump") is None


def test_old_servers_that_do_not_answer_are_down_by_the_word_of_the_promotion_only(world: Gone) -> None:
    stop = StopServersOperator(task_id="s", service="shop", site=Side.SOURCE)
    with raises(UnreachableError, "idc_web", "no route to host"):
        stop.execute({})
    world.ledger.write("promotion/2", {"epoch": 2})
    assert stop.execute({}) == {"idc_web": "no route to host"}
    with pytest.raises(UnreachableError):
        StopServersOperator(task_id="s", service="shop", site=Side.TARGET).execute({})
