"""Answers by weights, as Route 53 does, before one Knot: `python -m lab.dns.front ADDRESS PORT ...`.

The arguments are ADDRESS PORT BACKEND WEIGHTS.

Every question goes to Knot and Knot's answer comes back; only where the zone has weighted sets for that name
and type, its addresses are those of one set, drawn by weight for each question anew. Knot itself knows no
weights.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import sys
from pathlib import Path
from typing import Any

import dns.message
import dns.rdatatype
import dns.rrset

TIMEOUT = 2.0


class Front:
    def __init__(self, address: str, port: int, backend: str, weights: Path) -> None:
        self.backend, self.port, self.file = backend, port, weights
        self.read_at, self.sets = -1, dict[str, Any]()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, port))
        self.tcp = socket.create_server((address, port))

    def run(self) -> None:
        ready = selectors.DefaultSelector()
        ready.register(self.udp, selectors.EVENT_READ)
        ready.register(self.tcp, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                try:
                    self._udp() if key.fileobj is self.udp else self._tcp()
                except (OSError, ValueError, dns.exception.DNSException) as e:
                    print(f"{type(e).__name__}: {e}", flush=True)

    def _udp(self) -> None:
        question, client = self.udp.recvfrom(4096)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as on:
            on.settimeout(TIMEOUT)
            on.sendto(question, (self.backend, self.port))
            self.udp.sendto(self.drawn(on.recv(65535)), client)

    def _tcp(self) -> None:
        client, _ = self.tcp.accept()
        with client, socket.create_connection((self.backend, self.port), TIMEOUT) as on:
            client.settimeout(TIMEOUT)
            while head := client.recv(2, socket.MSG_WAITALL):
                on.sendall(head + client.recv(int.from_bytes(head), socket.MSG_WAITALL))
                size = int.from_bytes(on.recv(2, socket.MSG_WAITALL))
                answer = self.drawn(on.recv(size, socket.MSG_WAITALL))
                client.sendall(len(answer).to_bytes(2) + answer)

    def drawn(self, answer: bytes) -> bytes:
        """The answer with one weighted set in the place of all of them."""
        message = dns.message.from_wire(answer)
        changed = False
        for n, rrset in enumerate(message.answer):
            kind = dns.rdatatype.to_text(rrset.rdtype)
            sets = [
                s
                for s in self._weights().get(f"{str(rrset.name).rstrip('.').lower()} {kind}", ())
                if s["weight"]
            ]
            if sets:
                one = random.choices(sets, [s["weight"] for s in sets])[0]
                message.answer[n] = dns.rrset.from_text(rrset.name, one["ttl"], "IN", kind, *one["values"])
                changed = True
        return message.to_wire() if changed else answer

    def _weights(self) -> dict[str, Any]:
        now = self.file.stat().st_mtime_ns if self.file.exists() else 0
        if now != self.read_at:
            self.sets = json.loads(self.file.read_text()) if now else {}
            self.read_at = now
        return self.sets


def document(records: Any) -> dict[str, Any]:
    """What the front reads: "name type" -> its weighted sets."""
    found: dict[str, Any] = {}
    for r in records:
        if r.get("weight") is not None:
            one = {"weight": r["weight"], "ttl": r["ttl"], "values": list(r["values"])}
            found.setdefault(f"{r['name'].rstrip('.').lower()} {r['type']}", []).append(one)
    return found


if __name__ == "__main__":
    Front(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])).run()
