from dataclasses import replace

import pytest

from livemove.dns.zone_checks import NameServerAnswers, Survey, judge
from livemove.model.ports import Answer, RecordSet
from tests.doubles.memory import START

LIVE = (RecordSet("www.shop.test", "A", 60, ("192.0.2.1",)),)
TYPES = ("A", "AAAA", "CNAME", "DNAME", "HTTPS", "SVCB", "CAA")


def voice(
    server: str, serial: int = 7, *, lame: bool = False, signed: bool = False, **message: str
) -> NameServerAnswers:
    def answer(kind: str, text: str) -> Answer:
        values = tuple(text.split(",")) if text else ()
        return Answer(server, values, 60, START, "" if values else f"no {kind} record", not lame, signed)

    soa = answer("SOA", f"ns1.shop.test. hostmaster.shop.test. {serial} 1 1 1 1")
    given = {"A": "192.0.2.1"} | message
    return NameServerAnswers(server, {"SOA": soa, **{t: answer(t, given.get(t, "")) for t in TYPES}})


GOOD = Survey(
    live=LIVE,
    provider="Route 53",
    weights=True,
    voices=[voice("a"), voice("b")],
    parent="test",
    parent_names=("ns1.shop.test", "ns2.shop.test"),
    parent_ttl=3600,
    own_names=("ns1.shop.test", "ns2.shop.test"),
    glue={"ns1.shop.test": ("192.0.2.53",)},
    own_addresses={"ns1.shop.test": ("192.0.2.53",), "ns2.shop.test": ()},
    others=LIVE,
)


def test_a_zone_in_order_has_nothing_against_it_and_tells_the_parents_ttl() -> None:
    verdict = judge(GOOD)
    assert verdict.against == ()
    assert verdict.notes == ("test delegates to ns1.shop.test, ns2.shop.test (TTL 3600 s)",)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"voices": []}, "no authority"),
        ({"voices": [voice("a"), voice("b", lame=True)]}, r"authority b: .*lame"),
        ({"voices": [voice("a"), voice("b", 8)]}, "not at one serial number: a 7, b 8"),
        ({"voices": [voice("a"), voice("b", A="192.0.2.9")]}, r"b gives A 192.0.2.9, Route 53 has 192.0.2.1"),
        (
            {"voices": [voice("a"), voice("b", AAAA="2001:db8::1")]},
            "gives AAAA 2001:db8::1, Route 53 has nothing",
        ),
        ({"voices": [voice("a", HTTPS="1 . ipv4hint=192.0.2.1")]}, "gives HTTPS .*browsers take addresses"),
        ({"voices": [voice("a", CNAME="lb.example.")]}, "gives CNAME lb.example.: users follow it"),
        ({"parent_names": ("ns1.old.test",)}, "test delegates to ns1.old.test, and the zone itself names"),
        ({"glue": {"ns1.shop.test": ("192.0.2.99",)}}, "glue of ns1.shop.test at test is 192.0.2.99"),
        ({"ds": True}, "a DS record, and a, b answers without a signature"),
        (
            {"others": (*LIVE, RecordSet("img.shop.test", "A", 60, ("192.0.2.1",)))},
            "img.shop.test A points at the same host",
        ),
    ],
)
def test_whatever_would_leave_users_behind_is_against_it(change: dict[str, object], why: str) -> None:
    import re

    against = judge(replace(GOOD, **change)).against  # type: ignore[arg-type]
    assert len(against) == 1
    assert re.search(why, against[0])


def test_a_name_that_may_stay_is_named_in_the_spec() -> None:
    others = (*LIVE, RecordSet("img.shop.test", "A", 60, ("192.0.2.1",)))
    assert not judge(replace(GOOD, others=others, stays=("img.shop.test",))).against


def test_by_weights_an_authority_may_give_either_answer() -> None:
    live = (
        replace(LIVE[0], set_id="o", weight=95),
        replace(LIVE[0], values=("198.51.100.1",), set_id="n", weight=5),
    )
    voices = [voice("a"), voice("b", A="198.51.100.1")]
    assert not judge(replace(GOOD, live=live, voices=voices)).against
    assert judge(replace(GOOD, live=live, voices=[voice("a", A="203.0.113.9")])).against


def test_what_could_not_be_seen_is_a_note() -> None:
    verdict = judge(
        replace(
            GOOD,
            parent_error="no cache knows test",
            parent_names=(),
            others=None,
            voices=[voice("a", CAA='0 issue "le.example"')],
        )
    )
    assert verdict.against == ()
    told = " ".join(verdict.notes)
    assert "the delegation was not checked" in told
    assert "cannot list the zone" in told
    assert "le.example" in told
