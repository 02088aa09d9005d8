"""What the checks look at: measured by `preflight/adapters`, judged in this package.

A part that could not be read is None, and `problems` says why in the words of whoever refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from livemove.dns.zone_checks import ZoneFindings
from livemove.model.ports import RecordSet
from livemove.model.spec import MigrationSpec
from livemove.model.time_zones import ServerZones
from livemove.replication.lobs import LobFact


@dataclass(frozen=True)
class TableFact:
    schema: str
    name: str
    engine: str = "InnoDB"
    rows: int = 0
    """The server's estimate."""
    bytes: int = 0
    """The server's estimate, without secondary indexes."""
    has_key: bool = True
    index_bytes: int = 0
    versioned: bool = False
    partitions: int = 0

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class ColumnFact:
    """A column with something that a check looks at; plain ones are not read."""

    table: str
    name: str
    type: str
    charset: str = ""
    default: str = ""
    extra: str = ""
    generated: bool = False

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


@dataclass(frozen=True)
class AccountFact:
    user: str
    host: str
    privileges: frozenset[str] = frozenset()
    """Global privileges, those of its roles too."""


SETTLED = 86400.0
"""Seconds: a server that runs for less has loaded data rather than served users."""


@dataclass(frozen=True)
class Sample:
    """What the server did between two looks, and since it started."""

    seconds: float
    row_events: int
    binlog_bytes: int
    uptime: float = 0.0
    row_events_ever: int = 0
    binlog_bytes_ever: int = 0
    statements: tuple[str, ...] = ()
    """Changes that sessions wrote into the binlog as statements meanwhile."""

    @property
    def row_rate(self) -> float:
        """Row events a second: now, or on the average since the start where that is more and long ago."""
        return max(_rate(self.row_events, self.seconds), self._average(self.row_events_ever))

    @property
    def byte_rate(self) -> float:
        """Bytes of binlog a second, by the same rule."""
        return max(_rate(self.binlog_bytes, self.seconds), self._average(self.binlog_bytes_ever))

    def _average(self, ever: int) -> float:
        return _rate(ever, self.uptime) if self.uptime >= SETTLED else 0.0


