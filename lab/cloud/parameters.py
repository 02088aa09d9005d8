"""RDS parameters -> options of a mariadbd."""

from __future__ import annotations

from collections.abc import Mapping

OPTION = {"time_zone": "default_time_zone"}
"""Variables whose option has another name."""


def server_options(parameters: Mapping[str, str]) -> dict[str, str]:
    """Options for the server's command line."""
    return {OPTION.get(name, name): value for name, value in parameters.items()}


def mysql_text(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
