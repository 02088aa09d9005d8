from dataclasses import replace
from datetime import time, timedelta

import pytest

from livemove.core.gates import checksum
from livemove.core.record import Change, address_record, from_document, refusal, to_source, to_target
from livemove.errors import DnsError, RefusedError, WorldMovedError
from livemove.ports import Json, RecordSet
from livemove.spec import Dns, Window
from tests.doubles.memory import START

DNS = Dns(name="www.shop.test", zone="shop.test", ttl=60)
OLD = RecordSet("www.shop.test", "A", 60, ("192.0.2.1",))
CHANGE = to_target(OLD, ["198.51.100.1"], DNS)
NIGHT = Window(opens=time(3), closes=time(5))


def approval(**other: object) -> Json:
    return {"option": "Proceed", "sha256": checksum(CHANGE.document), "warnings": 0, **other}


def test_what_was_approved_may_be_done() -> None:
    assert refusal(CHANGE, approval(), NIGHT, START) is None


@pytest.mark.parametrize("given", [None, {}, approval(option=None), approval(option="Roll back")])
def test_without_proceed_nothing_is_changed(given: Json | None) -> None:
    assert "Nobody approved" in str(refusal(CHANGE, given, NIGHT, START))


def test_warnings_want_their_tick() -> None:
    refused = refusal(CHANGE, approval(warnings=2), NIGHT, START)
    assert isinstance(refused, RefusedError)
    assert "2 warnings" in str(refused)
    assert "clear switch_dns.ask with downstream and answer again, with the tick" in str(refused)
    assert refusal(CHANGE, approval(warnings=2, accept_warnings=True), NIGHT, START) is None


@pytest.mark.parametrize(
    "moved",
    [
        replace(CHANGE, before=replace(OLD, values=("192.0.2.9",))),
        replace(CHANGE, before=replace(OLD, ttl=61)),
        replace(CHANGE, after=replace(CHANGE.after, values=("198.51.100.9",))),
    ],
)
def test_another_change_than_the_approved_one_is_refused(moved: Change) -> None:
    assert isinstance(refusal(moved, approval(), NIGHT, START), WorldMovedError)


def test_an_approval_does_not_hold_outside_the_window() -> None:
    assert "it opens" in str(refusal(CHANGE, approval(), NIGHT, START + timedelta(hours=4)))


def test_the_way_back_keeps_the_short_ttl() -> None:
    original = replace(OLD, ttl=3600)
    assert to_source(CHANGE.after, original, DNS).after == replace(original, ttl=60)


def test_a_ttl_shorter_than_the_specs_is_never_raised() -> None:
    assert to_target(replace(OLD, ttl=20), ["198.51.100.1"], DNS).after.ttl == 20


@pytest.mark.parametrize("kind", ["CNAME", "AAAA"])
def test_users_who_would_follow_another_address_stop_the_move(kind: str) -> None:
    other = RecordSet("www.shop.test", kind, 60, ("x",))
    with pytest.raises(DnsError, match=f"has a {kind} record"):
        address_record([OLD, other], DNS)


def test_a_text_record_beside_the_address_does_not_matter_and_no_address_does() -> None:
    text = RecordSet("www.shop.test", "TXT", 60, ('"hello"',))
    assert address_record([text, OLD], DNS) == OLD
    with pytest.raises(DnsError, match=r"no A record in the zone shop\.test; found TXT"):
        address_record([text], DNS)


def test_records_survive_json() -> None:
    assert from_document(CHANGE.document["before"]) == OLD
