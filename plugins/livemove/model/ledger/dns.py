"""Documents and events of the public record."""

from __future__ import annotations

from typing import ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Part, Time


class Record(Part):
    """One record set, as the provider keeps it."""

    name: str = ""
    type: str = "A"
    ttl: int = 0
    values: list[str] = []
    set_id: str = ""
    weight: int | None = None
    health_check: str = ""
    routing: str = ""


class OriginalRecord(Document):
    """The record as it was before livemove touched it; written once."""

    NAME: ClassVar[str] = "dns/before"
    records: list[Record]


class ShortTtl(Document):
    """Since when the short TTL holds."""

    NAME: ClassVar[str] = "dns/ttl"
    was: int
    """Seconds."""
    ttl: int
    """Seconds."""
    at: Time | None = None
    """None while a person has to enter it."""
    change_id: str = ""


class RecordChange(Document):
    """The last change of the record's addresses."""

    NAME: ClassVar[str] = "dns/change"
    name: str = ""
    """The public name."""
    before: list[Record] = []
    after: list[Record] = []
    steps: list[int] = []
    """Shares on the way, in percent; empty: all at once."""
    change_id: str = ""
    at: Time | None = None


class RestoredTtl(RecordChange):
    """The change that gave the record its old TTL back."""

    NAME: ClassVar[str] = "dns/restored"


class NameServer(Part):
    """What one name server said last."""

    server: str
    authority: bool = False
    answer: str = ""
    ttl: int = 0
    since: str = ""
    flipped_at: str | None = None
    until: str | None = None
    """When its old answer must be gone."""
    stretches: bool = False
    """It keeps answers for longer than their TTL."""
    error: str = ""
    advisory: bool = False
    """Of the public list: not waited for until it has answered once."""
    heard: bool = False


class Propagation(Document):
    """How far the new answer has come."""

    NAME: ClassVar[str] = "propagation"
    ONLY_SHOWN: ClassVar[bool] = True
    expected: str
    """The side that the name shall lead to."""
    wanted: list[str] = []
    """Addresses."""
    rows: list[NameServer] = []


class TtlLowered(Event):
    """The record got its short TTL, or a person was asked to enter it."""

    event: Literal["ttl_lowered"] = "ttl_lowered"
    was: int = 0
    ttl: int = 0
    at: Time | None = None
    change_id: str = ""


class _RecordEvent(Event):
    name: str = ""
    """The public name."""
    before: list[Record] = []
    after: list[Record] = []
    steps: list[int] = []
    change_id: str = ""
    at: Time | None = None


class RecordChanged(_RecordEvent):
    """The name leads to the cloud, or to its first share."""

    event: Literal["record_changed"] = "record_changed"


class RecordShifted(_RecordEvent):
    """The next share of the answers gives the cloud."""

    event: Literal["record_shifted"] = "record_shifted"


class RecordRolledBack(_RecordEvent):
    """The name has the record of before the move again."""

    event: Literal["record_rolled_back"] = "record_rolled_back"


class TtlRestored(_RecordEvent):
    """The record has the TTL of before the move again."""

    event: Literal["ttl_restored"] = "ttl_restored"


class Propagated(Event):
    """Every name server that is waited for gives the new answer."""

    event: Literal["propagated"] = "propagated"
    expected: str
    servers: int
