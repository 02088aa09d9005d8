"""Asking one name server one question: the Resolvers port over dnspython."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from livemove.ports import Answer, Clock

TIMEOUT = 2.0
"""Seconds for one try; a question is tried twice, because UDP loses packets."""


class DnsResolvers:
    """UDP with EDNS, TCP when truncated. A server that fails gives an Answer with an error, never an exception."""

    def __init__(self, clock: Clock, *, timeout: float = TIMEOUT, tries: int = 2) -> None:
        self.clock, self.timeout, self.tries = clock, timeout, tries

    def ask(self, server: str, name: str, type: str = "A", *, recurse: bool = True) -> Answer:
        """`server` is an address or address@port; recurse=False asks an authority for what it holds itself."""
        address, _, port = server.partition("@")
        query = dns.message.make_query(name, type, use_edns=0, payload=1232)
        if not recurse:
            query.flags &= ~dns.flags.RD
        error = ""
        for _ in range(self.tries):
            try:
                reply, _tcp = dns.query.udp_with_fallback(
                    query, address, timeout=self.timeout, port=int(port or 53)
                )
            except dns.exception.Timeout:
                error = f"no answer within {self.timeout:g} s"
            except (OSError, dns.exception.DNSException) as e:
                error = f"no answer: {e or e.__class__.__name__}"
            else:
                return self._answer(server, reply, type)
        return Answer(server, (), 0, self.clock.now(), error)

    def _answer(self, server: str, reply: dns.message.Message, type: str) -> Answer:
        now = self.clock.now()
        if reply.rcode() != dns.rcode.NOERROR:
            return Answer(server, (), 0, now, dns.rcode.to_text(reply.rcode()))
        wanted = dns.rdatatype.from_text(type)
        sets = [s for s in reply.answer if s.rdtype == wanted]
        if not sets:
            return Answer(server, (), 0, now, f"no {type} record")
        values = tuple(sorted(r.to_text() for s in sets for r in s))
        # a chain of CNAMEs is as short-lived as its shortest link
        return Answer(server, values, min(s.ttl for s in reply.answer), now)