def _rate(count: float, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


@dataclass(frozen=True)
class DatabaseFacts:
    """The source database as livemove's own account sees it."""

    variables: Mapping[str, str]
    origins: Mapping[str, str] = field(default_factory=dict)
    """Variable -> where its value comes from: CONFIG, SQL, COMPILE-TIME (MariaDB only)."""
    grants: tuple[str, ...] = ()
    schemas: frozenset[str] = frozenset()
    tables: tuple[TableFact, ...] = ()
    columns: tuple[ColumnFact, ...] = ()
    sequences: tuple[str, ...] = ()
    lobs: tuple[LobFact, ...] = ()
    helped_lobs: tuple[str, ...] = ()
    """LOB columns that are NOT NULL: whichever side follows gets helper triggers for them."""
    updated_beside_lobs: tuple[str, ...] = ()
    """Columns with ON UPDATE in tables with LOBs: it is taken off whichever side follows."""
    zero_dates: Mapping[str, bool | None] = field(default_factory=dict)
    """table.column -> whether a zero date was found; None: not looked for to the end."""
    transactions: tuple[tuple[str, int], ...] = ()
    """(who, seconds) of open transactions."""
    prepared_xa: int = 0
    accounts: tuple[AccountFact, ...] = ()
    login_plugins: tuple[tuple[str, str], ...] = ()
    """(account, authentication plugin) of the application's accounts."""
    known_accounts: frozenset[str] = frozenset()
    """user@host of every account and role of the server."""
    own_grants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Accounts that livemove has made before -> their SHOW GRANTS."""
    definers: tuple[tuple[str, str, str], ...] = ()
    """(kind, schema.name, definer) of triggers, events, routines and views."""
    code_makers: tuple[tuple[str, str], ...] = ()
    """(account, privilege) of the application's accounts that may create routines or views."""
    cascades: tuple[tuple[str, str, str], ...] = ()
    """(table, constraint, rule) of foreign keys that change rows by themselves."""
    foreign_ties: tuple[tuple[str, str, str], ...] = ()
    """(table, constraint, referenced table) of foreign keys that leave the schemas that move."""
    broken_views: tuple[str, ...] = ()
    mentions: tuple[tuple[str, str, str], ...] = ()
    """(kind, schema.name, other schema) of views and stored code that name a schema that does not move."""
    collations: frozenset[str] = frozenset()
    writers: tuple[tuple[str, int], ...] = ()
    """(user, sessions) connected now, livemove's own and the server's left out."""
    replica: bool = False
    unlogged: frozenset[str] = frozenset()
    """Schemas that binlog_do_db or binlog_ignore_db keep out of the binlog."""
    sample: Sample | None = None
    trips: tuple[float, ...] = ()
    """Seconds of small questions, from this worker to the source and back."""
    zones: ServerZones | None = None
    system_zone_events: tuple[str, ...] = ()
    """Events whose recorded zone is SYSTEM."""
    clock_ahead: float | None = None
    """Seconds by which the source's clock is ahead of this worker's."""
    disks: Mapping[str, int] = field(default_factory=dict)
    """Path -> free bytes, where the server's DISKS plugin tells them."""

    def variable(self, name: str) -> str:
        return self.variables.get(name, "")

    @property
    def version(self) -> str:
        return self.variable("version")

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower() or "mariadb" in self.variable("version_comment").lower()

    @property
    def flavour(self) -> str:
        return "MariaDB" if self.is_mariadb else "MySQL"

    @property
    def release(self) -> tuple[int, ...]:
        return release_of(self.version)

    @property
    def bytes(self) -> int:
        return sum(t.bytes + t.index_bytes for t in self.tables)

    @property
    def rows(self) -> int:
        return sum(t.rows for t in self.tables)

    @property
    def trip(self) -> float | None:
        """The shortest of the trips, in seconds: the distance, without the waiting of a busy machine."""
        return min(self.trips, default=None)


def release_of(version: str) -> tuple[int, ...]:
    """(major, minor) of a version text; (0, 0) when there is none."""
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", version)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


@dataclass(frozen=True)
class TargetFacts:
    """The target, if it exists."""

    version: str
    known: bool
    """It has livemove's control row: an earlier run was here."""
    tables: Mapping[str, int] = field(default_factory=dict)
    """Schema that moves -> tables there now."""
    grants: tuple[str, ...] = ()
    collations: frozenset[str] = frozenset()
    """All that this server knows."""


@dataclass(frozen=True)
class Assessment:
    """DMS's own premigration assessment of this service's task."""

    state: str
    """In a person's words; DMS's own status where it has run."""
    offered: bool = True
    failed: tuple[tuple[str, str], ...] = ()
    """(individual assessment, its status) of those that did not pass."""


@dataclass(frozen=True)
class VpnGatewayFact:
    """The virtual private gateway of the spec."""

    state: str
    """AWS's word: pending, available, deleting, deleted."""
    elsewhere: tuple[str, ...] = ()
    """VPCs that it is attached to and that are not this service's."""


@dataclass(frozen=True)
class Facts:
    spec: MigrationSpec
    declared: frozenset[str] = frozenset()
    """Top-level keys that the spec file really has."""
    connections: Mapping[str, str] = field(default_factory=dict)
    """Connection id -> "" or what is wrong with it."""
    endpoint: str = ""
    """The AWS endpoint in use; empty: AWS itself."""
    terraform: str | None = None
    """Version of the Terraform on this worker; None: there is none."""
    records: tuple[RecordSet, ...] | None = None
    zone: ZoneFindings | None = None
    """What the zone's name servers answer; None when not asked, because the record could not be read."""
    database: DatabaseFacts | None = None
    target: TargetFacts | None = None
    """None: not made yet, or not readable (then `problems` says why)."""
    assessment: Assessment | None = None
    vpn: VpnGatewayFact | None = None
    """None: not named in the spec, or not there (or `problems` says why it could not be read)."""
    lob_limit: int | None = None
    """Bytes at which DMS cuts a LOB (limited LOB mode); None: it does not cut."""
    batch_apply: bool = False
    """BatchApplyEnabled of the task settings."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Part -> why it could not be read: "source", "aws", "zone", "target", "vpn"."""
