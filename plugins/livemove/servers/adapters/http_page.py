"""A JSON page of one web server, asked for under the public name."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from urllib.parse import urlparse

from livemove.model.errors import UnreachableError
from livemove.model.ports import Json
from livemove.model.spec import Application

TIMEOUT = 5.0


def trusted(application: Application) -> ssl.SSLContext:
    """The spec's CA bundle, else LIVEMOVE_CA_FILE, else the system's."""
    return ssl.create_default_context(
        cafile=application.ca_file or os.environ.get("LIVEMOVE_CA_FILE") or None
    )


def get_json(application: Application, address: str, path: str) -> Json:
    """A JSON page of the server at this address, asked by the public name, its certificate checked."""
    url = urlparse(application.url)
    name, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
    try:
        sock: socket.socket = socket.create_connection((address, port), timeout=TIMEOUT)
        connection.sock = (
            trusted(application).wrap_socket(sock, server_hostname=name) if url.scheme == "https" else sock
        )
        connection.request("GET", path, headers={"Host": url.netloc, "Connection": "close"})
        reply = connection.getresponse()
        body = reply.read(1_000_000)
        if reply.status != 200:
            raise ValueError(f"HTTP {reply.status}: {body[:200].decode(errors='replace')}")
        said: Json = json.loads(body)
        return said
    except (OSError, ValueError, http.client.HTTPException) as e:
        raise UnreachableError(
            f"{url.scheme}://{address}:{port}{path} (as {name}) cannot be read: {type(e).__name__}: {e}",
            wanted="HTTP 200 with JSON and a certificate that is valid for the public name",
            next_step="check the path in the spec, the server and its certificate",
        ) from e
    finally:
        connection.close()
