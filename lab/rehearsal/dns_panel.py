"""The person at the registrar's panel, in a rehearsal of `provider: manual`: enters what livemove asks for,
nothing else.

What is asked stands in the ledger, as the person reads it at the gate and in the tasks' logs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lab.dns import authority
from livemove.dns.adapters.manual_zone import from_wanted_text

ASKED_IN = ("dns/ttl", "dns/change", "dns/restored")
LOOKS_EVERY = 2.0
"""Seconds."""


class Panel:
    """A thread that looks at the ledger and enters each request once, in the order in which they came."""

    def __init__(self, zone: str, documents: Callable[[], Mapping[str, Any]]) -> None:
        self.zone, self.documents = zone, documents
        self.done: dict[str, tuple[str, str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Panel:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._stop.wait(LOOKS_EVERY):
            # the ledger or a name server may be away for a moment; the next look finds it
            with contextlib.suppress(Exception):
                self.look()

    def look(self) -> list[str]:
        """Enter what is new; the lines that were entered."""
        entered = []
        found = self.documents()
        for name in ASKED_IN:
            one = found.get(name) or {}
            # the time is filled in later, when the authorities have it: that is no new request
            asked = (str(one.get("change_id") or ""), "" if name == "dns/ttl" else str(one.get("at")))
            if not asked[0] or self.done.get(name) == asked:
                continue
            authority.publish(
                self.zone,
                [
                    {"name": r.name, "type": r.type, "ttl": r.ttl, "values": list(r.values)}
                    for r in from_wanted_text(asked[0])
                ],
            )
            self.done[name] = asked
            entered.append(asked[0])
        return entered
