"""The record's four tasks, run twice, interrupted, and met by a stranger's change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from livemove.dns import operators as record
from livemove.dns.adapters.public_record import intended_change
from livemove.dns.operators import (
    ChangeRecordOperator,
    LowerTtlOperator,
    RestoreTtlOperator,
    RollbackRecordOperator,
)
from livemove.dns.record import from_document
from livemove.dns.zone_checks import ZoneFindings
from livemove.model.approvals import checksum
from livemove.model.errors import DnsError, RefusedError, StaleApprovalError
from livemove.model.ledger import ShortTtl, WayBack
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.reporting.gates import RecordEvidence, approved
from livemove.runtime.operator import LivemoveOperator
from livemove.switchover.operators.rollback import BeginRollbackOperator
from tests.doubles.worlds import OLD, TARGET, MemoryWorld
from tests.raising import raises

SURVEY = ZoneFindings((), ())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> MemoryWorld:
    world = MemoryWorld()
    monkeypatch.setattr(LivemoveOperator, "world", lambda self, context: world)
    monkeypatch.setattr(record, "survey", lambda world: SURVEY)
    monkeypatch.setattr(
        "livemove.switchover.adapters.reverse_replication_status.way_back_now",
        lambda world: world.ledger.load(WayBack) or WayBack(epoch=0, state="not seen"),
    )
    return world


def run(operator: type[LivemoveOperator]) -> Any:
    return operator(task_id="t", service="shop").execute({})


def approve(world: MemoryWorld, **other: object) -> None:
    shown = intended_change(world)  # type: ignore[arg-type]
    world.ledger.write(
        "approvals/switch_dns",
        {
            "gate": "switch_dns",
            "option": "Proceed",
            "at": "2026-11-23T18:30:00",
            "sha256": checksum(approved(RecordEvidence(shown))),
            "warnings": 0,
            **other,
        },
    )


def moved(world: MemoryWorld) -> None:
    run(LowerTtlOperator)
    approve(world)
    run(ChangeRecordOperator)


def test_the_ttl_is_lowered_and_the_record_kept_as_it_was(world: MemoryWorld) -> None:
    world.zone.delay = 3
    run(LowerTtlOperator)
    assert world.live == replace(OLD, ttl=5)
    assert from_document(world.ledger.read("dns/before")["records"]) == (OLD,)  # type: ignore[index]
    kept = {"was": 300, "ttl": 5, "at": world.clock.now().isoformat(), "change_id": "C1"}
    assert world.ledger.load(ShortTtl) == ShortTtl.model_validate(kept)


def test_the_old_ttl_counts_from_when_route_53_had_the_new_one_everywhere(world: MemoryWorld) -> None:
    begun = world.clock.now()
    world.zone.delay = 40
    kept = run(LowerTtlOperator)
    assert (world.clock.now() - begun).total_seconds() == 40
    assert kept["at"] == world.clock.now().isoformat()


def test_lowering_twice_changes_nothing_and_starts_no_new_wait(world: MemoryWorld) -> None:
    first = run(LowerTtlOperator)
    world.clock.sleep(100)
    assert run(LowerTtlOperator) == first
    assert len(world.zone.changes) == 1


def test_an_older_original_is_never_overwritten(world: MemoryWorld) -> None:
    moved(world)
    world.ledger.kept.pop("dns/ttl")
    run(LowerTtlOperator)
    assert from_document(world.ledger.read("dns/before")["records"]) == (OLD,)  # type: ignore[index]


def test_a_crash_between_change_and_ledger_still_waits_for_the_old_ttl(world: MemoryWorld) -> None:
    run(LowerTtlOperator)
    world.ledger.kept.pop("dns/ttl")
    assert run(LowerTtlOperator)["was"] == 300


def test_a_lost_ledger_does_not_take_the_cloud_for_the_original(world: MemoryWorld) -> None:
    world.zone.sets = [replace(OLD, values=(TARGET,))]
    with raises(StaleApprovalError, "www.shop.test"):
        run(LowerTtlOperator)


def test_the_approved_change_is_made_once(world: MemoryWorld) -> None:
    moved(world)
    assert world.live == replace(OLD, ttl=5, values=(TARGET,))
    assert world.ledger.read("dns/change")["change_id"] == "C2"  # type: ignore[index]
    run(ChangeRecordOperator)
    assert len(world.zone.changes) == 2


def test_a_change_after_the_approval_is_refused(world: MemoryWorld) -> None:
    run(LowerTtlOperator)
    approve(world)
    world.zone.sets = [replace(world.live, values=("192.0.2.99",))]
    with raises(StaleApprovalError, "192.0.2.99"):
        run(ChangeRecordOperator)
    assert len(world.zone.changes) == 1


def test_warnings_without_the_tick_are_refused(world: MemoryWorld) -> None:
    run(LowerTtlOperator)
    approve(world, warnings=1)
    with raises(RefusedError, "accept_warnings"):
        run(ChangeRecordOperator)


def test_the_name_goes_back_once_with_the_short_ttl(world: MemoryWorld) -> None:
    moved(world)
    run(RollbackRecordOperator)
    assert world.live == replace(OLD, ttl=5)
    run(RollbackRecordOperator)
    assert len(world.zone.changes) == 3


def test_it_can_move_again_after_a_rollback(world: MemoryWorld) -> None:
    moved(world)
    run(RollbackRecordOperator)
    moved(world)
    assert world.live.values == (TARGET,)


def test_a_rollback_before_anything_moved_does_nothing(world: MemoryWorld) -> None:
    run(RollbackRecordOperator)
    run(LowerTtlOperator)
    run(RollbackRecordOperator)
    assert len(world.zone.changes) == 1


def test_a_strangers_record_is_not_overwritten_by_a_rollback(world: MemoryWorld) -> None:
    moved(world)
    world.zone.sets = [replace(world.live, values=("192.0.2.99",))]
    with raises(StaleApprovalError, "192.0.2.99", "198.51.100.1", "192.0.2.1"):
        run(RollbackRecordOperator)


def test_the_old_ttl_comes_back_and_the_new_address_stays(world: MemoryWorld) -> None:
    moved(world)
    run(RestoreTtlOperator)
    assert world.live == replace(OLD, values=(TARGET,))
    run(RestoreTtlOperator)
    assert len(world.zone.changes) == 3
    # the sensors of the name still find the change that moved it
    assert world.ledger.read("dns/change")["after"][0]["ttl"] == 5  # type: ignore[index]


def test_a_ttl_that_was_never_lowered_is_left_alone_and_a_short_one_without_its_past_is_not(
    world: MemoryWorld,
) -> None:
    assert run(RestoreTtlOperator) == {}
    assert world.live == OLD
    world.zone.sets = [replace(OLD, ttl=world.spec.dns.ttl)]
    with raises(DnsError, "clear replicate.lower_ttl"):
        run(RestoreTtlOperator)


def test_a_rollback_begins_only_when_the_newest_answer_ordered_it(world: MemoryWorld) -> None:
    moved(world)
    with raises(RefusedError, "Proceed", "Roll back"):
        run(BeginRollbackOperator)
    world.ledger.write(
        "approvals/switchover", {"gate": "switchover", "option": "Roll back", "at": "2026-11-23T18:40:00"}
    )
    found = run(BeginRollbackOperator)
    assert (found["gate"], found["writes"], found["name"]) == (
        "switchover",
        "never left the data centre",
        "goes back",
    )


def test_a_rollback_withdraws_what_was_approved_before_it(world: MemoryWorld) -> None:
    moved(world)
    world.ledger.write(
        "approvals/switchover", {"gate": "switchover", "option": "Roll back", "at": "2026-11-23T18:40:00"}
    )
    run(BeginRollbackOperator)
    run(RollbackRecordOperator)
    with raises(RefusedError, "switch_dns.ask"):
        run(ChangeRecordOperator)
    # its own retry still finds the order
    assert run(BeginRollbackOperator)["gate"] == "switchover"


def test_a_rollback_says_when_the_writes_go_back(world: MemoryWorld) -> None:
    world.ledger.write(
        "approvals/retire", {"gate": "retire", "option": "Roll back", "at": "2026-11-23T18:40:00+00:00"}
    )
    world.ledger.write("switchover/2", {"epoch": 2, "from": "source", "to": "target", "fenced_ms": 90})
    # one that undid itself is no move
    world.ledger.write("switchover/3", {"epoch": 3, "from": "target", "to": "source", "fenced_ms": None})
    assert run(BeginRollbackOperator)["writes"] == "go back to the data centre"


def test_a_rollback_that_would_lose_writes_is_refused_before_an_approval_is_withdrawn(
    world: MemoryWorld,
) -> None:
    test_a_rollback_says_when_the_writes_go_back(world)
    before = dict(world.ledger.kept)
    world.ledger.save(
        WayBack(epoch=2, state="running", losses=["the source misses rows: shop.orders"], message="x")
    )
    with raises(RefusedError, "shop.orders", REPAIR_FOLLOWER):
        run(BeginRollbackOperator)
    world.ledger.kept.pop("way_back")
    assert world.ledger.kept == before


def test_a_rollback_is_refused_when_the_source_no_longer_follows(world: MemoryWorld) -> None:
    world.ledger.write(
        "approvals/retire", {"gate": "retire", "option": "Roll back", "at": "2026-11-23T18:40:00+00:00"}
    )
    move = {
        "epoch": 2,
        "from": "source",
        "to": "target",
        "fenced_ms": 90,
        "started_at": "2026-11-23T18:31:00+00:00",
    }
    world.ledger.write("switchover/2", move)
    world.ledger.noted = [{"event": "replication_deleted", "time": "2026-11-23T18:30:59+00:00"}]
    assert run(BeginRollbackOperator)["owner"] == "target"
    world.ledger.noted = [{"event": "replication_deleted", "time": "2026-11-23T18:31:30+00:00"}]
    with raises(RefusedError, "2026-11-23T18:31:30"):
        run(BeginRollbackOperator)


def test_what_the_authorities_say_against_it_refuses_the_change(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(LowerTtlOperator)
    approve(world)
    verdict = ZoneFindings(("authority 192.0.2.53: answers, but not for this zone (lame)",), ())
    monkeypatch.setattr(record, "survey", lambda world: verdict)
    with raises(RefusedError, "192.0.2.53", "lame"):
        run(ChangeRecordOperator)
    assert len(world.zone.changes) == 1


def test_the_first_step_is_made_and_its_retry_finds_it(world: MemoryWorld) -> None:
    world.with_(dns={"steps": (5, 25, 100)})
    moved(world)
    assert {(s.values, s.weight, s.ttl) for s in world.zone.sets} == {
        (("192.0.2.1",), 95, 5),
        ((TARGET,), 5, 5),
    }
    run(ChangeRecordOperator)
    assert len(world.zone.changes) == 2
    run(RollbackRecordOperator)
    assert world.zone.sets == [replace(OLD, ttl=5)]


def test_a_routed_record_goes_back_exactly(world: MemoryWorld) -> None:
    sets = [
        replace(OLD, set_id=name, weight=weight, health_check=check, values=(value,))
        for name, weight, check, value in (("blue", 10, "hc-1", "192.0.2.1"), ("green", 0, "", "192.0.2.2"))
    ]
    world.zone.sets = list(sets)
    moved(world)
    assert world.zone.sets == [replace(OLD, ttl=5, values=(TARGET,))]
    run(RollbackRecordOperator)
    assert world.zone.sets == [replace(s, ttl=5) for s in sets]


def test_by_hand_nothing_is_changed_and_the_old_ttl_waits_for_the_person(world: MemoryWorld) -> None:
    world.zone.by_hand = True
    kept = run(LowerTtlOperator)
    assert (kept["at"], world.live) == (None, OLD)
    assert world.zone.changes == [((OLD,), (replace(OLD, ttl=5),))]
