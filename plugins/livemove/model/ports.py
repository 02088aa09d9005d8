"""The outside world as the core sees it: one Protocol per kind of thing, and the values they speak in.

Real ones live in each room's adapters, in-memory ones in `tests/doubles`. Times are aware datetimes in UTC,
durations are seconds, positions are `file:offset` of a binlog.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from livemove.model.ledger import Contents, Document, Event, Loaded, PassState
from livemove.model.spec import Side

Json = dict[str, Any]
"""What comes from outside or goes to Airflow: an AWS answer, an XCom, the state of a wait."""
Row = dict[str, Any]
"""One row of a result: values by the names of their columns, lower case."""


class Clock(Protocol):
    def now(self) -> datetime: ...
    def monotonic(self) -> float:
        """Seconds by a clock that nobody sets: for limits of time."""

    def sleep(self, seconds: float) -> None: ...


class Ledger(Protocol):
    """What happened, kept outside XCom. It keeps records and never decides which database is the owner."""

    def load[D: Document](self, kind: type[D], **keys: object) -> D | None:
        """The document written last under these keys, or None; UnreadableError when it is damaged."""

    def load_all[D: Document](self, kind: type[D], **keys: object) -> Loaded[D]:
        """All documents of a kind whose names have these first keys, and what was left out."""

    def save(self, document: Document) -> None: ...
    def note(self, event: Event) -> None:
        """Add one event; the adapter fills in time, run, task and DAG."""

    def snapshot(self, *kinds: type[Document]) -> Contents:
        """All events, and all documents or those of these kinds, and what was left out."""

    def put_file(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> str:
        """Keep a file beside the ledger; returns its s3:// address."""

    def get_file(self, name: str) -> bytes | None: ...


class CheckpointStore(Protocol):
    """What a long comparison leaves behind, to go on from."""

    def read(self) -> PassState | None: ...
    def write(self, state: PassState) -> None: ...


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
    restart: bool = False
    """Whether the remedy takes effect only after a restart of the source."""


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
    """True once every table is loaded and the task rests at its first stop, or has gone on from there."""
    full_load_seconds: float | None = None
    """How long the full load took, by DMS's own clock; None before its end."""
    started_from: str = ""
    """The binlog position given at the task's first start; empty when it began with a full load."""


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
    loaded: bool = True
    """False until the table's full load has ended, also when it failed."""
    pending: int = 0
    """Records that wait for DMS's validation."""
    failed: int = 0
    """Records that DMS found to differ."""
    validation: str = ""
    message: str = ""

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


class Replicator(Protocol):
    """A replication engine, with one task for each link. Every method may be called twice.

    The port has the shape of DMS today: its states, its states of tables. The switchover needs this of any
    engine:

    - It writes with the `applier` of its link only, a login of that direction and epoch. control_helpers.sql
      locks that login and ends its sessions; step 4 (drain) takes other sessions for a restart, so one stays
      logged in while the task runs.
    - When the second of two watermarks is in the follower, so is all that was written before the first.
    - Of schema `livemove` it copies the watermark table of its direction, nothing else.
    - After a full load it stops before it applies the changes that came meanwhile, and again after them:
      indexes are made at the first stop, foreign keys at the second.
    - A later epoch begins at a binlog position, without a load.
    """

    def prepare(self, link: Link, *, full_load: bool, reader: Json, applier: Json) -> None:
        """Create secrets, endpoints and task of this link and test both connections.

        reader, applier: {"username", "password", "host", "port"}. ReplicationError in DMS's words when a test
        fails.
        """

    def start(self, link: Link, *, position: str | None = None) -> None:
        """Start, or resume if it ran before; `position` is where CDC begins the first time (no full load)."""

    def status(self, link: Link) -> ReplicationStatus: ...
    def tables(self, link: Link) -> list[TableProgress]: ...
    def stop(self, link: Link) -> None:
        """Stop and wait until stopped; nothing to do when absent, never started, stopped or failed."""

    def delete(self, link: Link) -> None:
        """Stop, then delete task, endpoints and secrets of this link, and wait until they are gone."""

    def reload(self, link: Link, tables: Sequence[tuple[str, str]]) -> None:
        """Load these (schema, table) again while the task runs; ReplicationError when DMS refuses."""

    def diagnostics(self, link: Link) -> Json:
        """Diagnostics of DMS; nothing is decided by them.

        "failures": texts of its events since the task was made, None when unreadable; "latency": seconds by
        metric.
        """

    def links(self) -> list[Link]:
        """Links of this service that have a task or an endpoint now."""


