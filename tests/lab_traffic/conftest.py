"""A name server whose answer can be changed, beside the monolith of tests/lab_web."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.lab_web.conftest import certificate, first_database, second_database, start_site

__all__ = ["certificate", "first_database", "second_database", "start_site"]


class NameServer:
    """Answers every A question with `address` and `ttl`; an empty address is NXDOMAIN."""

    def __init__(self) -> None:
        self.address, self.ttl, self.asked = "", 1, 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1@{self.port}"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, who = self._socket.recvfrom(4096)
                if not data:
                    return
                self.asked += 1
                query = dns.message.from_wire(data)
                answer = dns.message.make_response(query)
                if self.address:
                    answer.answer.append(
                        dns.rrset.from_text(query.question[0].name, self.ttl, "IN", "A", self.address)
                    )
                else:
                    answer.set_rcode(dns.rcode.NXDOMAIN)
                self._socket.sendto(answer.to_wire(), who)


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.close()
