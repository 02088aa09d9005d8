"""What stands before moto: the caller is known by its address, and what the network drops gets no answer.

A host of the lab speaks from its own address (lab/web/python/sitecustomize.py), so the endpoint knows the web
server that calls. Who has no such address is the worker or somebody at a keyboard, outside of the VPC.
"""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from lab.addresses import ACCOUNT, REGION
from lab.cloud import network, pace
from lab.cloud.base import Cloud
from lab.cloud.reach import Host

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

SERVICE = re.compile(r"Credential=[^/]+/\d+/[\w-]+/([\w-]+)/aws4_request")
"""The service in the credential's scope; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html"""


class Endpoint:
    """moto behind the gate, served by threads until `stop`."""

    def __init__(self, cloud: Cloud) -> None:
        app = Gate(cloud, DomainDispatcherApplication(create_backend_app))
        address, port = cloud.addresses.aws, cloud.addresses.aws_port
        self._server = make_server(address, port, app, True, request_handler=MotoRequestHandler)

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()


class Gate:
    """A WSGI application before moto's."""

    def __init__(self, cloud: Cloud, app: Application) -> None:
        self.cloud, self.app = cloud, app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        service = SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if service is not None:
            host = host_at(str(environ.get("REMOTE_ADDR")))
            why = network.dropped_to_service(host, service[1], self.cloud.addresses)
            if why is not None:
                log.warning("dropped: a call of %s: %s", service[1], why)
                _no_answer(environ)
        return self.app(environ, start_response)


def host_at(address: str) -> Host | None:
    """The running instance with that public address."""
    for reservation in ec2_backends[ACCOUNT][REGION].all_reservations():
        for instance in reservation.instances:
            if instance.public_ip == address and instance._state.name == "running":
                return network.instance_host(instance.id)
    return None


def _no_answer(environ: Environ) -> None:
    """Keep silent as long as the pace says, then hang up: werkzeug takes the error for a client that left."""
    time.sleep(pace.DROPPED.lab)
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the network dropped this call")
