"""What a rollback would lose, row by row, until when it would lose nothing, and when it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from livemove.model.errors import RefusedError, ReplicationError
from livemove.model.ports import (
    Binlogs,
    ControlState,
    Json,
    Link,
    Mark,
    ReplicationStatus,
    TableProgress,
    TaskState,
)
from livemove.model.spec import Side
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.switchover import guards
from livemove.switchover import reverse_replication as return_path
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.guards import refusals, remarks
from livemove.switchover.protocol import Switchover
from livemove.switchover.rollback import go_back
from livemove.switchover.rollback_safety import Facts, checkpoint, kept_until, losses, lost_marks
from tests.doubles.moving import Universe
from tests.raising import raises

S, T = Side.SOURCE, Side.TARGET
LINK = Link("shop", 2, T)
RUNS = ReplicationStatus(TaskState.RUNNING, checkpoint="x#bin.000007:900", started_from="bin.000003:4")
WELL = Facts(LINK, "bin.000003:4", RUNS, (), Binlogs(("bin.000007", "bin.000008"), 86400.0))
STOPPED = replace(RUNS, state=TaskState.STOPPED)
FAILED = replace(RUNS, state=TaskState.FAILED)
READY = ReplicationStatus(TaskState.READY)
KEPT = Binlogs(("bin.000003", "bin.000004"), 86400.0)
PURGED = Binlogs(("bin.000008",), 86400.0)
BROKEN = (TableProgress("shop", "orders", "Table error"),)
MARK = Mark("way back", 1, 1_800_000_000.0)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (WELL, None),
        (replace(WELL, status=STOPPED), None),
        (replace(WELL, status=FAILED), None),
        (replace(WELL, status=READY, binlogs=KEPT, began=False), None),
        (replace(WELL, status=ReplicationStatus(TaskState.ABSENT), binlogs=KEPT, began=False), None),
        # a task that runs has read what is purged
        (replace(WELL, binlogs=PURGED), None),
        (replace(WELL, status=STOPPED, binlogs=None), None),
        (
            replace(WELL, status=FAILED, binlogs=PURGED),
            "must read on at bin.000007:900, but the target keeps binlogs from bin.000008 on only",
        ),
        (replace(WELL, status=STOPPED, binlogs=PURGED), "every write in between is missing on the source"),
        (replace(WELL, status=READY, binlogs=PURGED, began=False), "must read on at bin.000003:4"),
        (replace(WELL, status=ReplicationStatus(TaskState.ABSENT)), "task shop-e2-target-to-source is gone"),
        (replace(WELL, tables=BROKEN), "the source misses rows: shop.orders: Table error"),
        (
            replace(WELL, status=replace(RUNS, started_from="bin.000005:4")),
            "began at bin.000005:4, reverse replication begins at bin.000003:4",
        ),
        (
            replace(WELL, lost_marks=[MARK]),
            "1 watermark rows of 2027-01-15 08:00:00 UTC to 2027-01-15 08:00:00 UTC never came to the source",
        ),
    ],
)
def test_what_would_be_lost(found: Facts, message: str | None) -> None:
    reasons = losses(found)
    if message is None:
        assert reasons == []
    else:
        assert len(reasons) == 1
        assert message in reasons[0]


def marks(*names: str) -> list[Mark]:
    return [Mark(name, n, float(n)) for n, name in enumerate(names)]


@pytest.mark.parametrize(
    ("arrived", "lost"),
    [
        ((1, 2, 3, 4), []),
        ((1, 2, 3), []),  # the last one is on its way
        ((1, 2, 4), [3]),
        ((4,), [1, 2, 3]),
        ((), []),
    ],
)
def test_a_row_is_lost_when_a_later_one_came(arrived: tuple[int, ...], lost: list[int]) -> None:
    sent = marks("of an earlier epoch", "return 2 now", "lag", "way back", "way back")
    there = [m for m in sent if m.number in arrived]
    assert [m.number for m in lost_marks(sent, there, 2)] == lost


BEGAN = Mark("return 2 now", 1, 100.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "lost"),
    [
        ([105, 110, 115], [105, 110, 115], []),
        ([205, 210, 215], [205, 210, 215], []),  # written a second time
        ([205, 210, 215], [205, 110, 215], [210]),  # the second writing of the middle one never came
        ([205, 210, 215], [205, 110, 115], []),  # the last two are on their way
        ([105, 110, 115], [105, 210, 115], []),  # written again between the two looks
        ([5, 110, 115], [1, 110, 115], []),  # of an earlier epoch
    ],
)
def test_a_beat_counts_in_its_newest_writing(
    ours: list[float], theirs: list[float], lost: list[float]
) -> None:
    sent, arrived = ([BEGAN, *(Mark("beat", n, at) for n, at in enumerate(side))] for side in (ours, theirs))
    assert [m.at for m in lost_marks(sent, arrived, 2)] == lost


def test_rows_before_the_return_path_began_do_not_count() -> None:
    sent = marks("lag", "way back")
    assert lost_marks(sent, sent[1:], 2) == []


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", ""),
        ("checkpoint:V1#task#0-1-5,1-2-3#mysql-bin.000004:815", "mysql-bin.000004:815"),
        (
            "checkpoint:V1#27#mysql-bin-changelog.157832:1975:-1:2002:677883278264080:mysql-bin-changelog.157832:1876#0#0#*#0#93",
            "mysql-bin-changelog.157832:1876",
        ),
        ("checkpoint:V1#2#bin.1000000:4:-1:1:1:bin.999999:700#0", "bin.999999:700"),
    ],
)
def test_the_checkpoint_is_the_earliest_place_that_dms_names(text: str, position: str) -> None:
    assert checkpoint(text) == position


def test_what_was_current_at_a_time_is_kept_for_the_retention_after_it() -> None:
    at = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
    assert str(kept_until(7 * 86400, at)) == "2026-11-30 03:12:00+00:00"
    assert kept_until(0, at) == at
    assert kept_until(None, at) is None


# In a world in memory ---------------------------------------------------------------------------------
def moved() -> Universe:
    world = Universe()
    Switchover(world.parts(), T, "a", guards=refusals).run()
    return_path.run(world.parts())
    return world


def back(world: Universe) -> Json:
    parts = world.parts()

    def prepare(_: object) -> Json:
        owner = next(db for db in world.db.values() if db.state is ControlState.OPEN)
        world.replicator.prepare(Link("shop", owner.epoch + 1, owner.side.other))
        return {}

    return go_back(parts, lambda to: Switchover(parts, to, "back", guards=refusals), prepare)


def look(world: Universe) -> str:
    return way_back.look(world.parts(), LINK, world.db[T].position, 1).message


def stop_and_purge(world: Universe) -> None:
    world.replicator.stop(LINK)
    world.db[T].files = ("later",)


def skip_a_stretch(world: Universe) -> None:
    world.db[T].write_watermark(T, "lag", 77)
    del world.db[S].marks[(T, "lag", 77)]
    world.clock.sleep(1)
    world.db[T].write_watermark(T, "lag", 78)
    world.turn()


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (stop_and_purge, "every write in between is missing on the source"),
        (lambda world: world.replicator.delete(LINK), "is gone"),
        (lambda world: world.replicator.broken.add(LINK), "shop.orders: Table error"),
        (lambda world: world.replicator.started.update({LINK: "bin:99"}), "began at bin:99"),
        (skip_a_stretch, "never came to the source"),
    ],
)
def test_a_rollback_that_would_lose_writes_is_refused_before_anything_is_touched(
    break_it: Callable[[Universe], None], message: str
) -> None:
    world = moved()
    break_it(world)
    rows = [str(db.read()) for db in world.db.values()]
    with pytest.raises(RefusedError, match=message) as refused:
        back(world)
    assert "nothing was changed, the target is the owner. Copy the follower again" in str(refused.value)
    assert [str(db.read()) for db in world.db.values()] == rows
    assert any(message in r for r in refusals(world.parts(), S, 2))
    assert "A rollback would lose writes" in look(world)
    assert world.ledger.kept["way_back"]["losses"]


def test_a_return_path_that_only_stands_is_resumed_by_the_rollback() -> None:
    world = moved()
    world.replicator.stop(LINK)
    assert "Reverse replication is stopped" in look(world)
    assert "A rollback loses nothing until" in look(world)
    assert back(world).move
    world.audit(S)


def test_a_return_path_whose_position_is_purged_before_it_began_does_not_start() -> None:
    world = Universe()
    Switchover(world.parts(), T, "a", guards=refusals).run()
    world.db[T].files = ("later",)
    with raises(ReplicationError, next_step=REPAIR_FOLLOWER):
        return_path.run(world.parts())
    assert LINK not in world.replicator.started


def test_the_way_back_says_until_when_and_remembers_when_it_was_current() -> None:
    world = moved()
    assert look(world).startswith("Reverse replication runs, ")
    assert look(world).endswith(
        "A rollback loses nothing until 2026-11-30 18:30 UTC if reverse replication stops now; while it runs,"
        " until you approve Retire"
    )
    world.replicator.stop(LINK)
    world.clock.sleep(3600)
    assert "loses nothing until 2026-11-30 18:30 UTC; if it runs again by then" in look(world)
    world.db[T].keeps = 0
    assert "binlog retention hours is NULL" in look(world)
    world.db[T].keeps = None
    assert "for ever" in look(world)


def test_a_silent_follower_is_behind_and_not_a_loss() -> None:
    world = moved()
    look(world)
    world.db[S].reachable = False
    assert "is behind since 2026-11-23 18:30 UTC. A rollback loses nothing until" in look(world)


# The guards ---------------------------------------------------------------------------------------------
def compare(world: Universe, epoch: int, **more: object) -> None:
    world.tables = ["shop.orders"]
    now = world.clock.now().isoformat()
    world.ledger.write(f"comparison/{epoch}/shop.orders", {"equal": True, "checked_at": now, **more})


def restart(world: Universe, owner: Side) -> None:
    world.clock.sleep(60)
    world.db[owner].uptime = 30


def forget(world: Universe, owner: Side) -> None:
    world.ledger.kept.clear()


def ddl(world: Universe, owner: Side) -> None:
    world.proof.digests[owner] = {"shop.orders": "new"}


def short_binlogs(world: Universe, owner: Side) -> None:
    world.db[owner.other].keeps = 3600


def maintenance(world: Universe, owner: Side) -> None:
    world.due = ["the instance is maintenance"]


def stranger(world: Universe, owner: Side) -> None:
    world.db[owner].intruders = ["session 7 of cron@10.0.0.9"]


def foreign_event(world: Universe, owner: Side) -> None:
    world.db[owner].stubborn = ["shop.e of app@%"]


def unlike(world: Universe, owner: Side) -> None:
    world.proof.apart = ["shop.orders cannot follow: the columns differ"]


def other_ddl(world: Universe, owner: Side) -> None:
    world.ddl = ("view shop.latest is new",)


def trigger(world: Universe, owner: Side) -> None:
    world.replicator.stop(Link("shop", world.db[owner].epoch, owner))  # it would notice
    world.db[owner.other].triggers = True


def differs(world: Universe, owner: Side) -> None:
    compare(world, world.db[owner].epoch, equal=False, differences=[{"key": ["7"], "kind": "changed"}])


def table_error(world: Universe, owner: Side) -> None:
    world.replicator.broken.add(Link("shop", world.db[owner].epoch, owner))


TOLD_ON_THE_WAY_BACK = [
    (forget, "was not compared since epoch"),
    (restart, "was restarted at"),
    (ddl, "was changed by DDL"),
    (other_ddl, "view shop.latest is new"),
    (short_binlogs, "keeps its binlogs for 1 h"),
    (maintenance, "the instance is maintenance"),
]
REFUSED_BOTH_WAYS = [
    (stranger, "session 7 of cron@10.0.0.9 may write"),
    (foreign_event, "event shop.e of app@% on the"),
    (unlike, "cannot follow: the columns differ"),
    (differs, "shop.orders differs: changed 7"),
    (table_error, "shop.orders: Table error"),
]
Spoil = Callable[[Universe, Side], None]


def test_a_trigger_on_the_follower_refuses_a_move_in_either_direction() -> None:
    for world, to, epoch in ((Universe(), T, 1), (moved(), S, 2)):
        trigger(world, to.other)
        assert any("trigger shop.t is awake on the" in r for r in refusals(world.parts(), to, epoch))


@pytest.mark.parametrize(("spoil", "message"), TOLD_ON_THE_WAY_BACK + REFUSED_BOTH_WAYS)
def test_each_guard_refuses_the_way_forth(spoil: Spoil, message: str) -> None:
    world = Universe()
    compare(world, 1, definitions={"source": "old"})
    assert refusals(world.parts(), T, 1) == []
    spoil(world, S)
    (reason,) = refusals(world.parts(), T, 1)
    assert message in reason


@pytest.mark.parametrize(("spoil", "message"), TOLD_ON_THE_WAY_BACK)
def test_a_rollback_goes_with_a_stale_comparison_and_says_so(spoil: Spoil, message: str) -> None:
    world = moved()
    compare(world, 2, definitions={"target": "old"})
    spoil(world, T)
    document = back(world)
    assert document.move
    assert message in document.although[0]
    world.audit(S)


@pytest.mark.parametrize(("spoil", "message"), REFUSED_BOTH_WAYS)
def test_a_rollback_is_refused_where_it_would_lose_something(spoil: Spoil, message: str) -> None:
    world = moved()
    compare(world, 2)
    spoil(world, T)
    with pytest.raises(RefusedError) as refused:
        back(world)
    assert message in str(refused.value)
    assert remarks(world.parts(), T, 2) == []
    assert guards.remarks(world.parts(), S, 2) == []
