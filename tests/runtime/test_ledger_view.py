"""Many readers cost one, an idle ledger costs two listings, and what changed is seen."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from livemove.model.errors import UnreachableError
from livemove.model.ledger import FullLoad, Outputs, SnapshotTaken
from livemove.runtime.ledger_view import FRESH, LedgerView
from livemove.runtime.s3_ledger import S3Ledger
from tests.conftest import Endpoint


class Counting(S3Ledger):
    listed = 0
    read_keys: tuple[str, ...] = ()

    def versions(self, folder: str) -> dict[str, str]:
        self.listed += 1
        return super().versions(folder)

    def contents(self, keys: Iterable[str]) -> dict[str, object]:
        wanted = tuple(keys)
        self.read_keys += wanted
        return super().contents(wanted)


@pytest.fixture
def ledger(aws_endpoint: Endpoint, request: pytest.FixtureRequest) -> Counting:
    return Counting(aws_endpoint.client("s3"), f"view-{abs(hash(request.node.name)) % 10**9}", "shop")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def view_of(ledger: S3Ledger, clock: Clock) -> LedgerView:
    return LedgerView(lambda: ledger, lambda name: name != "outputs", monotonic=clock)


def test_ten_readers_cost_one_and_only_what_changed_is_read(ledger: Counting, clock: Clock) -> None:
    ledger.save(FullLoad(rows=1, seconds=1))
    ledger.save(Outputs())
    ledger.note(SnapshotTaken(name="begin"))
    view = view_of(ledger, clock)
    first = next(seen for seen in [view.look() for _ in range(10)])
    assert ledger.listed == 2
    assert first.contents.documents == {"full_load": FullLoad(rows=1, seconds=1)}, (
        "what is not wanted is not read"
    )
    assert not [k for k in ledger.read_keys if "outputs" in k]
    ledger.read_keys = ()
    clock.now += FRESH
    assert view.look().tag == first.tag
    assert ledger.read_keys == ()
    ledger.save(FullLoad(rows=2, seconds=1))
    clock.now += FRESH
    second = view.look()
    assert second.tag != first.tag
    assert second.contents.load(FullLoad) == FullLoad(rows=2, seconds=1)
    assert ledger.read_keys == ("documents/full_load.json",)


def test_what_is_deleted_is_gone_and_events_keep_their_order(ledger: Counting, clock: Clock) -> None:
    ledger.save(FullLoad(rows=1, seconds=1))
    for n in range(3):
        ledger.note(SnapshotTaken(name=str(n)))
    view = view_of(ledger, clock)
    assert [e.name for e in view.look().contents.all_of(SnapshotTaken)] == ["0", "1", "2"]
    ledger.s3.delete_object(Bucket=ledger.bucket, Key=f"{ledger.prefix}documents/full_load.json")
    clock.now += FRESH
    assert view.look().contents.documents == {}


@pytest.mark.parametrize("error", [UnreachableError, KeyError])
def test_a_ledger_that_is_away_is_asked_once_for_everybody_and_made_anew(
    clock: Clock, error: type[Exception]
) -> None:
    made = []

    def away() -> S3Ledger:
        made.append(1)
        raise error("the ledger cannot be read")

    view = LedgerView(away, lambda name: True, monotonic=clock)
    for _ in range(5):
        with pytest.raises(error, match="cannot be read"):
            view.look()
    assert len(made) == 1
    clock.now += FRESH
    with pytest.raises(error):
        view.look()
    assert len(made) == 2
