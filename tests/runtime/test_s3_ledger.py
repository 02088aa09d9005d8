"""The ledger keeps what it is told, in order, and says so when it cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from livemove.model.errors import UnreachableError
from livemove.model.ledger import (
    Breach,
    Contents,
    Outputs,
    RecordShifted,
    SnapshotTaken,
    TableComparison,
    UnknownEvent,
    UnreadableError,
)
from livemove.runtime.s3_ledger import S3Ledger, ensure_bucket
from tests.conftest import Endpoint
from tests.raising import raises


@pytest.fixture
def ledger(aws_endpoint: Endpoint, request: pytest.FixtureRequest) -> S3Ledger:
    bucket = "ledger-" + str(abs(hash(request.node.name)) % 10**9)
    return S3Ledger(
        aws_endpoint.client("s3"),
        bucket,
        "shop",
        run_id="manual__1",
        task_id="switchover.switch_over",
        dag_id="migrate_shop",
    )


WHEN = "2026-01-02T00:00:00+00:00"


def breach(share: int, **more: object) -> Breach:
    return Breach.model_validate({"at": WHEN, "share": share, "reasons": [], **more})


def test_what_nobody_wrote_is_none(ledger: S3Ledger) -> None:
    assert ledger.load(Outputs) is None
    assert ledger.get_file("report.html") is None
    assert ledger.snapshot() == Contents()


def test_the_last_document_wins_and_keeps_its_words(ledger: S3Ledger) -> None:
    ledger.save(breach(1))
    ledger.save(breach(2, 이름="가"))
    found = ledger.load(Breach)
    assert found == breach(2, 이름="가")
    assert ledger.documents("dns/") == ["dns/breach"]
    assert ledger.snapshot().load(Breach) == found


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1]", b"{}"])
def test_a_damaged_document_is_named_and_left_out(ledger: S3Ledger, content: bytes) -> None:
    ledger.save(breach(1))
    ledger.save(TableComparison(epoch=2, table="shop.a", equal=True, checked_at=WHEN))
    ledger.save(TableComparison(epoch=2, table="shop.b", equal=True, checked_at=WHEN))
    ledger._put("documents/comparison/2/shop.b.json", content, "application/json")
    with pytest.raises(UnreadableError, match=r"comparison/2/shop\.b") as failed:
        ledger.load(TableComparison, epoch=2, table="shop.b")
    assert failed.value.wanted
    assert failed.value.next_step
    found = ledger.load_all(TableComparison, epoch=2)
    assert [c.table for c in found] == ["shop.a"]
    assert [u.name for u in found.unreadable] == ["comparison/2/shop.b"]
    contents = ledger.snapshot()
    assert [u.name for u in contents.unreadable] == ["comparison/2/shop.b"]
    assert contents.load(Breach) == breach(1)


def test_a_document_of_a_newer_livemove_is_named(ledger: S3Ledger) -> None:
    ledger._put("documents/of/tomorrow.json", b"{}", "application/json")
    assert [u.name for u in ledger.snapshot().unreadable] == ["of/tomorrow"]


def test_a_damaged_event_is_named_and_an_unknown_one_kept(ledger: S3Ledger) -> None:
    ledger._put("events/1.json", b"{", "application/json")
    ledger._put("events/2.json", b'{"event": "switchover"}', "application/json")
    ledger.note(UnknownEvent(event="of tomorrow"))
    found = ledger.snapshot()
    assert [e.event for e in found.events] == ["of tomorrow"]
    assert [u.name for u in found.unreadable] == ["events/1", "events/2"]


def test_no_event_is_lost_when_two_tell_at_once(ledger: S3Ledger) -> None:
    ledger.note(SnapshotTaken(name="first"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ledger.note(RecordShifted(name=str(n))), range(24)))
    contents = ledger.snapshot()
    events = contents.events
    assert isinstance(events[0], SnapshotTaken)
    assert sorted(int(e.name) for e in contents.all_of(RecordShifted)) == list(range(24))
    assert [e.time for e in events] == sorted(e.time for e in events)
    assert {(e.run_id, e.task_id, e.dag_id) for e in events} == {
        ("manual__1", "switchover.switch_over", "migrate_shop")
    }


def test_two_events_of_the_same_instant_are_two_events(ledger: S3Ledger) -> None:
    ledger.now = lambda: datetime(2026, 1, 2, tzinfo=UTC)
    ledger.note(SnapshotTaken(name="one"))
    ledger.note(SnapshotTaken(name="other"))
    assert sorted(e.name for e in ledger.snapshot().all_of(SnapshotTaken)) == ["one", "other"]


def test_where_and_when_an_event_happened_is_the_ledgers_to_say(ledger: S3Ledger) -> None:
    ledger.note(SnapshotTaken(name="one", task_id="of the caller", time="2001-01-01T00:00:00+00:00"))
    (event,) = ledger.snapshot().events
    assert event.task_id == "switchover.switch_over"
    assert datetime.fromisoformat(event.time).year > 2001


def test_files_lie_beside_the_ledger(ledger: S3Ledger) -> None:
    address = ledger.put_file("report.html", b"<p>done</p>", "text/html")
    assert address == f"s3://{ledger.bucket}/shop/ledger/files/report.html"
    assert ledger.get_file("report.html") == b"<p>done</p>"


def test_a_new_bucket_is_closed_to_the_public_and_versioned(aws_endpoint: Endpoint) -> None:
    s3 = aws_endpoint.client("s3")
    assert ensure_bucket(s3, "brand-new") is True
    assert ensure_bucket(s3, "brand-new") is False
    assert s3.get_bucket_versioning(Bucket="brand-new")["Status"] == "Enabled"
    blocks = s3.get_public_access_block(Bucket="brand-new")["PublicAccessBlockConfiguration"]
    assert all(blocks.values())


def test_an_endpoint_that_is_down_is_named(aws_endpoint: Endpoint) -> None:
    gone = Endpoint("http://127.0.0.1:9", aws_endpoint.state)
    ledger = S3Ledger(gone.client("s3"), "shop-livemove", "shop")
    with raises(UnreachableError, "s3://shop-livemove/shop/ledger/"):
        ledger.save(Outputs())
