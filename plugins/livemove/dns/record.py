"""What the public record is, what it shall become step by step, and why it may not be changed: no I/O.

A record is all address record sets (A and AAAA) of the public name together: they move in one change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from livemove.model.approvals import ACCEPT_WARNINGS, PROCEED, checksum
from livemove.model.errors import DnsError, LivemoveError, RefusedError, StaleApprovalError
from livemove.model.ledger import Approval
from livemove.model.ports import Json, RecordSet
from livemove.model.spec import Dns, Window
from livemove.model.window import closed

Records = tuple[RecordSet, ...]
ADDRESSES = ("A", "AAAA")
OLD, NEW = "livemove-source", "livemove-target"
"""SetIdentifiers of the two halves while the answers are given by weights."""
ELSEWHERE = {
    "CNAME": "users follow it to another name",
    "DNAME": "users follow it to another name",
    "HTTPS": "browsers take addresses from it (RFC 9460)",
    "SVCB": "clients take addresses from it (RFC 9460)",
}
"""Types beside an address record that would keep a part of the users where they are."""


@dataclass(frozen=True)
class Change:
    """One change of the record: what must be there, and what to put there; `steps` are shares in percent."""

    before: Records
    after: Records
    steps: tuple[int, ...] = (100,)

    @property
    def name(self) -> str:
        return (self.after or self.before)[0].name

    @property
    def done(self) -> bool:
        return same(self.before, self.after)

    @property
    def document(self) -> Json:
        steps = {} if self.steps == (100,) else {"steps": list(self.steps)}
        return {
            "name": self.name,
            "before": as_document(self.before),
            "after": as_document(self.after),
            **steps,
        }


def as_document(records: Iterable[RecordSet]) -> list[Json]:
    """The sets as JSON, in one order, so that equal records have equal checksums."""
    listed = [{**asdict(r), "values": sorted(r.values)} for r in records]
    return sorted(listed, key=lambda d: (d["type"], d["set_id"]))


def from_document(documents: Iterable[Mapping[str, object]]) -> Records:
    return tuple(RecordSet(**{**d, "values": tuple(d["values"])}) for d in documents)  # type: ignore[arg-type]


def same(a: Iterable[RecordSet], b: Iterable[RecordSet]) -> bool:
    """Whether both are the same record to the last detail; the order of values means nothing in DNS."""
    return as_document(a) == as_document(b)


def addresses(records: Iterable[RecordSet], kind: str = "A") -> tuple[str, ...]:
    """All addresses of that type which the record can answer with."""
    return tuple(sorted({v for r in records if r.type == kind and r.weight != 0 for v in r.values}))


def same_answer(a: Sequence[RecordSet], b: Sequence[RecordSet]) -> bool:
    """Whether users get the same addresses."""
    return all(addresses(a, t) == addresses(b, t) for t in ADDRESSES)


def ttl(records: Iterable[RecordSet]) -> int:
    """Seconds for which an answer may be kept, the longest of all sets."""
    return max((r.ttl for r in records), default=0)


def with_ttl(records: Iterable[RecordSet], seconds: int) -> Records:
    return tuple(replace(r, ttl=seconds) for r in records)


def text(records: Sequence[RecordSet]) -> str:
    """For people: A 192.0.2.1 (TTL 60, weight 95)."""
    return "; ".join(map(_text, records)) or "nothing"


def _text(r: RecordSet) -> str:
    more = [f"TTL {r.ttl}"]
    more += [f"weight {r.weight}"] if r.weight is not None else []
    more += [f"health check {r.health_check}"] if r.health_check else []
    more += [r.routing] if r.routing else []
    return f"{r.type} {', '.join(r.values)} ({', '.join(more)})"


def address_records(records: Sequence[RecordSet], dns: Dns) -> Records:
    """The A and AAAA sets of the public name; DnsError says what is there instead."""
    others = sorted({r.type for r in records} & ELSEWHERE.keys())
    if others:
        raise DnsError(
            f"{dns.name} has a {others[0]} record: {ELSEWHERE[others[0]]}",
            wanted=(
                "A (and AAAA) records and no other address, because users who follow another one would stay"
                " at the old site"
            ),
            next_step=f"replace the {others[0]} record, then clear this task",
        )
    alias = next((r for r in records if "AliasTarget" in r.routing), None)
    if alias:
        target = json.loads(alias.routing)["AliasTarget"].get("DNSName", "")
        raise DnsError(
            f"{dns.name} {alias.type} is an alias of {target}",
            wanted=(
                "a record set with addresses and a TTL: an alias has the TTL of what it points to, which"
                " cannot be lowered here"
            ),
            next_step="replace it by a simple one with the same addresses before the migration",
        )
    found = tuple(r for r in records if r.type in ADDRESSES)
    if not any(r.type == "A" for r in found):
        types = ", ".join(sorted({r.type for r in records}))
        raise DnsError(
            f"{dns.name} has no A record in the zone {dns.zone}; found {types or 'nothing'}",
            wanted="the record that users follow now",
            next_step="check dns.name and dns.zone in the spec",
        )
    return found


def to_target(live: Records, new: Mapping[str, Sequence[str]], original: Records | None, dns: Dns) -> Change:
    """The change to the cloud's addresses (type -> values), with the move's TTL, in the spec's steps."""
    if not new.get("A"):
        raise DnsError(
            "No web server of the cloud has a public address", next_step="clear the provision chapter"
        )
    base = original or live
    if addresses(base, "AAAA") and not new.get("AAAA"):
        raise DnsError(
            f"{dns.name} has a AAAA record, and no web server of the cloud has an IPv6 address",
            wanted="A and AAAA that move together, because users with IPv6 would stay at the old site",
            next_step="give the cloud's servers IPv6, or remove the AAAA record one TTL before the move",
        )
    if len(dns.steps) > 1 and any(r.set_id or r.routing for r in base):
        raise DnsError(
            f"{dns.name} is routed already: {text(base)}",
            wanted="simple record sets, which dns.steps can turn into weighted ones",
            next_step="dns.steps: [100] moves it at once, and a rollback restores it exactly",
        )
    return Change(live, at_share(100, base, new, min(ttl(live), dns.ttl)), dns.steps)


