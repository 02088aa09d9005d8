"""What is kept of each part, what the parts become together, and what is removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from livemove.model.errors import LivemoveError, RefusedError, ReplicationError, UnreachableError
from livemove.model.ledger import ExpectedPause, TrialPart
from livemove.model.ports import Severity
from livemove.model.spec import Side
from livemove.preflight.result import error, ok
from livemove.runtime.mariadb import Login, MariaDb
from livemove.trial.adapters import parts
from livemove.trial.adapters.replication import position_of
from livemove.trial.judgement import PARTS
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises


class World(MemoryWorld):
    """Says nothing to AWS; remembers which links were deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted: list[str] = []
        self.trial_replicator = self

    def listen(self, event: str, handler: Callable[..., None]) -> None:
        """Nobody is called."""

    def delete(self, link: Any) -> None:
        self.deleted.append(link.name)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(parts, "owner", lambda world: Side.SOURCE)
    monkeypatch.setattr(parts, "target_exists", lambda world: True)
    monkeypatch.setattr(parts, "refuse_beside_another", lambda world: None)
    monkeypatch.setattr(parts, "_drop", lambda world, side: None)
    monkeypatch.setattr(parts, "remove_everywhere", lambda world: [])
    return World()


def tried(monkeypatch: pytest.MonkeyPatch, part: str, work: Any) -> None:
    monkeypatch.setitem(parts.TRIES, part, work)


def test_findings_and_numbers_of_a_part_are_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, "record", lambda w: ([ok("trial.record", "there")], {"in_sync": 7}))
    assert parts.try_part(world, "record").measured == {"in_sync": 7}  # type: ignore[arg-type]
    kept = world.ledger.load(TrialPart, part="record")
    assert kept
    assert [f.check for f in kept.findings] == ["trial.record"]
    assert kept.answers.endswith("trial/record.jsonl")


def test_a_part_that_cannot_be_done_is_kept_as_a_finding(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Any) -> Any:
        raise ReplicationError("AccessDenied: dms:CreateEndpoint", next_step="widen the policy")

    tried(monkeypatch, "replication", refused)
    with raises(ReplicationError, "dms:CreateEndpoint"):
        parts.try_part(world, "replication")  # type: ignore[arg-type]
    kept = world.ledger.load(TrialPart, part="replication")
    assert kept
    assert [(f.severity, f.measured) for f in kept.findings] == [
        (Severity.ERROR, "AccessDenied: dms:CreateEndpoint")
    ]


DENIED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "not authorized to perform: dms:CreateEndpoint"}},
    "CreateEndpoint",
)
SILENT = EndpointConnectionError(endpoint_url="https://dms.ap-northeast-2.amazonaws.com")


@pytest.mark.parametrize(("said", "words"), [(DENIED, "CreateEndpoint"), (SILENT, "does not answer")])
def test_what_aws_refuses_is_told_and_kept(
    world: World, monkeypatch: pytest.MonkeyPatch, said: Exception, words: str
) -> None:
    def refused(_: Any) -> Any:
        raise said

    tried(monkeypatch, "replication", refused)
    with raises(LivemoveError, words, "Next:"):
        parts.try_part(world, "replication")  # type: ignore[arg-type]
    kept = world.ledger.load(TrialPart, part="replication")
    assert kept
    assert words in kept.findings[0].measured


def test_a_part_that_broke_leaves_no_older_verdict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried(monkeypatch, "record", lambda w: ([ok("trial.record", "there")], {}))
    parts.try_part(world, "record")  # type: ignore[arg-type]

    def broken(_: Any) -> Any:
        raise KeyError("no such row")

    tried(monkeypatch, "record", broken)
    with pytest.raises(KeyError):
        parts.try_part(world, "record")  # type: ignore[arg-type]
    kept = world.ledger.load(TrialPart, part="record")
    assert kept
    assert [f.severity for f in kept.findings] == [Severity.ERROR]


def test_a_target_without_binlogs_is_said() -> None:
    class Silent(MariaDb):
        def rows(self, sql: str, args: Any = None) -> list[Any]:
            return []

    with raises(RefusedError, "target", "binlog", "backups"):
        position_of(Silent(Side.TARGET, Login("t", 3306, "u", "p")))


