"""Documents and events of the schema: definitions, stored code, parity."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import AliasChoices, Field

from livemove.model.ledger.base import Document, Event, Part
from livemove.model.spec import Side


class CodeObject(Part):
    """A trigger, an event, a routine or a view, as it was recorded."""

    kind: str
    schema_name: str = Field(
        validation_alias=AliasChoices("schema", "schema_name"), serialization_alias="schema"
    )
    name: str
    sql: str
    """Its CREATE statement."""
    sql_mode: str = ""
    charset: str = "utf8mb4"
    """Of the client that created it."""
    collation: str = ""
    database_collation: str = ""
    time_zone: str = ""
    """Of an event, as its server has it: a name, an offset, or SYSTEM."""
    system_zone: str = ""
    """What SYSTEM meant on that server, by a name or an offset; empty for anything else."""
    table: str = ""
    """Of a trigger."""
    status: str = ""
    """Of an event: ENABLED, DISABLED or SLAVESIDE_DISABLED."""

    @property
    def place(self) -> tuple[str, str]:
        return self.schema_name, self.name

    @property
    def full_name(self) -> str:
        return f"{self.schema_name}.{self.name}"

    @property
    def label(self) -> str:
        return f"{self.kind.lower()} {self.full_name}"


class ApplicationCode(Part):
    """Triggers and events of the application."""

    triggers: list[CodeObject] = []
    """In the order in which they fire."""
    events: list[CodeObject] = []


class StoredCode(ApplicationCode, Document):
    """Triggers and events of the application as this side had them when it last was the owner."""

    NAME: ClassVar[str] = "schema/{side}"
    side: Side


class Definers(Document):
    """What became of the definers of stored code on the target."""

    NAME: ClassVar[str] = "schema/definers"
    definers: Any = None


class Definitions(Document):
    """Digests of a side's definitions when both sides were last seen to have the same."""

    NAME: ClassVar[str] = "definitions/{side}"
    side: Side
    objects: dict[str, str]
    """Digest by kind and name."""
    kept_at: str
    """UTC, to the second."""
    changed: list[str] = []
    """DDL since then, as text."""


class Parity(Document):
    """How the definitions of both sides compare."""

    NAME: ClassVar[str] = "parity"
    ONLY_SHOWN: ClassVar[bool] = True
    counts: dict[str, int] = {}
    """Objects of each category."""
    unexplained: list[str] = []
    explained: list[dict[str, Any]] = []
    """category, subject, kind, source, target, explanation; at most 500."""


class SchemaCarried(Event):
    """One phase of the schema was created on the target; counts by phase."""

    event: Literal["schema_carried"] = "schema_carried"
    phase: str
    created: int | None = None
    triggers_proved: int | None = None
    stood: int | None = None
    sequences: int | None = None
    index_statements: int | None = None
    foreign_key_statements: int | None = None
    routines: int | None = None
    routines_created: int | None = None
    views_created: int | None = None
    events_created: int | None = None
    lob_helpers: int | None = None


class DdlSeen(Event):
    """DDL on the owner since its definitions were kept."""

    event: Literal["ddl"] = "ddl"
    side: Side
    objects: list[str]
    """At most 50."""
