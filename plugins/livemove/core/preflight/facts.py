"""What the checks look at: measured by `adapters.preflight`, judged in this package.

A part that could not be read is None, and `problems` says why in the words of whoever refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from livemove.core.survey import Verdict
from livemove.ports import RecordSet
from livemove.spec import MigrationSpec


@dataclass(frozen=True)
class TableFact:
    schema: str
    name: str
    engine: str = "InnoDB"
    rows: int = 0
    """The server's estimate."""
    bytes: int = 0
    has_key: bool = True

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class LobFact:
    table: str
    column: str
    longest: int | None
    """Bytes; None when measuring took too long."""


@dataclass(frozen=True)
class AccountFact:
    user: str
    host: str
    privileges: frozenset[str] = frozenset()
    """Global privileges."""


@dataclass(frozen=True)
class DatabaseFacts:
    """The source database as livemove's own account sees it."""

    variables: Mapping[str, str]
    grants: tuple[str, ...] = ()
    schemas: frozenset[str] = frozenset()
    tables: tuple[TableFact, ...] = ()
    lobs: tuple[LobFact, ...] = ()
    transactions: tuple[tuple[str, int], ...] = ()
    """(who, seconds) of open transactions."""
    prepared_xa: int = 0
    accounts: tuple[AccountFact, ...] = ()
    definers: tuple[tuple[str, str, str], ...] = ()
    """(kind, schema.name, definer) of triggers, events, routines and views."""
    cascades: tuple[tuple[str, str, str], ...] = ()
    """(table, constraint, rule) of foreign keys that change rows by themselves."""
    collations: frozenset[str] = frozenset()
    writers: tuple[tuple[str, int], ...] = ()
    """(user, sessions) connected now, livemove's own and the server's left out."""
    replica: bool = False

    def variable(self, name: str) -> str:
        return self.variables.get(name, "")

    @property
    def version(self) -> str:
        return self.variable("version")

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower() or "mariadb" in self.variable("version_comment").lower()

    @property
    def release(self) -> tuple[int, ...]:
        return release_of(self.version)


def release_of(version: str) -> tuple[int, ...]:
    """(major, minor) of a version text; (0, 0) when there is none."""
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)", version)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


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
    terraform_wanted: str = ">= 1.10"
    records: tuple[RecordSet, ...] | None = None
    zone: Verdict | None = None
    """What the zone's authorities say about the move; None: not asked, because the record could not be read."""
    database: DatabaseFacts | None = None
    lob_limit: int | None = None
    """Bytes at which DMS cuts a LOB (limited LOB mode); None: it does not cut."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Part -> why it could not be read: "source", "aws", "zone"."""
