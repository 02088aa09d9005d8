"""Applying row events by key, so that applying them twice changes nothing: for tables without transactions.

A MyISAM table is not part of the snapshot, and its rows are not part of the transaction that moves the
checkpoint, so its events may meet rows that are there already, or gone. Each event's images are first
replayed into an empty scratch table (as inserts, whatever the event was: no value is decoded) and from
there deleted or replaced by primary key. A table without a primary key is replayed plainly.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.cloud.dms.replicator.events import Event, TableMap, as_inserts, locate
from lab.cloud.dms.replicator.source import speaking
from lab.cloud.dms.replicator.tables import Key, Layout, full, quote
from lab.cloud.dms.replicator.target import SCHEMA, Target
from livemove.comparison.binlog_layout import DELETES, UPDATES


class NonTransactionalTables:
    """The tables of one task that are applied this way."""

    def __init__(self, target: Target, layouts: Mapping[Key, Layout]) -> None:
        """`layouts`: the target's, by the names that the tables have on the source."""
        self.target = target
        self.layouts = {key: layout for key, layout in layouts.items() if layout.primary}
        self.scratch: dict[Key, str] = {
            key: f"livemove_lab_scratch_{n}" for n, key in enumerate(sorted(self.layouts), 1)
        }

    def __contains__(self, key: Key) -> bool:
        return key in self.layouts

    def prepare(self) -> None:
        """Make the scratch tables: the real one's columns, no keys, transactional."""
        with speaking("target", f"Creating scratch tables in {SCHEMA}"):
            for key, name in self.scratch.items():
                self.target.run(f"DROP TABLE IF EXISTS {SCHEMA}.{name}")
                self.target.run(
                    f"CREATE TABLE {SCHEMA}.{name} ENGINE=InnoDB AS SELECT * FROM"
                    f" {full(self.layouts[key].key)} WHERE 0"
                )

    def apply(self, event: Event, table: TableMap, checksum: int) -> None:
        """One rows event, after everything that was added before it."""
        self.target.replay()
        if event.kind in UPDATES or event.kind in DELETES:
            self._stage(event, table, False, checksum)
            self._delete(table.key)
        if event.kind not in DELETES:
            self._stage(event, table, True, checksum)
            self._replace(table.key)

    def _stage(self, event: Event, table: TableMap, after: bool, checksum: int) -> None:
        name = self.scratch[table.key]
        with speaking("target", "Clearing a scratch table"):
            self.target.run(f"DELETE FROM {SCHEMA}.{name}")
        rows = as_inserts(event, locate(event, checksum), table, after=after, checksum=checksum)
        self.target.add([table.renamed(SCHEMA, name, checksum), rows])
        self.target.replay()

    def _delete(self, key: Key) -> None:
        same = " AND ".join(f"t.{quote(c)} <=> s.{quote(c)}" for c in self.layouts[key].primary)
        with speaking("target", f"Applying changes to {key[0]}.{key[1]}"):
            self.target.run(
                f"DELETE t FROM {full(self.layouts[key].key)} t JOIN {SCHEMA}.{self.scratch[key]} s ON {same}"
            )

    def _replace(self, key: Key) -> None:
        columns = ", ".join(quote(c.name) for c in self.layouts[key].loaded)
        with speaking("target", f"Applying changes to {key[0]}.{key[1]}"):
            self.target.run(
                f"REPLACE INTO {full(self.layouts[key].key)} ({columns}) SELECT {columns} FROM"
                f" {SCHEMA}.{self.scratch[key]}"
            )
