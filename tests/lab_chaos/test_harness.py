"""The switchover harness by itself: a move under load, and audits that find what is planted."""

from __future__ import annotations

from lab.switchover_harness import SwitchoverHarness
from lab.switchover_harness.users import Write, changes_of_owner
from livemove.model.ports import ControlState
from livemove.model.spec import Side


def test_a_move_and_the_way_back_by_processes_of_their_own(harness: SwitchoverHarness) -> None:
    harness.begin(direct_writers=True)
    move = harness.mover("move")
    assert move.wait() == 0, move.log()
    assert (harness.owner(), harness.row(Side.SOURCE)) == (Side.TARGET, (ControlState.FOLLOW, 2))
    back = harness.mover("rollback")
    assert back.wait() == 0, back.log()
    assert harness.owner() is Side.SOURCE
    found = harness.audit(Side.SOURCE)
    assert found.clean, found
    assert found.acknowledged > 20
    assert harness.misplaced_rows(Side.SOURCE) == []
    assert changes_of_owner(harness.record.acked) == 2


def test_a_write_that_is_lost_doubled_or_without_its_effect_is_seen(harness: SwitchoverHarness) -> None:
    harness.begin()
    harness.until(lambda: len(harness.record.of_users()) > 9, "ten orders")
    harness.stop_users()
    lost, doubled, halved = (w.key for w in harness.record.acked[:3])
    harness.query(Side.SOURCE, "DELETE FROM shop.orders WHERE k = %s", (lost,))
    harness.query(Side.SOURCE, "INSERT INTO shop.orders (k, customer) VALUES (%s, 1)", (doubled,))
    harness.query(Side.SOURCE, "DELETE FROM shop.order_audit WHERE k = %s", (halved,))
    harness.query(Side.TARGET, "INSERT INTO shop.ticks (id, token) VALUES (900000, 'misplaced')")
    found = harness.audit(Side.SOURCE)
    assert (found.lost, found.duplicated, found.clean) == (1, 1, False)
    assert found.effects >= 2  # the row that has gone, and a sum that no longer fits
    assert "ticks misplaced" in harness.misplaced_rows(Side.SOURCE)


def test_a_mover_dies_at_the_point_that_was_named(harness: SwitchoverHarness) -> None:
    harness.begin()
    mover = harness.mover("move", at=["source.cede.before=kill"])
    assert mover.wait() == -9
    assert (mover.reached, mover.outcome) == ("source.cede.before", None)
    assert harness.row(Side.SOURCE) == (ControlState.FENCED, 1)


def test_two_owners_at_once_show_as_more_changes_than_moves() -> None:
    def write(side: Side, sent: float, acked: float) -> Write:
        return Write("k", side, sent, acked)

    s, t = Side.SOURCE, Side.TARGET
    assert changes_of_owner([write(s, 0, 1), write(t, 2, 3), write(t, 4, 5)]) == 1
    # the answer of a write that was committed before came late
    assert changes_of_owner([write(s, 0, 1), write(t, 2, 3), write(s, 1.5, 9)]) == 1
    assert changes_of_owner([write(s, 0, 1), write(t, 2, 3), write(s, 4, 5)]) == 2
