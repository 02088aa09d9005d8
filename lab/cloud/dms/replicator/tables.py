"""The selected tables as both servers describe them, and how a full load carries each column byte exact."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lab.cloud.dms.replicator.failure import Failed
from lab.cloud.dms.replicator.selection import Selection
from lab.cloud.dms.replicator.source import fetch

Key = tuple[str, str]


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def full(key: Key) -> str:
    return f"{quote(key[0])}.{quote(key[1])}"


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    generated: bool
    counted: bool = False
    """AUTO_INCREMENT."""
    charset: str | None = None

    @property
    def select(self) -> str:
        """An expression whose text, or bytes, says exactly what is stored."""
        if self.type == "float":
            return f"CAST({quote(self.name)} AS DOUBLE)"
        if self.type in ("enum", "set"):
            # by number: the label '' and the invalid value '' look the same
            return f"CAST({quote(self.name)} AS UNSIGNED)"
        return quote(self.name)

    def assignment(self, variable: str) -> str | None:
        """How LOAD DATA must store it; None: just as it comes."""
        if self.type in ("enum", "set"):
            return f"{quote(self.name)} = CAST({variable} AS UNSIGNED)"
        if self.counted:
            # after a SET clause LOAD DATA would take a plain 0 for the wish for a number (MariaDB 10.11)
            return f"{quote(self.name)} = {variable}"
        if self.type in ("uuid", "inet4", "inet6"):
            return f"{quote(self.name)} = CONVERT({variable} USING latin1)"
        return None


@dataclass(frozen=True)
class Layout:
    """One table as one server has it."""

    key: Key
    columns: tuple[Column, ...]
    primary: tuple[str, ...]
    transactional: bool
    rows: int
    """The server's estimate."""

    @property
    def loaded(self) -> tuple[Column, ...]:
        return tuple(c for c in self.columns if not c.generated)


COLUMNS = """
SELECT c.table_schema, c.table_name, c.column_name, c.data_type,
  c.is_generated = 'ALWAYS' OR c.extra LIKE '%%GENERATED%%', c.extra LIKE '%%auto_increment%%',
  c.character_set_name
FROM information_schema.columns c WHERE c.table_schema = %s ORDER BY c.table_name, c.ordinal_position"""
TABLES = """
SELECT t.table_schema, t.table_name, COALESCE(t.table_rows, 0), COALESCE(e.transactions, 'NO') = 'YES'
FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = %s AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"""
KEYS = """
SELECT table_schema, table_name, column_name FROM information_schema.statistics
WHERE table_schema = %s AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index"""


def read_layouts(
    connection: Any, wanted: Callable[[str, str], bool], schemas: Iterable[str]
) -> dict[Key, Layout]:
    """All wanted base tables in these schemas of one server."""
    there = {str(r[0]) for r in fetch(connection, "SELECT schema_name FROM information_schema.schemata")}
    out: dict[Key, Layout] = {}
    for schema in there & set(schemas):
        columns: dict[Key, list[Column]] = {}
        primary: dict[Key, list[str]] = {}
        for s, table, name, kind, generated, counted, charset in fetch(connection, COLUMNS, (schema,)):
            columns.setdefault((s, table), []).append(
                Column(name, str(kind).lower(), bool(generated), bool(counted), charset)
            )
        for s, table, name in fetch(connection, KEYS, (schema,)):
            primary.setdefault((s, table), []).append(name)
        for s, table, rows, transactional in fetch(connection, TABLES, (schema,)):
            key = (str(s), str(table))
            if wanted(*key):
                out[key] = Layout(
                    key,
                    tuple(columns.get(key, ())),
                    tuple(primary.get(key, ())),
                    bool(transactional),
                    int(rows),
                )
    return dict(sorted(out.items()))


def read_selected(connection: Any, selection: Selection) -> dict[Key, Layout]:
    """The source's selected tables."""
    schemas = [str(r[0]) for r in fetch(connection, "SELECT schema_name FROM information_schema.schemata")]
    return read_layouts(connection, selection, filter(selection.touches, schemas))


def read_counterparts(connection: Any, selection: Selection, keys: Iterable[Key]) -> dict[Key, Layout]:
    """The target's tables for these of the source, by the source's names."""
    names = {key: selection.target(key) for key in keys}
    found = read_layouts(connection, lambda s, t: (s, t) in names.values(), {s for s, _ in names.values()})
    return {key: found[name] for key, name in names.items() if name in found}


def mismatch(source: Layout, target: Layout | None) -> str | None:
    """Why rows of the one would not fit into the other. Row events carry values by position, not by name."""
    if target is None:
        return "the table does not exist on the target"
    ours, theirs = [c.name for c in source.columns], [c.name for c in target.columns]
    if ours != theirs:
        return f"its columns are ({', '.join(ours)}) on the source and ({', '.join(theirs)}) on the target"
    return None


def require_match(source: dict[Key, Layout], target: dict[Key, Layout]) -> None:
    for key, layout in source.items():
        reason = mismatch(layout, target.get(key))
        if reason:
            raise Failed(f"Table {key[0]}.{key[1]} cannot be replicated: {reason}")
