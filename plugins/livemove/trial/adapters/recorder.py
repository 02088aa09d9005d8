"""Listens to a context's calls of AWS and keeps their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livemove.trial import recording

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

SERVICES = ("dms", "secretsmanager", "route53", "ssm")
"""Whose answers are kept; those of S3 are the ledger itself."""
PARAMETERS = "livemove_parameters"
MOST = 5000
"""Calls that are kept: a wait asks again and again."""


class Recorder:
    """Lines of one part of the trial."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def listen(self, world: ServiceContext) -> None:
        """Before the first client is made: a client takes its listeners from the session then."""
        for service in SERVICES:
            world.listen(f"provide-client-params.{service}.*", self._asked)
            world.listen(f"after-call.{service}.*", self._answered)

    def _asked(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[PARAMETERS] = params

    def _answered(self, http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        if len(self.lines) >= MOST:
            return
        service = model.service_model.service_name
        asked = context.get(PARAMETERS, {})
        self.lines.append(recording.line(service, model.name, asked, http_response.status_code, parsed))

    @property
    def content(self) -> bytes:
        return "".join(f"{text}\n" for text in self.lines).encode()