def at_share(percent: int, base: Records, new: Mapping[str, Sequence[str]], seconds: int) -> Records:
    """The record that gives the cloud's addresses in `percent` of the answers, with one TTL for all sets.

    Route 53 takes a weighted set only where no simple one of that name and type stands, and the other way
    round.
    """
    if percent == 0:
        return with_ttl(base, seconds)
    name = base[0].name
    moved = tuple(RecordSet(name, t, seconds, tuple(new[t])) for t in ADDRESSES if new.get(t))
    if percent == 100:
        return moved
    return (
        *(replace(r, ttl=seconds, set_id=OLD, weight=100 - percent) for r in base),
        *(replace(r, set_id=NEW, weight=percent) for r in moved),
    )


def share(live: Records, base: Records, new: Mapping[str, Sequence[str]]) -> int | None:
    """How many percent of the answers give the cloud; None when somebody else's record is there."""
    seconds = ttl(live)
    weights = [r.weight for r in live if r.set_id == NEW]
    guess = weights[0] if weights and weights[0] is not None else None
    for percent in (0, 100) if guess is None else (guess,):
        if same(live, at_share(percent, base, new, seconds)):
            return percent
    return None


def to_source(live: Records, original: Records, dns: Dns) -> Change:
    """The rollback: exactly the old sets, with the short TTL, so that another move can follow."""
    return Change(live, with_ttl(original, min(ttl(original), dns.ttl)))


def refusal(
    change: Change, approval: Approval | None, window: Window, now: datetime, against: Sequence[str] = ()
) -> LivemoveError | None:
    """Why the record may not be changed now, or None. `against`: reasons found at the name servers."""
    again = "clear switch_dns.ask with downstream and answer again"
    if not approval or approval.option != PROCEED:
        return RefusedError(
            "Nobody approved this change of the record", wanted="Proceed at switch_dns.ask", next_step=again
        )
    if approval.warnings and not approval.accept_warnings:
        return RefusedError(
            f"The preflight left {approval.warnings} warnings, and Proceed was answered without the tick"
            f" {ACCEPT_WARNINGS}",
            wanted="the warnings read and accepted",
            next_step=f"{again}, with the tick",
        )
    if approval.sha256 != checksum(change.document):
        return StaleApprovalError(
            f"What was approved is not the present record: {change.name} is {text(change.before)} and"
            f" would become {text(change.after)}",
            wanted=f"the record that the gate showed: {approval.shown}",
            next_step=again,
        )
    if against:
        return RefusedError(
            f"{change.name} cannot be moved safely: {'; '.join(against)}",
            wanted="a zone whose authorities agree and that nothing else leads to the old site",
            next_step=f"fix that, then {again}",
        )
    reason = closed(window, now)
    if reason:
        return RefusedError(
            reason,
            wanted="a change inside the window",
            next_step="clear switch_dns.window with downstream; it waits for the next one",
        )
    return None
