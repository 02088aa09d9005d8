"""A cached view of the ledger for many readers: one listing a second or two, and only changes are read.

For the console. A listing names every object's ETag, so an idle night costs two listings a look, whatever was
kept, and ten readers cost no more than one.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from livemove.model.ledger import Contents, Document, Event, Unreadable, read_document, read_event
from livemove.runtime.s3_ledger import S3Ledger

FRESH = 1.5
"""Seconds for which one look serves everybody."""
FOLDERS = ("documents/", "events/")


@dataclass(frozen=True)
class Seen:
    """The ledger at one moment; the same `tag` is the same ledger."""

    contents: Contents
    tag: str


class LedgerView:
    """One service's ledger, for one reader at a time. `wanted`: names of the documents that are read.

    After an error the ledger is made again: its keys may have changed in the meantime.
    """

    def __init__(
        self,
        make: Callable[[], S3Ledger],
        wanted: Callable[[str], bool],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self.wanted, self._monotonic = make, wanted, monotonic
        self._ledger: S3Ledger | None = None
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, Document | Event | Unreadable]] = {}
        self._seen: Seen | Exception | None = None
        self._until = 0.0

    @property
    def ledger(self) -> S3Ledger:
        self._ledger = self._ledger or self._make()
        return self._ledger

    def look(self) -> Seen:
        """LivemoveError when the ledger cannot be read; whoever asks within FRESH seconds hears the same."""
        with self._lock:
            if self._seen is None or self._monotonic() >= self._until:
                try:
                    self._seen = self._read()
                except Exception as e:
                    # also what nobody expected: a crowd of readers would do it all again
                    self._seen, self._ledger = e, None
                self._until = self._monotonic() + FRESH
            if isinstance(self._seen, Exception):
                raise self._seen
            return self._seen

    def _read(self) -> Seen:
        now = {k: v for folder in FOLDERS for k, v in self.ledger.versions(folder).items() if self._reads(k)}
        changed = [k for k, v in now.items() if self._known.get(k, ("",))[0] != v]
        found = self.ledger.contents(changed)
        kept = {k: v for k, v in self._known.items() if k in now}
        self._known = kept | {k: (now[k], _parsed(k, content)) for k, content in found.items()}
        tag = hashlib.sha256(repr(sorted((k, v) for k, (v, _) in self._known.items())).encode()).hexdigest()
        in_order = [content for _, (_, content) in sorted(self._known.items())]
        documents = [d for d in in_order if isinstance(d, Document)]
        events = [e for e in in_order if isinstance(e, Event)]
        unreadable = [u for u in in_order if isinstance(u, Unreadable)]
        return Seen(Contents.of_parsed([*documents, *unreadable], events), tag)

    def _reads(self, key: str) -> bool:
        return key.startswith(FOLDERS[1]) or self.wanted(_name(key))


def _parsed(key: str, content: object) -> Document | Event | Unreadable:
    """Once for each version of a key: pages that ask every second do not validate it again."""
    if key.startswith(FOLDERS[1]):
        return read_event(key.removesuffix(".json"), content)
    return read_document(_name(key), content)


def _name(key: str) -> str:
    return key.removeprefix(FOLDERS[0]).removesuffix(".json")
