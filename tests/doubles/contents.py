"""A ledger's contents from what some livemove stored, for tests that say it in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from livemove.model.ledger import Contents
from livemove.model.ports import Json

NOON = "2026-11-22T12:00:00+00:00"


def contents(documents: Mapping[str, Any] | None = None, events: Sequence[Json] = ()) -> Contents:
    """AssertionError names what no livemove can have stored."""
    read = contents_as_read(documents, events)
    assert not read.unreadable, [str(u) for u in read.unreadable]
    return read


def contents_as_read(documents: Mapping[str, Any] | None = None, events: Sequence[Any] = ()) -> Contents:
    """The same, damaged parts and all."""
    return Contents.read(documents or {}, {f"events/{n:06}": e for n, e in enumerate(events)})
