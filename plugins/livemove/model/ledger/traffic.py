"""Documents and events of the time in which both sites serve."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Part, Time


class SiteCounts(Part):
    """What the servers of one site answered; None where one of them does not tell."""

    requests: float | None = None
    errors: float | None = None
    seconds: float | None = None


class TrafficPoint(Part):
    t: float
    """Seconds since 1970."""
    s: float
    """Seconds that it covers."""
    behind: float | None = None
    """Seconds by which the follower is behind."""
    source: SiteCounts | None = None
    target: SiteCounts | None = None


class Traffic(Document):
    """Requests of both sites over time."""

    NAME: ClassVar[str] = "trail/traffic"
    ONLY_SHOWN: ClassVar[bool] = True
    at: float
    """Seconds since 1970."""
    counts: dict[str, SiteCounts] = {}
    """By server, as it counts."""
    points: list[TrafficPoint] = []


class Baseline(Document):
    """What was normal before the name moved."""

    NAME: ClassVar[str] = "baseline"
    requests: int = 0
    rate: float | None = None
    """Requests per second."""
    errors: float | None = None
    """Share of failed requests."""
    latency: float | None = None
    """Seconds."""
    load: float | None = None
    """Statements that the owner runs at once."""
    seconds: float = 0.0


class WatchLook(Document):
    """The newest look while both sites serve."""

    NAME: ClassVar[str] = "dns/watch"
    ONLY_SHOWN: ClassVar[bool] = True
    breach: list[str] = []
    message: str = ""
    at: Time


class Breach(Document):
    """The last time that the watch found the budget broken, and what was done."""

    NAME: ClassVar[str] = "dns/breach"
    at: Time
    share: int
    """Percent of the answers that gave the cloud."""
    reasons: list[str]
    watched: str = ""
    restored_at: Time | None = None
    restored_ms: int | None = None
    not_restored: str | None = None
    """Why the record stays."""
    record: Any = None
    """The record after it went back."""
    message: str | None = None


class Drain(Document):
    """How empty the old site is."""

    NAME: ClassVar[str] = "drain"
    ONLY_SHOWN: ClassVar[bool] = True
    message: str
    share: float | None = None
    """Of the old site in all requests."""
    rates: dict[str, float] = {}
    """Requests per second by server."""
    seconds: float = 0.0
    """That the share covers."""
    at: Time | None = None
    done: bool = False


class BreachSeen(Event):
    """The budget of the watch was broken."""

    event: Literal["breach"] = "breach"
    at: Time | None = None
    share: int = 0
    reasons: list[str] = []
    watched: str = ""
    restored_at: Time | None = None
    restored_ms: int | None = None
    not_restored: str | None = None
    record: Any = None
    message: str | None = None


class Shifted(Event):
    """Every step of the shift was clean."""

    event: Literal["shifted"] = "shifted"
    share: int | None = None
    watched: str = ""


class Drained(Event):
    """The old site is empty of users."""

    event: Literal["drained"] = "drained"
    share: float | None = None
    seconds: float = 0.0
