"""Documents and events of replication: the full load, DMS's tables, watermarks."""

from __future__ import annotations

from typing import ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Part, Time


class LoadedTable(Part):
    table: str
    rows: int


class FullLoad(Document):
    """The full load when it was over."""

    NAME: ClassVar[str] = "full_load"
    ONLY_SHOWN: ClassVar[bool] = True
    rows: int
    seconds: float
    """By DMS's own clock where it tells."""
    tables: list[LoadedTable] = []


class LoadingTable(Part):
    table: str
    state: str
    """In DMS's words."""
    rows: int
    of: int | None = None
    """The source's estimate."""


class LoadPoint(Part):
    t: float
    """Seconds since 1970."""
    rows: int


class Loading(Document):
    """The full load under way."""

    NAME: ClassVar[str] = "trail/loading"
    ONLY_SHOWN: ClassVar[bool] = True
    rows: int
    percent: int
    tables_done: int
    tables_total: int | None = None
    rate: float | None = None
    """Rows per second."""
    seconds_left: float | None = None
    at: float
    """Seconds since 1970."""
    tables: list[LoadingTable] = []
    points: list[LoadPoint] = []


class DelayPoint(Part):
    t: float
    """Seconds since 1970, when it arrived."""
    ms: int


class Delays(Document):
    """How long watermark rows took from owner to follower."""

    NAME: ClassVar[str] = "trail/delay"
    ONLY_SHOWN: ClassVar[bool] = True
    points: list[DelayPoint] = []


class TableStates(Document):
    """DMS's own validation when it was over."""

    NAME: ClassVar[str] = "table_states"
    ONLY_SHOWN: ClassVar[bool] = True
    link: str
    tables: int
    undelivered: int
    """Captured changes that were not applied."""
    validation: dict[str, int] = {}
    """Tables by DMS's word."""
    checked_at: Time


class ReplicationPrepared(Event):
    """Endpoints and task of a link are made and tested."""

    event: Literal["replication_prepared"] = "replication_prepared"
    link: str


class ReplicationStarted(Event):
    """A replication task was started or resumed."""

    event: Literal["replication_started"] = "replication_started"
    link: str
    was: str = ""
    """Its state before."""
    words: str = ""
    """What DMS said of that state."""


class ReplicationDeleted(Event):
    """All tasks, endpoints and secrets of the service are gone."""

    event: Literal["replication_deleted"] = "replication_deleted"
    links: list[str] = []


class CaughtUp(Event):
    """Watermark rows arrived fast enough, several times in a row."""

    event: Literal["caught_up"] = "caught_up"
    round_trips: list[float]
    """Seconds."""
