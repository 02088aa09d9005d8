"""Short ways to write a finding."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.model.ports import Finding, Severity


def ok(check: str, measured: str, limit: str = "", *, subject: str = "") -> Finding:
    return Finding(check, Severity.OK, measured, limit, "", subject)


def warning(
    check: str, measured: str, limit: str, remedy: str, *, subject: str = "", restart: bool = False
) -> Finding:
    return Finding(check, Severity.WARNING, measured, limit, remedy, subject, restart)


def error(
    check: str, measured: str, limit: str, remedy: str, *, subject: str = "", restart: bool = False
) -> Finding:
    return Finding(check, Severity.ERROR, measured, limit, remedy, subject, restart)


def some(names: Iterable[str], most: int = 8) -> str:
    """A readable list that ends with how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
