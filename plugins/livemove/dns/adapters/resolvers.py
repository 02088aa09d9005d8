"""Asking one name server one question: the Resolvers port over dnspython."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from livemove.model.ports import Answer, Clock

TIMEOUT = 2.0
"""Seconds for one try; a question is tried twice, because UDP loses packets."""


def question(
    server: str, name: str, type: str, *, recurse: bool = True, timeout: float = TIMEOUT, tries: int = 2
) -> dns.message.Message:
    """One question with EDNS and DO over UDP, over TCP when truncated; OSError says why there is no answer.

    `server` is an address or address@port; recurse=False asks an authority for what it holds itself.
    """
    address, _, port = server.partition("@")
    query = dns.message.make_query(name, type, use_edns=0, payload=1232, want_dnssec=True)
    if not recurse:
        query.flags &= ~dns.flags.RD
    error = ""
    for _ in range(tries):
        try:
            reply, _tcp = dns.query.udp_with_fallback(query, address, timeout=timeout, port=int(port or 53))
        except dns.exception.Timeout:
            error = f"no answer within {timeout:g} s"
        except (OSError, dns.exception.DNSException) as e:
            error = f"no answer: {e or e.__class__.__name__}"
        else:
            return reply
    raise OSError(error)


class DnsResolvers:
    """A server that fails gives an Answer with an error, never an exception."""

    def __init__(self, clock: Clock, *, timeout: float = TIMEOUT, tries: int = 2) -> None:
        self.clock, self.timeout, self.tries = clock, timeout, tries

    def ask(self, server: str, name: str, type: str = "A", *, recurse: bool = True) -> Answer:
        try:
            reply = question(server, name, type, recurse=recurse, timeout=self.timeout, tries=self.tries)
        except OSError as e:
            return Answer(server, (), 0, self.clock.now(), str(e))
        return self._answer(server, reply, type)

    def _answer(self, server: str, reply: dns.message.Message, type: str) -> Answer:
        now, own = self.clock.now(), bool(reply.flags & dns.flags.AA)
        if reply.rcode() != dns.rcode.NOERROR:
            return Answer(server, (), 0, now, dns.rcode.to_text(reply.rcode()), own)
        wanted = dns.rdatatype.from_text(type)
        sets = [s for s in reply.answer if s.rdtype == wanted]
        if not sets:
            return Answer(server, (), 0, now, f"no {type} record", own)
        values = tuple(sorted(r.to_text() for s in sets for r in s))
        signed = any(s.rdtype == dns.rdatatype.RRSIG for s in reply.answer)
        # a chain of CNAMEs is as short-lived as its shortest link
        return Answer(server, values, min(s.ttl for s in reply.answer), now, "", own, signed)
