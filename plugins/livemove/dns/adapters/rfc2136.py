"""The Zone port for your own name server (BIND, Knot, PowerDNS), by dynamic updates signed with TSIG.

A change is one update message: its prerequisites name exactly what must be there, and the primary does all
of it or nothing (RFC 2136 2.4.2, 3.2, 3.4). The serial number after it is the change's id; in sync is every
authority that has come so far (RFC 1982).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone

from livemove.dns.adapters.delegation import address_of
from livemove.dns.adapters.resolvers import question
from livemove.dns.record import ADDRESSES, ELSEWHERE, same, text
from livemove.model.errors import DnsError, StaleApprovalError, UnreachableError
from livemove.model.ports import RecordSet, Resolvers
from livemove.model.spec import Dns

TIMEOUT = 10.0
"""Seconds for an update or a transfer."""
STOOD_OTHERWISE = (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)
"""A prerequisite was not met: the record is not what it was believed to be."""


class Rfc2136Zone:
    """The zone behind dns.primary; `key`: name, secret (base64) and algorithm of the TSIG key."""

    provider = "RFC 2136"
    weights = False
    by_hand = False

    def __init__(self, dns_: Dns, key: tuple[str, str, str], resolvers: Resolvers) -> None:
        self.dns, self.resolvers = dns_, resolvers
        name, secret, self.algorithm = key
        try:
            self.keyring = dns.tsigkeyring.from_text({name: secret})
        except (dns.exception.DNSException, ValueError) as e:
            raise DnsError(
                f"The TSIG key {name!r} of connection {dns_.connection!r} cannot be read: {e}",
                wanted="login: the key's name; password: its secret in base64",
            ) from e
        self.server = dns_.primary or ""
        self.address, _, port = self.server.partition("@")
        self.port = int(port or 53)

    def records(self, name: str) -> list[RecordSet]:
        found = []
        for kind in (*ADDRESSES, *ELSEWHERE, "CAA", "TXT"):
            reply = self._ask(name, kind)
            found += [
                RecordSet(name.rstrip(".").lower(), kind, s.ttl, tuple(sorted(r.to_text() for r in s)))
                for s in reply.answer
                if s.rdtype == dns.rdatatype.from_text(kind) and s.name == dns.name.from_text(name)
            ]
        return found

    def pointing_at(self, addresses: Collection[str]) -> list[RecordSet] | None:
        try:
            zone = dns.zone.from_xfr(
                dns.query.xfr(
                    self.address,
                    self.dns.zone,
                    port=self.port,
                    lifetime=TIMEOUT,
                    timeout=TIMEOUT,
                    keyring=self.keyring,
                    keyalgorithm=self.algorithm,
                    relativize=False,
                ),
                relativize=False,
            )
        except (dns.exception.DNSException, OSError):
            return None
        sets = [
            RecordSet(str(name).rstrip("."), kind, data.ttl, tuple(sorted(r.to_text() for r in data)))
            for kind in ADDRESSES
            for name, data in zone.iterate_rdatasets(kind)
        ]
        return [r for r in sets if set(r.values) & set(addresses)]

    def change(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> str:
        live = [r for r in self.records((*after, *before)[0].name) if r.type in ADDRESSES]
        if same(live, after):
            return self._serial_id()
        if not same(live, before):
            raise _moved(live, before)
        code = self._send(self._update(before, after))
        if code in STOOD_OTHERWISE:
            raise _moved(self.records(after[0].name), before)
        if code != dns.rcode.NOERROR:
            raise DnsError(
                f"{self.server} refused to change {after[0].name}: {dns.rcode.to_text(code)}",
                wanted=f"the right to update the zone {self.dns.zone} with this TSIG key",
                next_step=(
                    "check the key, and allow-update (BIND), acl action: update (Knot) or"
                    " TSIG-ALLOW-DNSUPDATE (PowerDNS)"
                ),
            )
        return self._serial_id()

    def in_sync(self, change_id: str) -> bool:
        wanted = int(change_id.rsplit(" ", 1)[-1])
        behind = [s for s in self.authorities() if not _reached(self._serial(s), wanted)]
        return not behind

    def authorities(self) -> list[str]:
        names = [r.to_text() for s in self._ask(self.dns.zone, "NS").answer if s.rdtype == 2 for r in s]
        return [a for n in sorted(names) for a in address_of(n.rstrip("."), self.dns, self.resolvers)]

    # ----------------------------------------------------------------------------------------------
    def _update(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> dns.update.UpdateMessage:
        name = dns.name.from_text(after[0].name)
        message = dns.update.UpdateMessage(self.dns.zone, keyring=self.keyring, keyalgorithm=self.algorithm)
        for kind in ADDRESSES:
            old = [r for r in before if r.type == kind]
            if old:
                message.present(name, dns.rdataset.from_text_list("IN", kind, 0, list(old[0].values)))
            else:
                message.absent(name, kind)
        for r in before:
            message.delete(name, r.type)
        for r in after:
            message.add(name, r.ttl, r.type, *r.values)
        return message

    def _send(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        try:
            reply = dns.query.tcp(message, self.address, port=self.port, timeout=TIMEOUT)
        except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.message.UnknownTSIGKey) as e:
            raise DnsError(
                f"{self.server} does not accept the TSIG signature: {type(e).__name__}: {e}",
                wanted=(
                    f"the key of connection {self.dns.connection!r} with algorithm {self.algorithm}, and"
                    " clocks that agree within 5 minutes"
                ),
                next_step=(
                    "compare name, secret and algorithm with the server's configuration, then clear this task"
                ),
            ) from e
        except (dns.exception.DNSException, OSError) as e:
            raise UnreachableError(
                f"{self.server} did not answer the update: {type(e).__name__}: {e}",
                wanted="an answer of dns.primary over TCP",
                next_step="nothing is known to have changed; clear this task, it reads the record first",
            ) from e
        return reply.rcode()

    def _ask(self, name: str, kind: str) -> dns.message.Message:
        try:
            reply = question(self.server, name, kind, recurse=False)
        except OSError as e:
            raise UnreachableError(
                f"dns.primary {self.server}: {e}", wanted="an answer", next_step="check dns.primary"
            ) from e
        fine = reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
        if not fine or not reply.flags & dns.flags.AA:
            raise DnsError(
                f"{self.server} does not speak for {name}: {dns.rcode.to_text(reply.rcode())}",
                wanted=f"the primary name server of {self.dns.zone}",
                next_step="check dns.primary and dns.zone in the spec",
            )
        return reply

    def _serial(self, server: str) -> int | None:
        answer = self.resolvers.ask(server, self.dns.zone, "SOA", recurse=False)
        return int(answer.addresses[0].split()[2]) if answer.addresses else None

    def _serial_id(self) -> str:
        return f"serial {self._serial(self.server)}"


def key_of(secret: Any) -> tuple[str, str, str]:
    """The TSIG key as an Airflow connection holds it."""
    return secret.login, secret.password, str(secret.extra.get("algorithm") or "hmac-sha256")


def _moved(live: Sequence[RecordSet], before: Sequence[RecordSet]) -> StaleApprovalError:
    return StaleApprovalError(
        f"{(*before, *live)[0].name} is {text(live)}",
        wanted=text(before),
        next_step="find out who changed it; then clear the gate before this task with downstream",
    )


def _reached(serial: int | None, wanted: int) -> bool:
    return serial is not None and (serial - wanted) % 2**32 < 2**31
