"""Events of the web servers."""

from __future__ import annotations

from typing import Literal

from livemove.model.ledger.base import Event


class _ServersTold(Event):
    site: str = ""
    servers: dict[str, str] = {}
    """What each server said."""


class JobsKept(_ServersTold):
    """Scheduled jobs run on this site alone."""

    event: Literal["jobs_kept"] = "jobs_kept"


class ServersStopped(_ServersTold):
    """The servers of this site were stopped for good."""

    event: Literal["servers_stopped"] = "servers_stopped"
