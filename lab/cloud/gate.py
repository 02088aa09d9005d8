"""What stands before moto: the network, then the worker's permissions.

A host of the lab speaks from its own address (lab/web/python/sitecustomize.py), so the endpoint knows the web
server that calls, and hangs up without an answer on one that the network drops. Who has no such address is
the worker or somebody at a keyboard, outside of the VPC. A call with the worker's key is allowed only what
include/iam says (worker.py); any other key is the account owner's.
"""

from __future__ import annotations

import io
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from xml.sax.saxutils import escape

from botocore.parsers import create_parser
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import get_service_model
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.route53.models import route53_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from lab.addresses import ACCOUNT, REGION
from lab.cloud import contract, needs, network, pace, worker
from lab.cloud.base import Cloud
from lab.cloud.patching import quietly
from lab.cloud.reach import Host

log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

SIGNED = re.compile(r"Credential=([^/]+)/\d+/[\w-]+/([\w-]+)/aws4_request")
"""Key and service of the signature; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html"""
MODELS = {"monitoring": "cloudwatch"}
"""Services whose name in a signature is not that of botocore's model."""


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
        signed = SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
        if signed is None:
            return self.app(environ, start_response)
        key, service = signed.groups()
        host = host_at(str(environ.get("REMOTE_ADDR")))
        if (why := network.dropped_to_service(host, service, self.cloud.addresses)) is not None:
            log.warning("dropped: a call of %s: %s", service, why)
            _no_answer(environ)
        user = worker.read(self.cloud.state, zone_ids())
        if user is not None and user.key == key:
            operation, parameters = parsed(environ, service)
            name = operation.name if operation else str(parameters.get("Action"))
            if refused := user.refused(needs.of(service, name, parameters)):
                log.warning("%s", refused)
                return _refuse(start_response, service, refused)
            if operation is not None and service != "s3":
                answer = Response.from_app(self.app, environ, buffered=True)
                _look_at(operation, answer)
                sent: Iterable[bytes] = answer(environ, start_response)
                return sent
        return self.app(environ, start_response)


def host_at(address: str) -> Host | None:
    """The running instance with that public address."""
    for reservation in ec2_backends[ACCOUNT][REGION].all_reservations():
        for instance in reservation.instances:
            if instance.public_ip == address and instance._state.name == "running":
                return network.instance_host(instance.id)
    return None


def zone_ids() -> dict[str, str]:
    zones = list(route53_backends[ACCOUNT]["aws"].zones.values())
    return {str(z.name).rstrip("."): str(z.id).rsplit("/", 1)[-1] for z in zones}


def parsed(environ: Environ, service: str) -> tuple[Any, dict[str, Any]]:
    """The call's model and parameters. Of S3 the body is left where it is: path and query say enough."""
    model = get_service_model(MODELS.get(service, service))
    body = b""
    if service != "s3":
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
    request = Request({**environ, "wsgi.input": io.BytesIO(body)})
    try:
        operation, uri = get_service_router(model.service_name).match(request)
    except (NotFound, NotImplementedError):
        return None, {"Action": request.values.get("Action", "unknown")}
    protocol = determine_request_protocol(model, request.content_type)
    if service == "s3":
        return operation, uri
    parameters: dict[str, Any] = PROTOCOL_PARSERS[protocol](operation).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": body,
            "url_path": request.path,
            "url_params": uri,
        }
    )
    return operation, parameters


@quietly
def _look_at(operation: Any, answer: Response) -> None:
    """Say in the log what of an answer is not as AWS's model has it: what no real account would send."""
    if answer.status_code >= 300:
        return
    raw = {"status_code": answer.status_code, "headers": answer.headers, "body": answer.get_data()}
    shape = operation.output_shape
    read = create_parser(operation.service_model.metadata["protocol"]).parse(raw, shape)
    read.pop("ResponseMetadata", None)
    for one in (*contract.off(shape, read), *contract.of_json(operation, answer.get_data())):
        log.error("%s answers: %s", operation.name, one)


def _refuse(start_response: Any, service: str, message: str) -> Iterable[bytes]:
    """The refusal in the service's own form."""
    protocol = get_service_model(MODELS.get(service, service)).metadata["protocol"]
    kind = "text/xml"
    if protocol in ("json", "rest-json"):
        kind = "application/x-amz-json-1.1"
        body = json.dumps({"__type": "AccessDeniedException", "Message": message, "message": message})
    elif service == "ec2":
        text = f"You are not authorized to perform this operation. {message}"
        error = f"<Error><Code>UnauthorizedOperation</Code><Message>{escape(text)}</Message></Error>"
        body = f"<Response><Errors>{error}</Errors><RequestID>lab</RequestID></Response>"
    elif service == "s3":
        body = f"<Error><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
    else:
        error = (
            f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{escape(message)}</Message></Error>"
        )
        body = f"<ErrorResponse>{error}<RequestId>lab</RequestId></ErrorResponse>"
    status = "400 Bad Request" if kind != "text/xml" else "403 Forbidden"
    content = body.encode()
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(content)))])
    return [content]


def _no_answer(environ: Environ) -> None:
    """Keep silent as long as the pace says, then hang up: werkzeug takes the error for a client that left."""
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    time.sleep(pace.DROPPED.lab)
    connection: socket.socket = environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError("the network dropped this call")
