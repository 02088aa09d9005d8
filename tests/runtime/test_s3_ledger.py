"""The ledger keeps what it is told, in order, and says so when it cannot."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from livemove.model.errors import LivemoveError, UnreachableError
from livemove.runtime.s3_ledger import S3Ledger, ensure_bucket
from tests.conftest import Endpoint


@pytest.fixture
def ledger(aws_endpoint: Endpoint, request: pytest.FixtureRequest) -> S3Ledger:
    bucket = "ledger-" + str(abs(hash(request.node.name)) % 10**9)
    return S3Ledger(
        aws_endpoint.client("s3"), bucket, "shop", run_id="manual__1", task_id="switchover.switch_over"
    )


def test_what_nobody_wrote_is_none(ledger: S3Ledger) -> None:
    assert ledger.read("outputs") is None
    assert ledger.get_file("report.html") is None
    assert ledger.events() == []


def test_the_last_document_wins_and_keeps_its_words(ledger: S3Ledger) -> None:
    ledger.write("dns/before", {"n": 1})
    ledger.write("dns/before", {"n": 2, "at": datetime(2026, 1, 2, tzinfo=UTC), "이름": "가"})
    assert ledger.read("dns/before") == {"n": 2, "at": "2026-01-02T00:00:00+00:00", "이름": "가"}
    assert ledger.documents("dns/") == ["dns/before"]


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1]"])
def test_an_object_that_is_no_json_is_named(ledger: S3Ledger, content: bytes) -> None:
    ledger.write("findings", {})
    ledger._put("documents/findings.json", content, "application/json")
    named = r"s3://ledger-\d+/shop/ledger/documents/findings\.json is no JSON object.*Next: "
    with pytest.raises(LivemoveError, match=named):
        ledger.read("findings")
    with pytest.raises(LivemoveError, match=named):
        ledger.contents(["documents/findings.json"])


def test_no_event_is_lost_when_two_tell_at_once(ledger: S3Ledger) -> None:
    ledger.note("begin", chapter="switch_dns")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ledger.note("step", n=n), range(24)))
    events = ledger.events()
    assert events[0]["event"] == "begin"
    assert sorted(e["n"] for e in events[1:]) == list(range(24))
    assert [e["time"] for e in events] == sorted(e["time"] for e in events)
    assert {(e["run_id"], e["task_id"]) for e in events} == {("manual__1", "switchover.switch_over")}


def test_two_events_of_the_same_instant_are_two_events(ledger: S3Ledger) -> None:
    ledger.now = lambda: datetime(2026, 1, 2, tzinfo=UTC)
    ledger.note("one")
    ledger.note("other")
    assert sorted(e["event"] for e in ledger.events()) == ["one", "other"]


def test_an_event_keeps_its_own_words(ledger: S3Ledger) -> None:
    ledger.note("answer", time="early", task_id="of the caller")
    (event,) = ledger.events()
    assert (event["event"], event["task_id"]) == ("answer", "switchover.switch_over")
    assert datetime.fromisoformat(event["time"]).tzinfo is not None


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
    with pytest.raises(UnreachableError, match=r"s3://shop-livemove/shop/ledger/ cannot be written.*Next: "):
        ledger.write("plan", {})
