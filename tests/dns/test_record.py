from dataclasses import replace
from datetime import time, timedelta

import pytest

from livemove.dns.record import (
    Change,
    address_records,
    addresses,
    at_share,
    from_document,
    refusal,
    same,
    share,
    to_source,
    to_target,
)
from livemove.model.approvals import checksum
from livemove.model.errors import DnsError, RefusedError, StaleApprovalError
from livemove.model.ledger import Approval
from livemove.model.ports import RecordSet
from livemove.model.spec import Dns, Window
from tests.doubles.memory import START
from tests.raising import raises

DNS = Dns(name="www.shop.test", zone="shop.test", ttl=60)
OLD = RecordSet("www.shop.test", "A", 60, ("192.0.2.1",))
NEW = {"A": ("198.51.100.1",)}
CHANGE = to_target((OLD,), NEW, None, DNS)
NIGHT = Window(opens=time(3), closes=time(5))


def approval(**other: object) -> Approval:
    given = {"gate": "switch_dns", "option": "Proceed", "sha256": checksum(CHANGE.document)}
    return Approval.model_validate({**given, **other})


def test_what_was_approved_may_be_done() -> None:
    assert refusal(CHANGE, approval(), NIGHT, START) is None


@pytest.mark.parametrize("given", [None, approval(option=None), approval(option="Roll back")])
def test_without_proceed_nothing_is_changed(given: Approval | None) -> None:
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
        replace(CHANGE, before=(replace(OLD, values=("192.0.2.9",)),)),
        replace(CHANGE, before=(replace(OLD, ttl=61),)),
        replace(CHANGE, after=(replace(CHANGE.after[0], values=("198.51.100.9",)),)),
        replace(CHANGE, steps=(5, 100)),
    ],
)
def test_another_change_than_the_approved_one_is_refused(moved: Change) -> None:
    assert isinstance(refusal(moved, approval(), NIGHT, START), StaleApprovalError)


def test_an_approval_does_not_hold_outside_the_window() -> None:
    assert "it opens" in str(refusal(CHANGE, approval(), NIGHT, START + timedelta(hours=4)))


def test_the_way_back_keeps_the_short_ttl() -> None:
    original = replace(OLD, ttl=3600)
    assert to_source(CHANGE.after, (original,), DNS).after == (replace(original, ttl=60),)


def test_a_ttl_shorter_than_the_specs_is_never_raised() -> None:
    assert to_target((replace(OLD, ttl=20),), NEW, None, DNS).after[0].ttl == 20


@pytest.mark.parametrize("kind", ["CNAME", "HTTPS", "SVCB", "DNAME"])
def test_users_who_would_follow_another_address_stop_the_move(kind: str) -> None:
    other = RecordSet("www.shop.test", kind, 60, ("x",))
    with raises(DnsError, kind):
        address_records([OLD, other], DNS)


def test_a_text_record_beside_the_address_does_not_matter_and_no_address_does() -> None:
    text = RecordSet("www.shop.test", "TXT", 60, ('"hello"',))
    assert address_records([text, OLD], DNS) == (OLD,)
    with raises(DnsError, "shop.test", "TXT"):
        address_records([text], DNS)


def test_records_survive_json() -> None:
    assert from_document(CHANGE.document["before"]) == (OLD,)


def test_an_alias_is_refused_with_its_target() -> None:
    alias = RecordSet("www.shop.test", "A", 0, (), routing='{"AliasTarget": {"DNSName": "lb.example."}}')
    with raises(DnsError, "lb.example"):
        address_records([alias], DNS)


SIX = RecordSet("www.shop.test", "AAAA", 60, ("2001:db8::1",))
NEW_SIX = {**NEW, "AAAA": ("2001:db8::9",)}


def test_ipv6_moves_along_or_the_move_is_refused() -> None:
    with raises(DnsError, "AAAA"):
        to_target((OLD, SIX), NEW, None, DNS)
    after = to_target((OLD, SIX), NEW_SIX, None, DNS).after
    assert [(r.type, r.values) for r in after] == [("A", ("198.51.100.1",)), ("AAAA", ("2001:db8::9",))]


@pytest.mark.parametrize("percent", [0, 1, 5, 50, 99, 100])
def test_every_share_is_known_again_and_one_ttl_holds_for_all_sets(percent: int) -> None:
    base = (OLD, replace(SIX, ttl=7200))
    live = at_share(percent, base, NEW_SIX, 60)
    assert share(live, base, NEW_SIX) == percent
    assert {r.ttl for r in live} == {60}
    for kind in ("A", "AAAA"):
        weights = [r.weight for r in live if r.type == kind]
        assert weights == [None] or sum(w or 0 for w in weights) == 100


def test_a_strangers_weights_are_no_step_of_ours() -> None:
    live = at_share(5, (OLD,), NEW, 60)
    assert share((live[0], replace(live[1], values=("203.0.113.9",))), (OLD,), NEW) is None
    assert share((replace(live[0], weight=94), live[1]), (OLD,), NEW) is None


def test_the_order_of_sets_and_values_is_no_difference_and_a_health_check_is() -> None:
    a, b = at_share(5, (replace(OLD, values=("192.0.2.1", "192.0.2.2")),), NEW, 60)
    assert same((a, b), (b, replace(a, values=a.values[::-1])))
    assert not same((a,), (replace(a, health_check="hc-1"),))


def test_steps_want_a_simple_record_and_a_provider_with_weights() -> None:
    steps = DNS.model_copy(update={"steps": (5, 100)})
    with raises(DnsError, "192.0.2.1", "weight 1"):
        to_target((replace(OLD, set_id="blue", weight=1),), NEW, None, steps)
    with raises(ValueError, "manual", "[100]"):
        Dns(name="a.b", zone="b", provider="manual", steps=(5, 100))
    with raises(ValueError, "[25, 5, 100]"):
        Dns(name="a.b", zone="b", steps=(25, 5, 100))


def test_an_idn_is_asked_for_as_it_stands_in_the_dns() -> None:
    assert Dns(name="www.한국", zone="한국").name == "www.xn--3e0b707e"


def test_a_set_of_weight_0_answers_nobody() -> None:
    sets = (replace(OLD, set_id="a", weight=0), replace(OLD, set_id="b", weight=1, values=("192.0.2.7",)))
    assert addresses(sets) == ("192.0.2.7",)
