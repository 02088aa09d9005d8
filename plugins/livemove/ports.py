"""The outside world as the core sees it: one Protocol per kind of thing, and the values they speak in.

Real ones live in `livemove.adapters`, in-memory ones in `tests/doubles`. Times are aware datetimes in UTC,
durations are seconds, positions are `file:offset` of a binlog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from livemove.spec import Side

Json = dict[str, Any]


class Clock(Protocol):
    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


class Ledger(Protocol):
    """What happened, kept outside XCom. It tells; it never decides who owns the writes."""

    def read(self, name: str) -> Json | None:
        """The document written last under this name, or None."""

    def write(self, name: str, document: Json) -> None: ...
    def documents(self, prefix: str = "") -> list[str]:
        """Names of all documents that begin with `prefix`, sorted."""

    def note(self, event: str, **facts: Any) -> None:
        """Append one event; the adapter adds time, run id and task id."""

    def events(self) -> list[Json]:
        """All events, oldest first."""

    def put_file(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> str:
        """Keep a file beside the ledger; returns its s3:// address."""

    def get_file(self, name: str) -> bytes | None: ...


class Severity(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was measured, what the limit is, what to do."""

    check: str
    severity: Severity
    measured: str
    limit: str = ""
    remedy: str = ""
    subject: str = ""


class Database(Protocol):
    """One MariaDB/MySQL server, with a login of livemove's own."""

    side: Side

    def rows(self, sql: str, args: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Json]:
        """Result rows as dicts keyed by the column names, lower case."""

    def one(self, sql: str, args: Sequence[Any] | Mapping[str, Any] | None = None) -> Json:
        """The only row; UnreachableError when the server is gone, LookupError when there is no row."""

    def run(self, sql: str, args: Sequence[Any] | Mapping[str, Any] | None = None) -> int:
        """Execute one statement (autocommit); returns the number of rows it touched."""

    def script(self, sql: str) -> None:
        """Execute a file of statements; DELIMITER lines are understood."""


@dataclass(frozen=True)
class Link:
    """One direction of replication in one epoch: rows go from `reads` to `writes`."""

    service: str
    epoch: int
    reads: Side

    @property
    def writes(self) -> Side:
        return self.reads.other

    @property
    def name(self) -> str:
        return f"{self.service.replace('_', '-')}-e{self.epoch}-{self.reads}-to-{self.writes}"


class TaskState(StrEnum):
    """Status of a DMS replication task.

    https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html
    """

    ABSENT = "absent"
    CREATING = "creating"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    MODIFYING = "modifying"
    DELETING = "deleting"
    FAILED = "failed"


@dataclass(frozen=True)
class ReplicationStatus:
    state: TaskState
    stop_reason: str = ""
    failure: str = ""
    checkpoint: str = ""
    full_load_percent: int = 0
    full_load_done: bool = False
    """True once every table's full load is finished and cached changes are applied."""


@dataclass(frozen=True)
class TableProgress:
    schema: str
    table: str
    state: str
    full_load_rows: int = 0
    full_load_errors: int = 0
    inserts: int = 0
    updates: int = 0
    deletes: int = 0
    applied: int = 0
    validation: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


class Replicator(Protocol):
    """DMS, as one replication task per link. Every method may be called twice."""

    def prepare(self, link: Link, *, full_load: bool, reader: Json, applier: Json) -> None:
        """Create secrets, endpoints and task of this link and test both connections.

        reader, applier: {"username", "password", "host", "port"}. ReplicationError in DMS's words when a test fails.
        """

    def start(self, link: Link, *, position: str | None = None) -> None:
        """Start, or resume if it ran before; `position` is where CDC begins the first time (no full load)."""

    def status(self, link: Link) -> ReplicationStatus: ...
    def tables(self, link: Link) -> list[TableProgress]: ...
    def stop(self, link: Link) -> None:
        """Stop and wait until stopped; nothing to do when absent, never started, stopped or failed."""

    def delete(self, link: Link) -> None:
        """Stop, then delete task, endpoints and secrets of this link, and wait until they are gone."""

    def links(self) -> list[Link]:
        """Links of this service that have a task or an endpoint now."""


@dataclass(frozen=True)
class RecordSet:
    """One DNS record set. `weights` is empty for a simple one."""

    name: str
    type: str
    ttl: int
    values: tuple[str, ...]


class Zone(Protocol):
    """The provider that holds the zone: Route 53."""

    def records(self, name: str) -> list[RecordSet]:
        """All record sets of this exact name; DnsError when the zone is not there."""

    def change(self, before: RecordSet, after: RecordSet) -> str:
        """UPSERT `after`; WorldMovedError when the live set is not `before`. Returns the change's id."""

    def in_sync(self, change_id: str) -> bool: ...
    def authorities(self) -> list[str]:
        """Addresses of the zone's name servers, as address or address@port."""


@dataclass(frozen=True)
class Answer:
    """What one name server said: addresses and remaining TTL, or an error and no addresses."""

    server: str
    addresses: tuple[str, ...]
    ttl: int
    asked_at: datetime
    error: str = ""


class Resolvers(Protocol):
    def ask(self, server: str, name: str, type: str = "A", *, recurse: bool = True) -> Answer: ...


@dataclass(frozen=True)
class CommandResult:
    exit_code: int
    stdout: str
    stderr: str


class Host(Protocol):
    """One server on which livemove runs commands: over SSH in the IDC, over SSM on AWS."""

    name: str
    site: Side
    address: str

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        """Run in the login directory; never raises on a non-zero exit, UnreachableError when not delivered."""

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Place a file atomically. Content that holds secrets never becomes part of a logged command."""


@dataclass(frozen=True)
class PlanSummary:
    """A Terraform plan as a person may see it: addresses and actions, never values."""

    digest: str
    changes: tuple[tuple[str, str], ...]
    """(action, address), for example ("create", "module.web.aws_instance.web[0]")."""
    drift: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        out: dict[str, int] = {}
        for action, _ in self.changes:
            out[action] = out.get(action, 0) + 1
        return out


class Infra(Protocol):
    """Terraform with state and plans in S3."""

    def plan(self, variables: Json) -> PlanSummary:
        """Make a plan, keep it in S3 under its digest, return what it would do."""

    def apply(self, digest: str) -> None:
        """Apply exactly that plan; WorldMovedError when it is gone or stale."""

    def outputs(self) -> Json: ...


@dataclass(frozen=True)
class Reply:
    """What a server said to one livemove-server verb."""

    server: str
    ok: bool
    message: str = ""
    facts: Json = field(default_factory=dict)


Progress = Callable[[str], None]
