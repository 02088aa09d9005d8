"""The source dies under load on real servers: the loss is within the report's bound, and it stays closed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pymysql
import pytest

from livemove.model.errors import RefusedError, SetupError
from livemove.model.ports import ControlState, Json, Link
from livemove.model.spec import Side
from livemove.schema.adapters.stored_code import code_of
from livemove.switchover import manual_recovery as night
from livemove.switchover import promotion
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover
from tests.raising import raises
from tests.switchover.conftest import Two
from tests.switchover.test_move import World

S, T = Side.SOURCE, Side.TARGET
BEATS = "SELECT COUNT(*) FROM livemove.watermark_{}_{} WHERE stream = 'beat'"


@pytest.fixture
def world(two: Two, tmp_path: Path) -> Iterator[World]:
    made = World(two, tmp_path)
    made.begin()
    made.ledger.write("schema/source", code_of(two.db[S], ["shop"]).model_dump(by_alias=True))
    yield made
    for user in made.users:
        user.end.set()
    made.replicators.close()
    if not two.servers[S].answers():
        back(two)


def kill(two: Two) -> None:
    server = two.servers[S]
    process = server.registry.find(server.name)
    assert process
    os.kill(process.pid, signal.SIGKILL)
    server.stop()


def back(two: Two) -> None:
    two.servers[S].start()
    two.db[S].close()


def promote(world: World, token: str = "token") -> Json:
    return promotion.promote(
        world.parts,
        T,
        promotion.sentence("shop"),
        token,
        lambda to: Switchover(world.parts, to, token, guards=refusals),
    )


def acknowledged(world: World) -> dict[str, float]:
    """Key -> seconds since the epoch at which the user got the answer."""
    offset = time.time() - time.monotonic()
    return {key: at + offset for user in world.users for at, key in user.acknowledged}


@pytest.mark.parametrize("replication", ["hangs", "died"])
def test_the_source_dies_with_writes_in_flight_and_the_target_serves(world: World, replication: str) -> None:
    """A replicator that hangs still holds what it received, so it is waited for; a dead one has lost it."""
    two = world.two
    two.until(lambda: two.root(T, BEATS.format(S, T))[0][0] >= 2, "beats in the target", 40)  # type: ignore[operator]
    replicator = world.replicators.processes[Link("shop", 1, S)]
    os.kill(replicator.pid, signal.SIGSTOP if replication == "hangs" else signal.SIGKILL)
    before = len(acknowledged(world))
    two.until(lambda: len(acknowledged(world)) > before + 50, "writes that do not arrive", 40)
    refused = {user: user.errors for user in world.users}
    kill(two)
    died = time.time()
    if replication == "hangs":
        os.kill(replicator.pid, signal.SIGCONT)
    # each user has noted what the source still answered
    two.until(lambda: all(user.errors > n for user, n in refused.items()), "users that saw the source die")
    on_source = acknowledged(world)

    done = promote(world)
    assert two.t.read().promoted
    assert str(two.t.read()) == "target OPEN@2"
    two.until(lambda: world.site.side is T, "servers on the target")
    written = len(acknowledged(world))
    two.until(lambda: len(acknowledged(world)) > written + 20, "writes on the target", 40)

    there = {r[0] for r in two.root(T, "SELECT k FROM shop.orders")}
    missing = set(on_source) - there
    last = datetime.fromisoformat(done.last_watermark or "").timestamp()
    first = min(at for key, at in acknowledged(world).items() if key not in on_source)
    print(f"missing {len(missing)} of {len(on_source)}; service after {first - died:.1f} s; {done.message}")
    assert missing or replication == "hangs"
    assert all(on_source[key] >= last for key in missing), (
        "what was acknowledged before the watermark is here"
    )
    assert all(time.time() - (done.nothing_since_seconds or 0) - 60 <= on_source[key] for key in missing)
    assert set(acknowledged(world)) - set(on_source) <= there | {
        r[0] for r in two.root(T, "SELECT k FROM shop.orders")
    }
    triggers = "SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'"
    assert two.root(T, triggers) == [(1,)]

    # the machine comes back: its own row says OPEN, and nothing on it knows better
    back(two)
    with closing(two.application(S)) as c, c.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert "AT ONCE livemove promote again" in "\n".join(night.report(world.parts))
    with pytest.raises(RefusedError, match="was promoted"):
        world.move(S, "back")
    again = promote(world, "another")
    assert "is closed now" in again.old_owner_came_back
    assert again.last_watermark == done.last_watermark
    assert two.locked(S)
    assert str(two.s.read()) == "source CEDED@2"
    time.sleep(2.2)  # the dead-man's switch ticks, and leaves it closed
    with pytest.raises(pymysql.err.OperationalError):
        two.application(S)
    assert two.root(S, "SELECT @@read_only") == [(1,)]


def test_beats_come_while_open_and_rest_in_a_fence_and_on_a_follower(two: Two) -> None:
    def count() -> int:
        return int(str(two.root(S, BEATS.format(S, T))[0][0]))

    two.until(lambda: count() > 0, "the first beat", 20)
    assert two.root(T, BEATS.format(T, S)) == [(0,)]
    assert two.s.arm(1, "me", 60).done
    fenced = count()
    time.sleep(6.5)
    assert count() == fenced
    assert two.s.lift(1, "me").done
    two.until(lambda: count() > fenced, "a beat after the fence", 20)
    newest = two.s.newest_watermark(S)
    assert newest
    assert newest.ago < 20
    assert abs(newest.written_at.timestamp() - time.time()) < 20
    assert two.t.newest_watermark(S) is None


RING = (
    "SELECT COUNT(*), COUNT(IF(written_at > '2026-01-01', 1, NULL)) FROM livemove.watermark_source_target"
    " WHERE stream = 'beat'"
)
MISPLACED = """SELECT COUNT(*) FROM livemove.watermark_source_target
                WHERE stream = 'beat' AND written_at > '2026-01-01'
                  AND TIMESTAMPDIFF(SECOND, '1970-01-01', written_at) DIV 5 MOD 17280 <> number"""
FULL = (
    "REPLACE INTO livemove.watermark_source_target SELECT 'beat', seq, '2020-01-01' FROM"
    " livemove.seq_0_to_17279"
)


def test_the_ring_of_beats_is_written_again_and_the_follower_goes_with_it(two: Two, tmp_path: Path) -> None:
    """As after a day: every place is taken, on both sides by the full load."""
    world = World(two, tmp_path)
    two.s.arm(1, "quiet", 60)
    two.root(S, FULL)
    two.s.lift(1, "quiet")
    try:
        world.begin()

        def seen(side: Side) -> tuple[int, int]:
            rows, new = two.root(side, RING)[0]
            return int(str(rows)), int(str(new))

        two.until(lambda: seen(T)[1] >= 3, "three beats in the target", 40)
        assert (seen(S)[0], seen(T)[0]) == (17280, 17280), "nothing was added"
        newest = two.t.newest_watermark(S)
        assert newest
        assert newest.ago < 30
        assert two.root(S, MISPLACED) == [(0,)], "one in five seconds, at the place of its time"
        # shut in the fence, and given away: none
        world.audit(S)
        assert two.s.arm(1, "me", 60).done
        position, fenced = two.s.binlog_position(), seen(S)
        time.sleep(6.5)
        assert two.s.touched_since(position) == []
        assert two.s.cede(1, "me", 1).done
        time.sleep(6.5)
        assert seen(S) == fenced
    finally:
        for user in world.users:
            user.end.set()
        world.replicators.close()


def test_promote_and_abandon_are_guarded_in_the_database(two: Two) -> None:
    assert not two.t.promote(1, "").done
    assert not two.t.promote(2, "me").done
    assert not two.s.promote(1, "me").done, "an owner is not promoted"
    assert not two.t.abandon(1).done
    assert two.t.promote(1, "me").done
    assert two.t.promote(1, "me").done
    assert not two.t.promote(1, "other").done
    now = two.t.read()
    assert (now.state, now.epoch, now.promoted, now.attempt) == (ControlState.CLAIMED, 2, True, "me")
    assert two.locked(T)
    assert two.locked(T, "livemove_apply_e1")
    assert two.s.abandon(1).done
    assert two.s.abandon(1).done
    assert two.locked(S)
    assert not two.s.lift(1, "").done


def test_an_earlier_version_s_table_gets_the_new_column(two: Two) -> None:
    from livemove.control.adapters.setup import install

    two.root(S, "ALTER TABLE livemove.control DROP COLUMN promoted_at")
    two.root(S, "UPDATE livemove.control SET version = 'old'")
    with raises(SetupError, "prepare_control"):
        two.s.read()
    assert install(two.db[S], ["shop_app"], ["shop"])
    assert not two.s.read().promoted
    two.root(T, "DROP DATABASE livemove")
    with pytest.raises(SetupError, match="The target database has no control row"):
        two.t.read()
