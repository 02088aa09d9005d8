"""A real TLS server on loopback, met at its address under the public name."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab import ca
from lab.addresses import ZONE, here
from livemove.adapters.counters import read_requests
from livemove.errors import UnreachableError
from livemove.spec import Application

PAGES: dict[str, tuple[int, Any]] = {
    "/metrics.json": (200, {"requests": 41, "errors": 1}),
    "/other.json": (200, {"hits": 41}),
    "/list.json": (200, [41]),
    "/broken": (503, {"requests": 41}),
}
HOSTS: list[str] = []


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        HOSTS.append(self.headers["Host"])
        status, content = PAGES[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, Path]]:
    """(address, port, CA bundle) of a server whose certificate is the lab's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEMOVE_LAB_STATE", str(tmp_path_factory.mktemp("ca")))
        made = ca.create(here(), (ZONE,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    httpd = HTTPServer(("127.0.0.1", 0), Page)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield "127.0.0.1", httpd.server_port, made.ca
    httpd.shutdown()
    httpd.server_close()


def application(
    server: tuple[str, int, Path], name: str = "www.shop.test", *, trusting: bool = True
) -> Application:
    _, port, bundle = server
    return Application(
        connection="c", database="d", settings="", url=f"https://{name}:{port}", ca_file=str(bundle) if trusting else None
    )  # fmt: skip


def test_the_counter_is_read_at_the_address_under_the_public_name(server: tuple[str, int, Path]) -> None:
    assert read_requests(application(server), server[0], "/metrics.json") == 41
    assert HOSTS[-1] == f"www.shop.test:{server[1]}"


def test_the_lab_gives_its_ca_by_the_environment(
    server: tuple[str, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEMOVE_CA_FILE", str(server[2]))
    assert read_requests(application(server, trusting=False), server[0], "/metrics.json") == 41


def test_a_certificate_for_another_name_or_of_a_stranger_is_refused(
    server: tuple[str, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIVEMOVE_CA_FILE", raising=False)
    with pytest.raises(UnreachableError, match=r"Hostname mismatch.*www\.example\.org"):
        read_requests(application(server, "www.example.org"), server[0], "/metrics.json")
    with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
        read_requests(application(server, trusting=False), server[0], "/metrics.json")


@pytest.mark.parametrize(("path", "why"), [("/other.json", "does not tell its requests"), ("/list.json", "does not tell its requests"), ("/broken", "HTTP 503")])  # fmt: skip
def test_a_page_that_does_not_count_says_so(server: tuple[str, int, Path], path: str, why: str) -> None:
    with pytest.raises(UnreachableError, match=why):
        read_requests(application(server), server[0], path)


def test_nobody_at_the_address_is_unreachable(server: tuple[str, int, Path]) -> None:
    with pytest.raises(UnreachableError, match="refused"):
        read_requests(application(server), "127.0.0.77", "/metrics.json")
