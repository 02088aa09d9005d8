"""A real TLS server on loopback, met at its address under the public name."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab import ca
from lab.addresses import ZONE, here
from livemove.model.errors import UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Application, Drain
from livemove.traffic.adapters.counters import Count, read_count, read_page
from tests.conftest import Endpoint
from tests.doubles.worlds import MemoryWorld
from tests.raising import raises

PAGES: dict[str, tuple[int, Any]] = {
    "/metrics.json": (200, {"requests": 41, "errors": 1, "seconds": 2.5}),
    "/plain.json": (200, {"requests": 41}),
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
        connection="c",
        database="d",
        settings="",
        url=f"https://{name}:{port}",
        ca_file=str(bundle) if trusting else None,
    )


def test_the_counter_is_read_at_the_address_under_the_public_name(server: tuple[str, int, Path]) -> None:
    assert read_page(application(server), server[0], "/metrics.json") == Count(41, 1, 2.5)
    assert read_page(application(server), server[0], "/plain.json") == Count(41, None, None)
    assert HOSTS[-1] == f"www.shop.test:{server[1]}"


def test_the_lab_gives_its_ca_by_the_environment(
    server: tuple[str, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEMOVE_CA_FILE", str(server[2]))
    assert read_page(application(server, trusting=False), server[0], "/metrics.json").requests == 41


def test_a_certificate_for_another_name_or_of_a_stranger_is_refused(
    server: tuple[str, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIVEMOVE_CA_FILE", raising=False)
    with raises(UnreachableError, "Hostname mismatch", "www.example.org"):
        read_page(application(server, "www.example.org"), server[0], "/metrics.json")
    with raises(UnreachableError, "CERTIFICATE_VERIFY_FAILED"):
        read_page(application(server, trusting=False), server[0], "/metrics.json")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/other.json", "does not tell its requests"),
        ("/list.json", "does not tell its requests"),
        ("/broken", "HTTP 503"),
    ],
)
def test_a_page_that_does_not_count_says_so(server: tuple[str, int, Path], path: str, why: str) -> None:
    with pytest.raises(UnreachableError, match=why):
        read_page(application(server), server[0], path)


def test_nobody_at_the_address_is_unreachable(server: tuple[str, int, Path]) -> None:
    with pytest.raises(UnreachableError, match="refused"):
        read_page(application(server), "127.0.0.77", "/metrics.json")


class LocalHost:
    """Runs what it is told on this machine, as ssh would on the server."""

    name, address, instance_id = "idc_web", "192.0.2.1", "i-1"

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=timeout)
        return CommandResult(done.returncode, done.stdout, done.stderr)


def counted(**drain: Any) -> Count:
    world = MemoryWorld()
    world.spec = world.spec.model_copy(update={"drain": Drain(**drain)})
    return read_count(world, world.spec.servers[0], LocalHost())  # type: ignore[arg-type]


def test_a_log_is_counted_by_its_lines_without_those_that_are_no_users(tmp_path: Path) -> None:
    log = tmp_path / "access log"
    log.write_text("")
    assert counted(source="log", log=str(log), ignore="/healthz").requests == 0
    log.write_text("GET /a\nGET /healthz\nGET /b\n")
    assert counted(source="log", log=str(log), ignore="/healthz").requests == 2
    assert counted(source="log", log=str(log)).requests == 3
    with pytest.raises(UnreachableError, match="No such file"):
        counted(source="log", log=str(tmp_path / "none"))


ASKED: list[str] = []


class Prometheus(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append(urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)["query"][0])
        series = [{"metric": {}, "value": [1, "40"]}, {"metric": {}, "value": [1, "2.4"]}]
        known = "http_requests" in ASKED[-1]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(
            json.dumps({"data": {"resultType": "vector", "result": series if known else "?"}}).encode()
        )

    def log_message(self, *args: object) -> None: ...


def test_prometheus_is_asked_for_the_server_and_its_series_are_summed() -> None:
    httpd = HTTPServer(("127.0.0.1", 0), Prometheus)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{httpd.server_port}/"
    try:
        query = 'http_requests{instance="{server}/{address}"}'
        assert counted(source="prometheus", prometheus=url, query=query).requests == 42
        assert ASKED[-1] == 'http_requests{instance="idc_web/192.0.2.1"}'
        with raises(UnreachableError, "up"):
            counted(source="prometheus", prometheus=url, query="up")
    finally:
        httpd.shutdown()
        httpd.server_close()
    with raises(UnreachableError, "Prometheus"):
        counted(source="prometheus", prometheus=url, query="up")


def test_cloudwatch_sums_the_minutes_since_midnight(aws_endpoint: Endpoint) -> None:
    world = MemoryWorld()
    world.clock.time = datetime.now(UTC)
    drain = Drain(
        source="cloudwatch", metric="AWS/ApplicationELB/RequestCount", dimension="TargetGroup={server}"
    )
    world.spec = world.spec.model_copy(update={"drain": drain})
    client = aws_endpoint.client("cloudwatch")
    data = [
        {
            "MetricName": "RequestCount",
            "Dimensions": [{"Name": "TargetGroup", "Value": "idc_web"}],
            "Value": v,
            "Timestamp": world.clock.time,
        }
        for v in (40.0, 2.0)
    ]
    client.put_metric_data(Namespace="AWS/ApplicationELB", MetricData=data)
    world.aws = lambda service: client  # type: ignore[attr-defined]
    assert read_count(world, world.spec.servers[0], LocalHost()).requests == 42  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["log", "prometheus", "cloudwatch"])
def test_a_source_without_its_place_is_refused_in_the_spec(source: str) -> None:
    with raises(ValueError, source):
        Drain(source=source)  # type: ignore[arg-type]
