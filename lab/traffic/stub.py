"""A stub resolver as in a user's machine: one upstream cache, and answers kept for their TTL."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype


class Unresolved(RuntimeError):
    """The name could not be resolved and no answer is still valid."""


@dataclass(frozen=True)
class Known:
    addresses: tuple[str, ...]
    until: float
    """When it must be asked again, on the monotonic clock."""


class Stub:
    """Asks one resolver over UDP; an answer is used until its TTL has run out, never longer."""

    def __init__(self, server: str, port: int, name: str, *, timeout: float = 2, tries: int = 2) -> None:
        self.server, self.port, self.name, self.timeout, self.tries = server, port, name, timeout, tries
        self.known = Known((), 0.0)
        self._asking = asyncio.Lock()

    async def address(self) -> str:
        """One of the name's addresses; Unresolved when nobody answers."""
        async with self._asking:
            if time.monotonic() >= self.known.until:
                self.known = await self._ask()
        return random.choice(self.known.addresses)

    async def _ask(self) -> Known:
        query = dns.message.make_query(self.name, dns.rdatatype.A)
        why = ""
        for _ in range(self.tries):
            asked = time.monotonic()
            try:
                answer = await dns.asyncquery.udp(query, self.server, self.timeout, self.port)
            except (dns.exception.DNSException, OSError) as e:
                why = str(e) or type(e).__name__
                continue
            sets = [s for s in answer.answer if s.rdtype == dns.rdatatype.A]
            if sets:
                ttl = min(s.ttl for s in answer.answer)
                return Known(tuple(str(r.address) for s in sets for r in s), asked + ttl)
            why = dns.rcode.to_text(answer.rcode())
        raise Unresolved(f"{self.server} does not resolve {self.name}: {why}")
