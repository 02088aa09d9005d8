"""Compare one table from owner to follower and keep the result in the ledger; for DAG and command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from livemove.comparison.adapters.both_sides import WHOLE_TABLE, Options, read_shapes
from livemove.comparison.adapters.repair import MOST, recopy
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.key_ranges import KeyRange, merged
from livemove.comparison.lone_lobs import lob_columns, only_lobs
from livemove.comparison.row_comparison import Effort, TableVerdict, split_table_name
from livemove.control.adapters.control_row import Control
from livemove.model.ledger import (
    ComparisonPass,
    PartComparison,
    PartPass,
    PassState,
    TableRepaired,
)
from livemove.model.ports import Ledger, Link, Progress
from livemove.runtime.mariadb import MariaDb
from livemove.runtime.watermarks import Arrival, by_watermark

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


@dataclass(frozen=True)
class LedgerCheckpoint:
    """The `CheckpointStore`: how far the comparison of a table, or of one share of it, is."""

    ledger: Ledger
    epoch: int
    table: str
    number: int | None

    def read(self) -> PassState | None:
        if self.number is None:
            return self.ledger.load(ComparisonPass, epoch=self.epoch, table=self.table)
        return self.ledger.load(PartPass, epoch=self.epoch, table=self.table, number=self.number)

    def write(self, state: PassState) -> None:
        where = {**dict(state), "epoch": self.epoch, "table": self.table}
        if self.number is None:
            self.ledger.save(ComparisonPass.model_validate(where))
        else:
            self.ledger.save(PartPass.model_validate({**where, "number": self.number}))


def compare_in_use(
    world: ServiceContext,
    link: Link,
    name: str,
    *,
    progress: Progress,
    effort: Effort,
    listed: int = 100,
    share: KeyRange = WHOLE_TABLE,
) -> TableVerdict:
    """Compare "schema.table" on owner and follower; the verdict is kept as `comparison/<epoch>/<table>`.

    `checked_at` there is the moment before the first row was read, not the last: what came later is not
    proved. A share's own verdict is `comparison_part/<epoch>/<table>/<number>`; the last of them to be there
    makes the table's.
    """
    schema, table = split_table_name(name, world.spec.source.schemas)
    keep = LedgerCheckpoint(world.ledger, link.epoch, name, None if share.whole else share.number)
    with _both(world, link) as (owner, follower, arrived):
        shape = read_shapes(owner, [name]).get(name)
        lobs = shape is not None and bool(lob_columns(shape))
        text = Options(
            world.clock, progress, effort, arrived, keep, max(listed, MOST) if lobs else listed, share
        )
        verdict = compare_table(owner, follower, schema, table, text)
    if shape is not None and not verdict.equal and only_lobs(verdict, shape):
        verdict = _with_lobs_copied(verdict, repair_in_use(world, link, name, verdict, progress=progress))
    began = verdict.began_at or world.clock.now().isoformat(timespec="seconds")
    result = verdict.kept(epoch=link.epoch, table=name, owner=link.reads, checked_at=began)
    if not share.whole:
        part = {**dict(result), "number": share.number, "share": share.packed}
        world.ledger.save(PartComparison.model_validate(part))
        # numbers beyond the newest cut are left of an older one
        parts = world.ledger.load_all(PartComparison, epoch=link.epoch, table=name)
        whole = merged([p for p in parts if p.share.of == share.of and p.number <= share.of])
        if whole is None:
            return verdict
        result = whole
    world.ledger.save(result)
    return verdict


def _with_lobs_copied(verdict: TableVerdict, rows: int) -> TableVerdict:
    """The verdict after all rows that differed, in LOBs alone, were copied again; equal from its position on.

    Each of these rows was copied while it was locked on the owner, and all others were equal: what changed
    since the verdict's position is on the owner's binlog, where the final check looks.
    """
    note = f"{rows} rows whose LOBs alone had changed were copied again: DMS does not carry such a change"
    return replace(
        verdict, equal=True, differences=(), changed=0, note="; ".join(filter(None, (verdict.note, note)))
    )


def repair_in_use(
    world: ServiceContext, link: Link, name: str, verdict: TableVerdict, *, progress: Progress
) -> int:
    """Copy the verdict's differing rows from the owner, note it, return how many; not a comparison."""
    keys = [d.key for d in verdict.differences]
    with _both(world, link) as (owner, follower, arrived):
        done = recopy(owner, follower, name, keys, epoch=link.epoch, arrived=arrived, progress=progress)
    world.ledger.note(
        TableRepaired(table=name, epoch=link.epoch, rows=done, keys=[str(k) for k in keys[:100]])
    )
    return done


@contextmanager
def _both(world: ServiceContext, link: Link) -> Iterator[tuple[MariaDb, MariaDb, Arrival]]:
    with world.database(link.reads) as owner, world.database(link.writes) as follower:
        ours, theirs = Control(owner), Control(follower)
        try:
            yield owner, follower, by_watermark(ours, theirs, link.reads, world.clock)
        finally:
            for control in (ours, theirs):
                control.close_connection()
