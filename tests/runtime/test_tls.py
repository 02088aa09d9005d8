"""Connections to a database are encrypted and verified as the spec asks, or not opened at all."""

from __future__ import annotations

import ipaddress
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509

from lab.ca import Certificate, sign
from lab.mariadb import Server
from lab.processes import Registry
from livemove.model.errors import SetupError, UnreachableError
from livemove.model.spec import MigrationSpec, Side, Tls, load_spec, project_root
from livemove.runtime.mariadb import CLEAR_TEXT, Login, MariaDb, Trust
from livemove.runtime.service_context import ServiceContext
from tests.raising import raises

ADDRESS = "127.251.7.1"


def certificate(folder: Path, address: str) -> Certificate:
    return sign(folder, "database", [x509.IPAddress(ipaddress.ip_address(address))])


@pytest.fixture(scope="module")
def server(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that shows a certificate for its own address and refuses clear text."""
    data = tmp_path_factory.mktemp("tls")
    made = certificate(data / "ca", ADDRESS)
    options = {"require_secure_transport": "ON"}
    server = Server(registry, "tls", ADDRESS, 3306, data / "db", 77, "root", options, made.paths())
    server.install()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


def login(server: Server, trust: Trust | None) -> Login:
    return Login(server.address, server.port, "root", "root", trust)


def trusted(server: Server, *, identity: bool = True) -> Trust:
    assert server.certificate
    return Trust(str(server.certificate[0]), identity)


def version(login: Login) -> str:
    with MariaDb(Side.SOURCE, login, timeout=3) as db:
        return str(db.one("SHOW SESSION STATUS LIKE 'Ssl_version'")["value"])


@pytest.mark.servers
@pytest.mark.parametrize("identity", [True, False])
def test_a_server_with_the_right_certificate_is_spoken_to_over_tls(server: Server, identity: bool) -> None:
    assert version(login(server, trusted(server, identity=identity))).startswith("TLSv1.")


@pytest.mark.servers
def test_a_login_without_tls_is_refused_by_a_server_that_requires_it(server: Server) -> None:
    with pytest.raises(UnreachableError):
        version(login(server, None))


@pytest.mark.servers
@pytest.mark.parametrize("identity", [True, False])
def test_a_certificate_of_another_ca_is_refused(server: Server, tmp_path: Path, identity: bool) -> None:
    other = certificate(tmp_path, ADDRESS)
    with raises(UnreachableError, "CERTIFICATE_VERIFY_FAILED") as caught:
        version(login(server, Trust(str(other.ca), identity)))
    assert "source.tls" in caught.value.next_step


@pytest.mark.servers
def test_a_certificate_for_another_address_is_refused_only_where_the_name_counts(
    registry: Registry, tmp_path: Path
) -> None:
    made = certificate(tmp_path / "ca", "192.0.2.1")
    server = Server(registry, "tls-other", "127.251.7.2", 3306, tmp_path / "db", 78, "root", {}, made.paths())
    server.install()
    server.start()
    try:
        with raises(UnreachableError, "mismatch"):
            version(login(server, trusted(server)))
        assert version(login(server, trusted(server, identity=False))).startswith("TLSv1.")
    finally:
        server.stop()


@pytest.mark.servers
def test_a_server_that_offers_no_tls_gets_no_login(
    registry: Registry, server: Server, tmp_path: Path
) -> None:
    """PyMySQL alone would go on in clear text."""
    plain = Server(registry, "tls-none", "127.251.7.4", 3306, tmp_path / "db", 79, "root")
    plain.install()
    plain.start()
    try:
        assert version(login(plain, None)) == ""
        with raises(UnreachableError, "offers no TLS"):
            version(login(plain, trusted(server)))
    finally:
        plain.stop()


def test_a_server_that_falls_silent_in_the_handshake_is_given_up(tmp_path: Path) -> None:
    made = certificate(tmp_path, "127.251.7.3")
    greeting = (
        b"\x0a10.11.0-MariaDB\x00" + b"\x01\x00\x00\x00" + b"12345678\x00" + b"\xff\xff" + b"\x2d\x02\x00"
        b"\xff\xc1\x15" + b"\x00" * 10 + b"123456789012\x00" + b"mysql_native_password\x00"
    )
    with socket.create_server(("127.251.7.3", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            connection.sendall(len(greeting).to_bytes(3, "little") + b"\x00" + greeting)
            with connection:
                while connection.recv(4096):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        silent = Login("127.251.7.3", listening.getsockname()[1], "root", "x", Trust(str(made.ca), True))
        with (
            pytest.raises(UnreachableError),
            MariaDb(Side.SOURCE, silent, timeout=1, read_timeout=3600) as db,
        ):
            db.one("SELECT 1")


def test_a_ca_file_that_is_not_there_or_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("absent.pem", "empty.pem"):
        with raises(SetupError, name):
            Trust(str(tmp_path / name), True).context()


# The programs that get the same options -------------------------------------------------------------
def client(server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    argv = ["mariadb", "--no-defaults", f"--host={server.address}", "--user=root", "--password=root"]
    return subprocess.run(
        [*argv, *options, "--batch", "--skip-column-names", "-e", "SHOW SESSION STATUS LIKE 'Ssl_version'"],
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.servers
@pytest.mark.parametrize("identity", [True, False])
def test_the_clients_options_ask_for_the_same(server: Server, tmp_path: Path, identity: bool) -> None:
    assert "TLSv1." in client(server, *trusted(server, identity=identity).client_options()).stdout
    other = certificate(tmp_path, ADDRESS)
    refused = client(server, *Trust(str(other.ca), identity).client_options())
    assert refused.returncode
    assert "certificate" in refused.stderr.lower()
    assert client(server, *CLEAR_TEXT).returncode


# Where the CA comes from ----------------------------------------------------------------------------
@pytest.fixture
def spec() -> MigrationSpec:
    return load_spec(project_root() / "include" / "migrations" / "shop.yaml")


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    def set_extra(extra: object) -> None:
        made = {"conn_type": "mysql", "host": "127.0.0.1", "login": "a", "password": "b", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_SOURCE", json.dumps(made))

    return set_extra


def test_the_connection_names_the_ca_as_airflows_provider_reads_it(
    spec: MigrationSpec, connect: Callable[[object], None]
) -> None:
    connect({"ssl": {"ca": "/ca.pem"}})
    assert ServiceContext(spec).login(Side.SOURCE).trust == Trust("/ca.pem", identity=False)
    strict = spec.model_copy(update={"source": spec.source.model_copy(update={"tls": Tls.VERIFY_IDENTITY})})
    assert ServiceContext(strict).login(Side.SOURCE).trust == Trust("/ca.pem", identity=True)


@pytest.mark.parametrize("extra", [{}, {"ssl": {}}, {"ssl": "true"}])
def test_a_connection_without_a_ca_is_refused_before_anybody_connects(
    spec: MigrationSpec, connect: Callable[[object], None], extra: object
) -> None:
    connect(extra)
    with raises(SetupError, "shop_source"):
        ServiceContext(spec).login(Side.SOURCE)


def test_a_spec_that_wants_no_tls_says_so_by_name(
    spec: MigrationSpec, connect: Callable[[object], None]
) -> None:
    connect({})
    clear = spec.model_copy(update={"source": spec.source.model_copy(update={"tls": Tls.NONE})})
    assert ServiceContext(clear).login(Side.SOURCE).trust is None