@dataclass(frozen=True)
class RecordSet:
    """One DNS record set: simple when `set_id` and `routing` are empty, else as Route 53 routes it."""

    name: str
    type: str
    ttl: int
    """Seconds; 0 for an alias."""
    values: tuple[str, ...]
    set_id: str = ""
    """SetIdentifier of a routed set."""
    weight: int | None = None
    """0 to 255, of a weighted set."""
    health_check: str = ""
    """HealthCheckId."""
    routing: str = ""
    """What else the provider keeps (alias, region, failover ...) as sorted JSON, to be restored."""


class Zone(Protocol):
    """The zone's provider: Route 53, a primary that takes RFC 2136 updates, or a person at a panel."""

    provider: str
    """For people, for example "Route 53"."""
    weights: bool
    """Whether it can answer by weights."""
    by_hand: bool
    """A person makes the change; `in_sync` tells when the authorities serve it."""

    def records(self, name: str) -> list[RecordSet]:
        """All record sets of this exact name; DnsError when the zone is not there."""

    def pointing_at(self, addresses: Collection[str]) -> list[RecordSet] | None:
        """Address records of the zone with one of these values; None when the zone cannot be listed."""

    def change(self, before: Sequence[RecordSet], after: Sequence[RecordSet]) -> str:
        """Replace `before` by `after` in one change; returns the change's id, the same when called twice.

        Nothing is done when `after` is there already; StaleApprovalError when neither does.
        """

    def in_sync(self, change_id: str) -> bool:
        """Whether all authorities of the zone serve that change; says nothing about caches."""

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
    authoritative: bool = False
    """The server speaks for the zone (AA)."""
    signed: bool = False
    """A signature (RRSIG) came with it."""


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
        """Run in the login directory; any exit code is returned, UnreachableError when not delivered."""

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
        """Apply exactly that plan; StaleApprovalError when it is gone or stale."""

    def outputs(self) -> Json: ...


@dataclass(frozen=True)
class Reply:
    """What a server said to one livemove-server verb."""

    server: str
    ok: bool
    message: str = ""
    facts: Json = field(default_factory=dict)


Progress = Callable[[str], None]


class ControlState(StrEnum):
    """What a database is for, as its own control row says (docs: the switchover protocol)."""

    OPEN = "OPEN"
    """Owner: the application is in, the replicator is out."""
    FENCED = "FENCED"
    """Owner, closed under a lease."""
    CEDED = "CEDED"
    """Given away, not yet following."""
    FOLLOW = "FOLLOW"
    """The replicator of this epoch writes, the application is out."""
    CLAIMED = "CLAIMED"
    """The next owner; nobody is in."""


@dataclass(frozen=True)
class ControlRow:
    """One database's control row, as it was when it was read."""

    side: Side
    state: ControlState
    epoch: int
    attempt: str = ""
    position: str = ""
    """file:offset of this database's binlog from which reverse replication of this epoch reads."""
    seconds_left: float | None = None
    """Of the lease; negative when it ran out and the switch has not ticked yet."""
    heartbeat_age: float | None = None
    """Seconds since the dead-man's switch ticked."""
    armed_ago: float | None = None
    """Seconds since the last fence of this database began."""
    promoted: bool = False
    """It became the owner without the old owner's word; the old one may hold writes that it never got."""

    def __str__(self) -> str:
        return f"{self.side} {self.state}@{self.epoch}"


