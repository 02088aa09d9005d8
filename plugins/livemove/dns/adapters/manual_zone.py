"""A zone behind a panel without an API: the Zone port that changes nothing and believes the authorities only.

`change` says what a person has to enter; the change is in sync when every authority serves it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from livemove.dns.adapters.delegation import address_of
from livemove.dns.public_resolvers import caches
from livemove.dns.record import ADDRESSES, ELSEWHERE, same, text
from livemove.model.errors import DnsError, StaleApprovalError, UnreachableError
from livemove.model.ports import RecordSet, Resolvers
from livemove.model.spec import Dns


class ManualZone:
    """The zone as its own name servers show it."""

    provider = "a person at the registrar's panel"
    weights = False
    by_hand = True

    def __init__(self, dns: Dns, resolvers: Resolvers) -> None:
        self.dns, self.resolvers = dns, resolvers

    def records(self, name: str) -> list[RecordSet]:
        errors = []
        for server in self.authorities():
            sets = []
            for kind in (*ADDRESSES, *ELSEWHERE, "CAA", "TXT"):
                answer = self.resolvers.ask(server, name, kind, recurse=False)
                if answer.error and not answer.authoritative:
                    errors.append(f"{server}: {answer.error}")
                    break
                if answer.addresses:
                    sets.append(RecordSet(name.rstrip(".").lower(), kind, answer.ttl, answer.addresses))
            else:
                # the addresses behind a CNAME belong to another name
                names = [r for r in sets if r.type == "CNAME"]
                return names or sets
        raise UnreachableError(
            f"No authority of {self.dns.zone} tells the record: {'; '.join(errors)}",
            wanted="an answer of one of the zone's own name servers",
            next_step="check dns.zone and the way from this machine to port 53",
        )

    def pointing_at(self, addresses: Collection[str]) -> None:
        return None

    def change(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> str:
        live = [r for r in self.records((*after, *before)[0].name) if r.type in ADDRESSES]
        if not same(live, after) and not same(live, before):
            raise StaleApprovalError(
                f"{(*after, *before)[0].name} is {text(live)}",
                wanted=text(before),
                next_step="find out who changed it; then clear the gate before this task with downstream",
            )
        return wanted_text(after)

    def in_sync(self, change_id: str) -> bool:
        wanted = from_wanted_text(change_id)
        for server in self.authorities():
            for kind in ADDRESSES:
                answer = self.resolvers.ask(server, wanted[0].name, kind, recurse=False)
                here = [RecordSet(wanted[0].name, kind, answer.ttl, answer.addresses)] * bool(
                    answer.addresses
                )
                if not same(here, [r for r in wanted if r.type == kind]):
                    return False
        return True

    def authorities(self) -> list[str]:
        errors = []
        for server in caches(self.dns):
            listed = self.resolvers.ask(server, self.dns.zone, "NS")
            if listed.addresses:
                return [
                    a for n in listed.addresses for a in address_of(n.rstrip("."), self.dns, self.resolvers)
                ]
            errors.append(f"{server}: {listed.error}")
        raise DnsError(
            f"No cache knows the name servers of {self.dns.zone}: {'; '.join(errors)}",
            wanted="the zone's NS records",
            next_step="check dns.zone and dns.resolvers in the spec",
        )


def wanted_text(records: Sequence[RecordSet]) -> str:
    """The change's id, and what a person has to enter: zone file lines, one after the other."""
    return " ; ".join(f"{r.name}. {r.ttl} {r.type} {v}" for r in records for v in r.values)


def from_wanted_text(lines: str) -> list[RecordSet]:
    sets: dict[tuple[str, str, int], list[str]] = {}
    for line in lines.split(" ; "):
        name, seconds, kind, value = line.split()
        sets.setdefault((name.rstrip("."), kind, int(seconds)), []).append(value)
    return [RecordSet(n, k, t, tuple(v)) for (n, k, t), v in sets.items()]
