"""A ledger, a zone, name servers and a clock that live in memory and do as they are told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from livemove.model.errors import StaleApprovalError
from livemove.model.ledger import Stored, TypedLedger
from livemove.model.ports import Answer, RecordSet

START = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
"""03:30 in Seoul."""


@dataclass
class HandClock:
    """Stands still until somebody sleeps or winds it."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class MemoryLedger(TypedLedger):
    kept: dict[str, Stored] = field(default_factory=dict)
    noted: list[Stored] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> Stored | None:
        return self.kept.get(name)

    def write(self, name: str, document: Stored) -> None:
        self.kept[name] = document

    def documents(self, prefix: str = "") -> list[str]:
        return sorted(n for n in self.kept if n.startswith(prefix))

    def append(self, event: Stored) -> None:
        self.noted.append({"time": START.isoformat(), **event})

    def tell(self, event: str, **facts: object) -> None:
        """An event as some livemove stored it."""
        self.append({"event": event, **facts})

    def events(self) -> list[Stored]:
        """As they are stored."""
        return list(self.noted)

    def stored_events(self) -> dict[str, object]:
        return {f"events/{n:06}": e for n, e in enumerate(self.noted)}

    def put_file(self, name: str, content: bytes, content_type: str = "") -> str:
        self.files[name] = content
        return f"s3://memory/{name}"

    def get_file(self, name: str) -> bytes | None:
        return self.files.get(name)


@dataclass
class MemoryZone:
    """A zone with its record sets; a change is in sync after `delay` questions."""

    sets: list[RecordSet]
    delay: int = 0
    changes: list[tuple[tuple[RecordSet, ...], tuple[RecordSet, ...]]] = field(default_factory=list)
    servers: tuple[str, ...] = ("192.0.2.53",)
    provider: str = "Route 53"
    weights: bool = True
    by_hand: bool = False

    def records(self, name: str) -> list[RecordSet]:
        return [s for s in self.sets if s.name == name]

    def pointing_at(self, addresses: Collection[str]) -> list[RecordSet]:
        return [s for s in self.sets if set(s.values) & set(addresses)]

    def change(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> str:
        if any(s not in self.sets for s in before):
            raise StaleApprovalError(f"{before[0].name} is not that")
        if not self.by_hand:
            self.sets = [*(s for s in self.sets if s not in before), *after]
        self.changes.append((tuple(before), tuple(after)))
        return f"C{len(self.changes)}"

    def in_sync(self, change_id: str) -> bool:
        self.delay -= 1
        return self.delay < 0

    def authorities(self) -> list[str]:
        return list(self.servers)


@dataclass
class MemoryResolvers:
    """Each server answers what `says` holds for it: (addresses, ttl), or an error."""

    clock: HandClock
    message: dict[str, tuple[tuple[str, ...], int] | str]

    def ask(self, server: str, name: str, type: str = "A", *, recurse: bool = True) -> Answer:
        said = self.message[server]
        if isinstance(said, str):
            return Answer(server, (), 0, self.clock.now(), said)
        if type != "A":
            return Answer(server, (), 0, self.clock.now(), f"no {type} record")
        return Answer(server, said[0], said[1], self.clock.now())