class Answered(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    BUSY = "busy"


@dataclass(frozen=True)
class Outcome:
    """What a guarded procedure answered, and the row as it was afterwards."""

    answered: Answered
    state: ControlState
    epoch: int
    attempt: str = ""
    remaining: int = 0
    """Sessions that were still there."""
    seconds_left: float | None = None

    @property
    def done(self) -> bool:
        return self.answered is Answered.DONE


@dataclass(frozen=True)
class SwitchHealth:
    """What the guards ask of one database before anything is fenced."""

    durable: bool
    event_scheduler: bool
    heartbeat_age: float | None
    long_transactions: tuple[str, ...] = ()
    """Transactions and statements that run for too long, as text."""
    prepared_xa: int = 0
    uptime: float | None = None
    """Seconds since the server was started."""


@dataclass(frozen=True)
class Binlogs:
    """The binlogs that a database has, and how long it keeps one that is no longer written."""

    files: tuple[str, ...]
    """Oldest first."""
    keeps: float | None
    """Seconds; None: for ever, 0: it may go as soon as the next one begins."""


@dataclass(frozen=True)
class Mark:
    """One watermark row as its writer has it."""

    stream: str
    number: int
    at: float
    """Seconds since 1970, by the clock of the database that wrote it."""


@dataclass(frozen=True)
class Newest:
    """The newest watermark of one direction that a database has."""

    written_at: datetime
    """By the clock of the server that wrote it."""
    ago: float
    """Seconds, by the clock of the server that has it."""


class ControlDb(Protocol):
    """One database's control row and the acts that it guards. Every method may be called twice.

    Numbers are the steps of the protocol. UnreachableError says that the outcome is not known.
    """

    side: Side

    def ping(self) -> None:
        """A question about nothing, to see how far away the database is."""

    def read(self) -> ControlRow: ...
    def health(self, longest: float) -> SwitchHealth:
        """`longest`: seconds that a transaction may be open."""

    def arm(self, epoch: int, attempt: str, lease: float) -> Outcome:
        """2: OPEN@epoch -> FENCED, for `lease` seconds."""

    def close(self, epoch: int, attempt: str) -> Outcome:
        """3: shut the application out; `remaining` sessions were still seen."""

    def lift(self, epoch: int, attempt: str) -> Outcome:
        """A: the fence of this attempt -> OPEN, and the application is let in."""

    def cede(self, epoch: int, attempt: str, margin: float) -> Outcome:
        """6, the commit: FENCED@epoch -> CEDED@epoch+1, refused with less than `margin` seconds of lease."""

    def claim(self, epoch: int) -> Outcome:
        """7: FOLLOW@epoch-1 -> CLAIMED@epoch, replicator shut out; `remaining` of its sessions were seen."""

    def while_in(self, state: ControlState, epoch: int, work: Callable[[], None]) -> Outcome:
        """Do `work` (DDL) under the lock of the row, only while it says so (8, 12)."""

    def set_position(self, epoch: int, position: str) -> Outcome:
        """8: written once per epoch, while CLAIMED."""

    def open(self, epoch: int) -> Outcome:
        """9: CLAIMED@epoch with a position -> OPEN, then accounts, then events."""

    def follow(self, epoch: int) -> Outcome:
        """12: CEDED@epoch -> FOLLOW; the replicator's account of this epoch opens."""

    def promote(self, epoch: int, token: str) -> Outcome:
        """FOLLOW@epoch -> CLAIMED@epoch+1 without the owner's commit, for good; `token` marks who did it."""

    def abandon(self, epoch: int) -> Outcome:
        """OPEN or FENCED@epoch -> CEDED@epoch+1 on an owner that came back later; returns `remaining`."""

    def allow_test(self, epoch: int, seconds: int) -> Outcome:
        """Before the gate: the account of epoch+1 may log in for `seconds`; 0 ends it."""

    def ask_hold(self, epoch: int, seconds: float) -> Outcome:
        """Step 1, on the follower: servers armed for it hold requests so long; 0 ends the hold (step A)."""

    def held(self, epoch: int) -> dict[str, bool]:
        """Servers armed for `epoch` that answered: True if they hold requests, False if holding failed."""

    def sleeping_events(self) -> list[Row]:
        """Application events to come alive when this database opens: event_schema, event_name, definer."""

    def put_events(self, events: Sequence[Row]) -> None:
        """Add to that list, never replace it. Call within `while_in`."""

    def write_watermark(self, reads: Side, stream: str, number: int) -> None: ...
    def has_watermark(self, reads: Side, stream: str, number: int) -> bool: ...
    def watermarks(self, reads: Side) -> list[Mark]:
        """All rows of that direction that are here."""

    def binlogs(self) -> Binlogs: ...
    def unfenced_writers(self) -> list[str]:
        """Who is logged in or holds rights past the fence, and may write, but is not fenced; as text."""

    def undisablable_events(self) -> list[str]:
        """Application events that cannot be disabled: another account's, on a server without SUPER."""

    def newest_watermark(self, reads: Side) -> Newest | None:
        """Of the direction away from `reads`; the OPEN side writes one every 5 s."""

    def replicator_sessions(self, epoch: int) -> frozenset[int]:
        """The incarnation: connection ids of the replicator of this epoch."""

    def binlog_position(self) -> str: ...
    def touched_since(self, position: str) -> list[str]:
        """What the binlog holds after `position` that is not livemove's own or the server's own."""


class SchemaCode(Protocol):
    """Triggers, events and counters of the application's schemas, as DDL.

    `wake` and `sleep` are called within `while_in` of the database that they change, and change it by the
    session that holds the lock there: an attempt that slept for longer than that session lives changes
    nothing.
    """

    def ready(self, owner: Side) -> None:
        """Read what `wake` will create, before the fence."""

    def wake(self, owner: Side, follower: Side | None) -> None:
        """On the next owner: take a follower's helpers away, raise counters past the old owner's, create
        triggers and disabled events."""

    def events_to_wake(self, owner: Side) -> list[Row]:
        """Events that were enabled, as the ledger knows them: for when the old owner cannot be asked."""

    def awake(self, side: Side) -> list[str]:
        """Triggers that are there and events that are enabled, as text; a follower must have none."""

    def changed(self, owner: Side) -> list[str]:
        """DDL on the owner since both sides were last seen to be equal, as text."""

    def sleep(self, follower: Side) -> None:
        """Keep the triggers' DDL in the ledger, then drop them from the follower; then `help` it."""

    def help(self, follower: Side) -> None:
        """Make what the follower needs for LOBs, and lacks; within `while_in`. `wake` takes it away."""


class FinalCheckPort(Protocol):
    """The final check inside the fence: small and keyless tables whole, of others the rows changed since."""

    def ready(self) -> None:
        """Connect and read the shapes, before the fence."""

    def differences(self, seconds: float) -> list[str]:
        """What differs, as text; nobody writes meanwhile."""

    def covered(self) -> str:
        """What the last `differences` covered, and of what it did not, why; as text."""

    def definitions(self, side: Side) -> Mapping[str, str]:
        """A digest of each table's columns and keys there, by schema.table."""

    def unlike(self, owner: Side) -> list[str]:
        """Tables of the owner whose rows the other side cannot hold as they are, as text."""


class AppServers(Protocol):
    """All servers of both sites, called in parallel with a time limit; one that fails is a Reply not ok."""

    def status(self, watching: Side | None = None) -> list[Reply]:
        """facts: "epoch", "site", "reached"; with `watching`, "watch": "ready" when a waiter could watch that
        side's row, else why not, and "probe_ms": how long the probe took."""

    def arm(self, epoch: int, to: Side, seconds: float) -> list[Reply]:
        """Leave a waiter on each server that repoints it when `to` is OPEN@epoch; ok: it watches the row now.

        It ends after `seconds`, and by `release`, `repoint` and a newer `arm`.
        """

    def hold(self, seconds: float, servers: Collection[str]) -> list[Reply]:
        """Tell these servers, by name, to let requests wait."""

    def release(self) -> list[Reply]:
        """Requests go on; waiters end."""

    def repoint(self, epoch: int, to: Side) -> list[Reply]:
        """Tell all; one that has moved by itself only proves it again."""

    def jobs_off(self) -> list[Reply]: ...
    def jobs_on(self, owner: Side) -> list[Reply]:
        """On the servers of the owner's site."""

    def stop(self) -> list[Reply]: ...
