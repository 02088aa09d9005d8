"""One certificate for every name and address of the lab, trusted by whoever trusts its CA."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from lab import ca
from lab.addresses import here


def handshake(server_name: str, made: ca.Certificate) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made.certificate, made.key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except ssl.SSLError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cafile=str(made.ca))
        # what Python 3.13 checks by default
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        client.wrap_socket(ours, server_hostname=server_name).close()
    finally:
        ours.close()
        thread.join()


def test_names_and_addresses_are_valid_and_others_are_not(state: Path) -> None:
    a = here()
    made = ca.create(a, ("shop.test",))
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
    for name in ("shop.test", "www.shop.test", a.idc, a.ec2(0), a.rds(3)):
        handshake(name, made)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake("www.example.com", made)
