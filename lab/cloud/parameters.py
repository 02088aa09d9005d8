"""RDS parameters -> options of a mariadbd."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

log = logging.getLogger(__name__)

OWN = {"port", "datadir", "socket", "bind_address", "server_id", "log_bin", "basedir", "tmpdir"}
"""What Amazon sets itself and no parameter group may."""


def server_options(parameters: Mapping[str, str]) -> dict[str, str]:
    """Options for the server's command line; what the group may not set is left out with a log line."""
    options = {}
    for name, value in parameters.items():
        if name in OWN:
            log.warning("parameter %s is not for users; ignored", name)
        elif name == "time_zone":
            options["default_time_zone"] = offset(value)
        else:
            options[name] = value
    return options


def offset(zone: str) -> str:
    """A named zone as its offset of today: the lab's servers carry no time zone tables."""
    if zone.startswith(("+", "-")):
        return zone
    if zone.upper() in ("UTC", "SYSTEM"):
        return "+00:00"
    delta = datetime.now(ZoneInfo(zone)).strftime("%z")
    return f"{delta[:3]}:{delta[3:]}"


def mysql_text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
