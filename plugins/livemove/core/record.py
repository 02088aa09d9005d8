"""What the public record is, what it shall become, and why it may not be changed: no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from livemove.core.gates import ACCEPT_WARNINGS, PROCEED, checksum
from livemove.core.window import closed
from livemove.errors import DnsError, LivemoveError, RefusedError, WorldMovedError
from livemove.ports import Json, RecordSet
from livemove.spec import Dns, Window


@dataclass(frozen=True)
class Change:
    """One change of the record: what must stand there, and what shall."""

    before: RecordSet
    after: RecordSet

    @property
    def done(self) -> bool:
        return same_answer(self.before, self.after) and self.before.ttl == self.after.ttl

    @property
    def document(self) -> Json:
        return {"before": as_document(self.before), "after": as_document(self.after)}


def as_document(record: RecordSet) -> Json:
    return {**asdict(record), "values": list(record.values)}


def from_document(document: Json) -> RecordSet:
    return RecordSet(document["name"], document["type"], int(document["ttl"]), tuple(document["values"]))


def same_answer(a: RecordSet, b: RecordSet) -> bool:
    """Whether users get the same addresses; the order of values means nothing in DNS."""
    return set(a.values) == set(b.values)


def address_record(records: Sequence[RecordSet], dns: Dns) -> RecordSet:
    """The one A record of the public name; DnsError says what stands there instead."""
    types = {r.type for r in records}
    if "CNAME" in types or "AAAA" in types:
        kind = "CNAME" if "CNAME" in types else "AAAA"
        raise DnsError(
            f"{dns.name} has a {kind} record",
            wanted="an A record and no other address, because users who follow another one would stay at the old site",
            next_step=f"replace the {kind} record, then clear this task",
        )
    found = next((r for r in records if r.type == "A"), None)
    if found is None:
        raise DnsError(
            f"{dns.name} has no A record in the zone {dns.zone}; found {', '.join(sorted(types)) or 'nothing'}",
            wanted="the record that users follow now",
            next_step="check dns.name and dns.zone in the spec",
        )
    return found


def to_target(live: RecordSet, addresses: Sequence[str], dns: Dns) -> Change:
    """The change of the story: the cloud servers' addresses with the TTL of the move."""
    if not addresses:
        raise DnsError(
            "No web server of the cloud has a public address", next_step="clear the provision chapter"
        )
    return Change(live, replace(live, values=tuple(addresses), ttl=min(live.ttl, dns.ttl)))


def to_source(live: RecordSet, original: RecordSet, dns: Dns) -> Change:
    """The way back: the old addresses, still with the short TTL, so that one can move again."""
    return Change(live, replace(original, ttl=min(original.ttl, dns.ttl)))


def refusal(change: Change, approval: Json | None, window: Window, now: datetime) -> LivemoveError | None:
    """Why the record may not be changed now, or None."""
    again = "clear switch_dns.ask with downstream and answer again"
    if not approval or approval.get("option") != PROCEED:
        return RefusedError(
            "Nobody approved this change of the record", wanted="Proceed at switch_dns.ask", next_step=again
        )
    if approval.get("warnings") and not approval.get(ACCEPT_WARNINGS):
        return RefusedError(
            f"The preflight left {approval['warnings']} warnings, and Proceed was answered without the tick {ACCEPT_WARNINGS}",
            wanted="the warnings read and accepted",
            next_step=f"{again}, with the tick",
        )
    if approval.get("sha256") != checksum(change.document):
        return WorldMovedError(
            f"What was approved is not what stands there now: {change.before.name} is {', '.join(change.before.values)} "
            f"with TTL {change.before.ttl} and would become {', '.join(change.after.values)}",
            wanted=f"the record that the gate showed: {approval.get('shown')}",
            next_step=again,
        )
    reason = closed(window, now)
    if reason:
        return RefusedError(
            reason,
            wanted="a change inside the window",
            next_step="clear switch_dns.window with downstream; it waits for the next one",
        )
    return None
