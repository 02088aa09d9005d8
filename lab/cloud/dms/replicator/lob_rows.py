"""Changes of tables with LOB columns, as DMS makes them: one statement without the LOBs, a second with them.

A row is inserted with NULL in its LOB columns, then updated with the LOBs; of a change of a row first the
other columns are written, then the LOBs. So a LOB column that is NOT NULL refuses the first statement
(1048), and the second fires triggers and ON UPDATE CURRENT_TIMESTAMP, as a client's SQL does. In CDC it is so
in every LOB mode (https://aws.amazon.com/premiumsupport/knowledge-center/dms-error-null-value-column). A
change of nothing but LOBs is not made, unless another column of that row is changed in the same transaction
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.MySQL.html, Limitations). Whether DMS really
does all of this only a real account tells; users report it of 3.4.7.

No value is decoded: row images are replayed into scratch tables, and SQL takes them from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab.cloud.dms.replicator import events as ev
from lab.cloud.dms.replicator.events import Event, TableMap
from lab.cloud.dms.replicator.failure import Refused
from lab.cloud.dms.replicator.lobs import TYPES
from lab.cloud.dms.replicator.source import speaking
from lab.cloud.dms.replicator.tables import Column, Key, Layout, full, quote
from lab.cloud.dms.replicator.target import SCHEMA, Target
from livemove.comparison.binlog_layout import DELETES, UPDATES

STRICT = "SET STATEMENT sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' FOR "
NOT_FOUND = 1032
BEFORE, AFTER = "before", "after"


def has_lobs(layout: Layout) -> bool:
    return any(c.type in TYPES for c in layout.loaded)


class LobTables:
    """The tables of one task whose changes are made in two statements: those with LOBs and a primary key."""

    def __init__(self, target: Target, source: Mapping[Key, Layout], there: Mapping[Key, Layout]) -> None:
        """`source`, `there`: both sides' layouts, by the names that the tables have on the source."""
        self.target, self.source = target, source
        self.layouts = {k: layout for k, layout in there.items() if has_lobs(layout) and layout.primary}
        self.number = {key: n for n, key in enumerate(sorted(self.layouts), 1)}
        self.written: set[tuple[Key, tuple[bytes | None, ...]]] = set()
        """Rows of this transaction of which another column than a LOB was written, by their key."""

    def __contains__(self, key: Key) -> bool:
        return key in self.layouts

    def begin(self) -> None:
        """A new transaction."""
        self.written.clear()

    def prepare(self) -> None:
        """Make the scratch tables: the real one's columns, no keys."""
        with speaking("target", f"Creating scratch tables in {SCHEMA}"):
            for key, layout in self.layouts.items():
                # by name: an invisible column is not among *
                columns = ", ".join(quote(c.name) for c in layout.columns)
                for image in (BEFORE, AFTER):
                    self.target.run(f"DROP TABLE IF EXISTS {SCHEMA}.{self._scratch(key, image)}")
                    self.target.run(
                        f"CREATE TABLE {SCHEMA}.{self._scratch(key, image)} ENGINE=InnoDB"
                        f" AS SELECT {columns} FROM {full(layout.key)} WHERE 0"
                    )

    def apply(self, event: Event, table: TableMap, checksum: int) -> None:
        """One rows event, after everything that was added before it."""
        self.target.replay()
        where = ev.locate(event, checksum)
        found = list(self._images(event, where, table))
        if event.kind in DELETES:
            self.target.add([table.raw, ev.end_statement(event.raw, checksum)])
            self.target.replay()
        elif event.kind in UPDATES:
            for row in range(len(found) // 2):
                self._update(event, where, table, row, found[2 * row], found[2 * row + 1], checksum)
        else:
            self.written |= {(table.key, self._key(table.key, fields)) for fields in found}
            self._stage(event, table, AFTER, checksum)
            self._insert(table.key)

    # Statements -----------------------------------------------------------------------------------
    def _insert(self, key: Key) -> None:
        others, lobs = self._columns(key)
        names = ", ".join(quote(c.name) for c in (*others, *lobs))
        values = ", ".join([*(quote(c.name) for c in others), *("NULL" for _ in lobs)])
        scratch = f"{SCHEMA}.{self._scratch(key, AFTER)}"
        with speaking("target", "Applying changes"):
            self.target.run(
                f"{STRICT}INSERT INTO {full(self.layouts[key].key)} ({names}) SELECT {values} FROM {scratch}"
            )
        self._write_lobs(key)

    def _update(
        self,
        event: Event,
        where: ev.Rows,
        table: TableMap,
        row: int,
        before: list[bytes | None],
        after: list[bytes | None],
        checksum: int,
    ) -> None:
        key = table.key
        lobs = {n for n, c in enumerate(self.source[key].columns) if c.type in TYPES}
        others = any(a != b for n, (a, b) in enumerate(zip(before, after, strict=True)) if n not in lobs)
        if not others and (key, self._key(key, before)) not in self.written:
            return
        self.written.add((key, self._key(key, after)))
        one = event._replace(raw=ev.only_row(event, where, table, row, checksum))
        for image in (BEFORE, AFTER):
            self._stage(one, table, image, checksum)
        if others:
            self._write_others(key)
        self._write_lobs(key)

    def _write_others(self, key: Key) -> None:
        others, _ = self._columns(key)
        t, old, new = (
            full(self.layouts[key].key),
            *(f"{SCHEMA}.{self._scratch(key, image)}" for image in (BEFORE, AFTER)),
        )
        same = self._same(key, "t", "b")
        with speaking("target", "Applying changes"):
            found = self.target.run(f"SELECT 1 FROM {t} t JOIN {old} b ON {same}")
            if not found:
                raise Refused("Applying changes", "target", NOT_FOUND, f"Can't find record in {key[1]!r}")
            sets = ", ".join(f"t.{quote(c.name)} = a.{quote(c.name)}" for c in others)
            self.target.run(f"{STRICT}UPDATE {t} t JOIN {old} b ON {same} JOIN {new} a SET {sets}")

    def _write_lobs(self, key: Key) -> None:
        """The second statement, for rows that have a LOB, or had one."""
        _, lobs = self._columns(key)
        sets = ", ".join(f"t.{quote(c.name)} = a.{quote(c.name)}" for c in lobs)
        some = " OR ".join(f"NOT (BINARY t.{quote(c.name)} <=> BINARY a.{quote(c.name)})" for c in lobs)
        with speaking("target", "Applying LOBs"):
            self.target.run(
                f"{STRICT}UPDATE {full(self.layouts[key].key)} t JOIN"
                f" {SCHEMA}.{self._scratch(key, AFTER)} a ON {self._same(key, 't', 'a')} SET {sets}"
                f" WHERE {some}"
            )

    def _stage(self, event: Event, table: TableMap, image: str, checksum: int) -> None:
        name = self._scratch(table.key, image)
        with speaking("target", "Clearing a scratch table"):
            self.target.run(f"DELETE FROM {SCHEMA}.{name}")
        where = ev.locate(event, checksum)
        rows = ev.as_inserts(event, where, table, after=image == AFTER, checksum=checksum)
        self.target.add([table.renamed(SCHEMA, name, checksum), rows])
        self.target.replay()

    # Parts ----------------------------------------------------------------------------------------
    def _scratch(self, key: Key, image: str) -> str:
        return f"livemove_lab_lob_{self.number[key]}_{image}"

    def _columns(self, key: Key) -> tuple[list[Column], list[Column]]:
        """(all but the LOBs, the LOBs) that are written."""
        loaded = self.layouts[key].loaded
        return [c for c in loaded if c.type not in TYPES], [c for c in loaded if c.type in TYPES]

    def _same(self, key: Key, one: str, other: str) -> str:
        return " AND ".join(f"{one}.{quote(c)} <=> {other}.{quote(c)}" for c in self.layouts[key].primary)

    def _images(self, event: Event, where: ev.Rows, table: TableMap) -> Iterator[list[bytes | None]]:
        """Each row image as its columns' bytes."""
        width = (where.columns + 7) // 8
        for start, end in ev.images(event, where, table):
            nulls, at = int.from_bytes(event.raw[start : start + width], "little"), start + width
            fields: list[bytes | None] = []
            for n, (fixed, prefix) in enumerate(table.sizes):
                if nulls >> n & 1:
                    fields.append(None)
                    continue
                size = int.from_bytes(event.raw[at : at + prefix], "little") if prefix else fixed
                fields.append(event.raw[at + prefix : at + prefix + size])
                at += prefix + size
            assert at == end
            yield fields

    def _key(self, key: Key, fields: list[bytes | None]) -> tuple[bytes | None, ...]:
        names = [c.name for c in self.source[key].columns]
        return tuple(fields[names.index(c)] for c in self.layouts[key].primary)
