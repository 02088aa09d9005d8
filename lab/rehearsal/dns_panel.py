"""A stand-in for the person who changes the zone by hand, in a rehearsal of `provider: manual`.

It enters what livemove asks for and nothing else. The requests are in the ledger, as a person reads them at
the gate and in the tasks' logs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lab.dns import authority
from livemove.dns.adapters.manual_zone import from_wanted_text

REQUEST_DOCUMENTS = ("dns/ttl", "dns/change", "dns/restored")
POLL_INTERVAL = 2.0
"""Seconds between two reads of the ledger."""


class DnsPanel:
    """A thread that polls the ledger and enters each request once, in the order in which they came."""

    def __init__(self, zone: str, documents: Callable[[], Mapping[str, Any]]) -> None:
        self.zone, self.documents = zone, documents
        self.done: dict[str, tuple[str, str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> DnsPanel:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._stop.wait(POLL_INTERVAL):
            # the ledger or a name server may be away for a moment; the next poll finds it
            with contextlib.suppress(Exception):
                self.enter_new_requests()

    def enter_new_requests(self) -> list[str]:
        """Enter the requests that are new; returns the record lines that were entered."""
        entered = []
        found = self.documents()
        for name in REQUEST_DOCUMENTS:
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
