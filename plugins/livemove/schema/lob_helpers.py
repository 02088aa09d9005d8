"""What a follower needs so that DMS can write LOBs: texts of the helpers. No I/O.

DMS writes a row without its LOBs, NULL in their place, and then the LOBs by a second statement; in CDC in
every LOB mode (https://aws.amazon.com/premiumsupport/knowledge-center/dms-error-null-value-column;
premigration assessment full-lob-not-nullable-at-target). Two things would break on a follower whose tables
are the owner's:

- a LOB column that is NOT NULL refuses the first statement (1048). Relaxing it rebuilds the table when it is
  put back, so two triggers give the column a value until the second statement comes;
- the second statement fires ON UPDATE CURRENT_TIMESTAMP of the row's other columns. It is taken off, which is
  instant both ways.

The helpers are there only while a database follows, and are taken away before it opens.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from livemove.model.ports import Row
from livemove.model.sql_names import qualified, quote
from livemove.schema import objects
from livemove.schema.objects import outside_quotes

PREFIX = "livemove_lob_"
LONGEST_NAME = 64
GEOMETRIES = {
    "geometry": "POINT(0 0)",
    "point": "POINT(0 0)",
    "linestring": "LINESTRING(0 0, 1 1)",
    "polygon": "POLYGON((0 0, 0 1, 1 1, 0 0))",
    "multipoint": "MULTIPOINT(0 0)",
    "multilinestring": "MULTILINESTRING((0 0, 1 1))",
    "multipolygon": "MULTIPOLYGON(((0 0, 0 1, 1 1, 0 0)))",
    "geometrycollection": "GEOMETRYCOLLECTION(POINT(0 0))",
}
LOB_TYPES = ("mediumtext", "longtext", "mediumblob", "longblob", "json", *GEOMETRIES)
"""What DMS takes for LOBs; TEXT is WSTRING to it and BLOB is BYTES(65535), which travel with their row.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html#CHAP_Source.MySQL.DataTypes
"""
ON_UPDATE = re.compile(r" ON UPDATE (?:current_timestamp(?:\(\d*\))?|now\(\d*\))", re.IGNORECASE)
TAIL = re.compile(r" (?:COMMENT '|CHECK \()")


@dataclass(frozen=True)
class Column:
    """One column of a table that has LOBs."""

    schema: str
    table: str
    name: str
    type: str
    nullable: bool
    on_update: bool
    is_json: bool

    @property
    def helped(self) -> bool:
        """A LOB that DMS's first statement must find a value for."""
        return self.type in LOB_TYPES and not self.nullable

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"


Place = tuple[str, str, str]
"""Schema, table, column."""


def columns(rows: Iterable[Row], tables: Container[tuple[str, str]], json: Container[Place]) -> list[Column]:
    """From schema/list_lob_tables.sql: the columns of those base `tables` that have a LOB."""
    found = [
        Column(
            r["schema"],
            r["table"],
            r["name"],
            r["type"],
            bool(r["nullable"]),
            bool(r["on_update"]),
            (r["schema"], r["table"], r["name"]) in json,
        )
        for r in rows
    ]
    with_lobs = {(c.schema, c.table) for c in found if c.type in LOB_TYPES}
    return [c for c in found if (c.schema, c.table) in with_lobs and (c.schema, c.table) in tables]


@dataclass(frozen=True)
class Helper:
    """One trigger of a follower."""

    schema: str
    name: str
    table: str
    when: str
    body: str

    @property
    def create(self) -> str:
        where = qualified(self.schema, self.name)
        table = qualified(self.schema, self.table)
        return f"CREATE TRIGGER {where} BEFORE {self.when} ON {table} FOR EACH ROW {self.body}"

    @property
    def drop(self) -> str:
        return f"DROP TRIGGER IF EXISTS {qualified(self.schema, self.name)}"


def helpers(found: Iterable[Column]) -> list[Helper]:
    """Two triggers for each table with a LOB column that is NOT NULL."""
    tables: dict[tuple[str, str], list[Column]] = {}
    for c in found:
        if c.helped:
            tables.setdefault((c.schema, c.table), []).append(c)
    out = []
    for (schema, table), lobs in tables.items():
        for when, otherwise in (("INSERT", _value), ("UPDATE", _old)):
            sets = ", ".join(
                f"NEW.{quote(c.name)} = IFNULL(NEW.{quote(c.name)}, {otherwise(c)})" for c in lobs
            )
            out.append(Helper(schema, _name(when, table), table, when, f"SET {sets}"))
    return out


def _name(when: str, table: str) -> str:
    """Unique in its schema, and no longer than a name may be."""
    name = f"{PREFIX}{when.lower()}_{table}"
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}_{digest}"


def _value(c: Column) -> str:
    """What stands in a LOB between the two statements."""
    if c.type in GEOMETRIES:
        return f"ST_GeomFromText('{GEOMETRIES[c.type]}')"
    return "'null'" if c.is_json or c.type == "json" else "''"


def _old(c: Column) -> str:
    return f"OLD.{quote(c.name)}"


def restored(table: objects.Table, kept: Mapping[str, str]) -> objects.Table:
    """The follower's table as it will be as the owner; `kept`: what was taken off, by column."""
    return replace(
        table,
        elements=tuple(
            replace(e, text=with_on_update(e.text, kept[e.name]))
            if e.kind is objects.Kind.COLUMN and e.name in kept
            else e
            for e in table.elements
        ),
    )


def without_on_update(definition: str) -> str:
    """A column's text without ON UPDATE CURRENT_TIMESTAMP."""
    return outside_quotes(lambda s: ON_UPDATE.sub("", s), definition)


def with_on_update(now: str, kept: str) -> str:
    """The column's text with its ON UPDATE: as it was kept, or put into what DDL made of it since."""
    if without_on_update(kept) == now or now == kept:
        return kept
    clause = ON_UPDATE.search(kept)
    if clause is None or ON_UPDATE.search(now):
        return now
    tail = TAIL.search(now)
    at = tail.start() if tail else len(now)
    return now[:at] + clause.group() + now[at:]