def test_a_finding_that_is_an_error_ends_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = error("trial.timestamp", "9 hours late", "the same moment", "set serverTimezone")
    tried(monkeypatch, "replication", lambda w: ([ok("a", "fine"), wrong], {"load": 1}))
    with raises(RefusedError, "9 hours late", "set serverTimezone"):
        parts.try_part(world, "replication")  # type: ignore[arg-type]
    kept = world.ledger.load(TrialPart, part="replication")
    assert kept
    assert kept.measured == {"load": 1}


def test_nothing_is_tried_once_the_target_is_the_owner(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "owner", lambda world: Side.TARGET)
    for part in PARTS:
        tried(monkeypatch, part, lambda w: pytest.fail("it was tried"))
        with raises(RefusedError, "The target is the owner"):
            parts.try_part(world, part)  # type: ignore[arg-type]


def test_a_trial_without_one_of_its_parts_is_not_judged(world: World) -> None:
    for part in PARTS[:-1]:
        world.ledger.save(TrialPart(part=part, at="2026-11-30"))
    with raises(RefusedError, PARTS[-1]):
        parts.judge(world)  # type: ignore[arg-type]


def test_the_pause_to_expect_is_kept_for_the_questions(world: World) -> None:
    measured = {"round_trip_source": 1, "round_trip_target": 2, "apply_there": 900}
    for part in PARTS:
        world.ledger.save(TrialPart(part=part, at="2026-11-30", measured=measured))
    # twice: its own document is no part
    lines = [parts.judge(world) for _ in range(2)][-1]  # type: ignore[arg-type]
    pause = world.ledger.load(ExpectedPause)
    assert pause
    assert [line for line in lines if f"{pause.ms} ms" in line]
    assert len([line for line in lines if "trial.pause" in line]) == 1


def test_everything_is_removed_and_said(world: World) -> None:
    gone = parts.remove(world)  # type: ignore[arg-type]
    assert world.deleted == [
        "shop-livemove-trial-e1-source-to-target",
        "shop-livemove-trial-e2-target-to-source",
    ]
    assert len(gone) == len(world.deleted) + len(Side) + 1 + (world.spec.dns.provider == "route53")


@pytest.mark.parametrize("said", [DENIED, SILENT, LivemoveError("no answer"), KeyError("a bug")])
def test_what_cannot_be_removed_keeps_nothing_else_from_it(
    world: World, monkeypatch: pytest.MonkeyPatch, said: Exception
) -> None:
    dropped = []

    def broken(_: Any) -> Any:
        raise said

    monkeypatch.setattr(world, "delete", broken)
    monkeypatch.setattr(parts, "_drop", lambda world, side: dropped.append(side))
    monkeypatch.setattr(parts, "remove_everywhere", broken)
    with raises(LivemoveError, "replication task", "files of the trial"):
        parts.remove(world)  # type: ignore[arg-type]
    assert dropped == list(Side)


def test_a_database_that_does_not_answer_keeps_nothing_on_the_other_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = []

    def drop(_: Any, side: Side) -> None:
        if side is Side.TARGET:
            raise UnreachableError("the target does not answer")
        dropped.append(side)

    monkeypatch.setattr(parts, "_drop", drop)
    monkeypatch.setattr(parts, "remove_everywhere", lambda world: ["web1: no route"])
    with raises(LivemoveError, "the target does not answer", "web1: no route"):
        parts.remove(world)  # type: ignore[arg-type]
    assert dropped == [Side.SOURCE]
    assert len(world.deleted) == 2


def test_a_trial_that_is_at_work_is_not_taken_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def another(_: Any) -> None:
        raise RefusedError("Another trial is at work")

    monkeypatch.setattr(parts, "refuse_beside_another", another)
    with raises(RefusedError, "Another trial"):
        parts.remove(world)  # type: ignore[arg-type]
    assert world.deleted == []


def test_without_a_target_there_is_nothing_to_remove(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "target_exists", lambda world: False)
    assert "nothing" in parts.remove(world)[0]  # type: ignore[arg-type]
    assert world.deleted == []
