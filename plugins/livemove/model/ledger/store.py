"""The ledger as everybody uses it: models go in, models come out, over something that keeps JSON by name.

What cannot be read is named and left out of a list; whoever asks for that very document gets an error.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from livemove.model.errors import LivemoveError
from livemove.model.ledger.base import Document, Event, Unreadable, kind_of, read_event

log = logging.getLogger(__name__)
Stored = dict[str, Any]
"""A document or event as JSON has it; only the ledger's own code sees one."""


@dataclass(frozen=True)
class Loaded[D: Document]:
    """Documents of one kind, in the order of their names, and what was left out."""

    found: tuple[D, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def __iter__(self) -> Iterator[D]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


@dataclass(frozen=True)
class Contents:
    """A ledger at one moment: everything that can be read, and the names of the rest."""

    documents: Mapping[str, Document] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    """Oldest first."""
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def read(cls, documents: Mapping[str, object], events: Mapping[str, object]) -> Contents:
        """Of what is stored under these names; events are in the order of theirs."""
        read = [read_document(name, content) for name, content in documents.items()]
        noted = [read_event(name.removesuffix(".json"), e) for name, e in sorted(events.items())]
        return cls.of_parsed(read, noted)

    @classmethod
    def of_parsed(
        cls, read: Iterable[Document | Unreadable], noted: Iterable[Event | Unreadable]
    ) -> Contents:
        """Of what was read already; events oldest first."""
        read, noted = list(read), list(noted)
        return cls(
            {d.ledger_name: d for d in read if isinstance(d, Document)},
            tuple(e for e in noted if isinstance(e, Event)),
            tuple(u for u in [*read, *noted] if isinstance(u, Unreadable)),
        )

    def load[D: Document](self, kind: type[D], **keys: object) -> D | None:
        """As the ledger's; one that cannot be read is None here, and named in `unreadable`."""
        found = self.documents.get(kind.name_of(**keys))
        return found if isinstance(found, kind) else None

    def load_all[D: Document](self, kind: type[D], **keys: object) -> tuple[D, ...]:
        """All of a kind whose names have these first keys."""
        begin = kind.prefix_of(**keys)
        return tuple(
            d for n, d in sorted(self.documents.items()) if isinstance(d, kind) and n.startswith(begin)
        )

    def all_of[E: Event](self, kind: type[E]) -> tuple[E, ...]:
        return tuple(e for e in self.events if isinstance(e, kind))


class TypedLedger(ABC):
    """The Ledger port over five ways to keep JSON, which are nobody else's to call."""

    @abstractmethod
    def read(self, name: str) -> Stored | None: ...
    @abstractmethod
    def write(self, name: str, document: Stored) -> None: ...
    @abstractmethod
    def documents(self, prefix: str = "") -> list[str]: ...
    @abstractmethod
    def append(self, event: Stored) -> None:
        """Keep one event; time, run, task and DAG are filled in where they are known here."""

    @abstractmethod
    def stored_events(self) -> dict[str, object]:
        """All events by name; an Unreadable for what is no JSON."""

    def load[D: Document](self, kind: type[D], **keys: object) -> D | None:
        """The document written last under these keys, or None.

        A damaged one: UnreadableError; None and a warning where documents of that kind are only shown.
        """
        name = kind.name_of(**keys)
        content = self._content(name)
        found = None if content is None else _as(kind, name, content)
        if not isinstance(found, Unreadable):
            return found
        if kind.ONLY_SHOWN:
            log.warning("left out of the ledger: %s", found)
            return None
        raise found.error(f"a {kind.__name__}")

    def load_all[D: Document](self, kind: type[D], **keys: object) -> Loaded[D]:
        """All documents of a kind whose names have these first keys."""
        names = [n for n in self.documents(kind.prefix_of(**keys)) if kind.keys_in(n) is not None]
        read = [_as(kind, n, c) for n, c in self.stored_documents(names).items()]
        return Loaded(
            tuple(d for d in read if isinstance(d, kind)), tuple(u for u in read if isinstance(u, Unreadable))
        )

    def save(self, document: Document) -> None:
        """Write it over."""
        self.write(document.ledger_name, document.stored())

    def note(self, event: Event) -> None:
        """Add an event; time, run, task and DAG are the ledger's to fill in."""
        self.append(
            {k: v for k, v in event.stored().items() if k not in FILLED_IN or k in event.model_fields_set}
        )

    def snapshot(self, *kinds: type[Document]) -> Contents:
        """All events, and all documents or those of these kinds: as far as they can be read now."""
        listed = {n for k in kinds or (Document,) for n in self.documents(k.prefix_of())}
        names = [n for n in sorted(listed) if not kinds or any(k.keys_in(n) is not None for k in kinds)]
        return Contents.read(self.stored_documents(names), self.stored_events())

    def stored_documents(self, names: Iterable[str]) -> dict[str, object]:
        """What stands under these names; an Unreadable for what is no JSON, and nothing for what is gone."""
        found = {n: self._content(n) for n in names}
        return {n: c for n, c in found.items() if c is not None}

    def _content(self, name: str) -> Stored | Unreadable | None:
        try:
            return self.read(name)
        except DamagedError as e:
            return Unreadable(name, e.found)


FILLED_IN = ("time", "run_id", "task_id", "dag_id")


class DamagedError(LivemoveError):
    """What is stored is no JSON object."""


def _as[D: Document](kind: type[D], name: str, content: object) -> D | Unreadable:
    return content if isinstance(content, Unreadable) else kind.read(name, content)


def read_document(name: str, content: object) -> Document | Unreadable:
    """Of what is stored under this name."""
    if isinstance(content, Unreadable):
        return content
    kind = kind_of(name)
    return (
        Unreadable(name, "this livemove knows no document of that name")
        if kind is None
        else kind.read(name, content)
    )
