"""Compares a table on two servers at the same time, with a thread for each."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from livemove.comparison import row_comparison as core
from livemove.comparison.adapters.both_sides import (
    SESSION,
    WHOLE_TABLE,
    ConnectionPair,
    Options,
    incomparable,
    read_shapes,
    snapshot_position,
)
from livemove.comparison.adapters.keyed_comparison import KeyedComparer, UnkeyedComparer
from livemove.comparison.key_ranges import KeyRange, shares, wanted
from livemove.comparison.row_comparison import TableVerdict
from livemove.model.errors import RefusedError
from livemove.model.spec import Side
from livemove.runtime.mariadb import MariaDb
from livemove.runtime.watermarks import by_waiting

log = logging.getLogger(__name__)

LEAST_PACKET = 1 << 20
"""Bytes of max_allowed_packet. A row of texts in utf8mb4 has at most 4 x 65,535 bytes; LOBs are hashed."""


def compare_table(
    source_db: MariaDb, target_db: MariaDb, schema: str, table: str, options: Options
) -> TableVerdict:
    """Compare all rows while both sides may be written; rows that differ are read again before they count.

    The first database is the one that is replicated from. Rows are counted under the side on which they are.
    RefusedError when a server's max_allowed_packet could cut a row.
    """
    began = time.monotonic()
    options = replace(options, arrived=options.arrived or by_waiting(options.clock))
    with ConnectionPair(source_db, target_db) as pair:
        name = f"{schema}.{table}"
        here, there = read_shapes(pair.source, [name]), read_shapes(pair.target, [name])
        sides = (str(source_db.side), str(target_db.side))
        if why := incomparable(name, here, there, sides):
            return TableVerdict(False, 0, 0, (), time.monotonic() - began, why)
        _refuse_small_packets(pair, name)
        began_at, position = options.clock.now().isoformat(timespec="seconds"), snapshot_position(pair.source)
        if not here[name].key and not options.share.whole:
            raise RefusedError(
                f"{name} has no usable key any more, so it cannot be compared in parts",
                wanted="the key by which it was cut",
                next_step="clear validate.tables with downstream",
            )
        run = KeyedComparer if here[name].key else UnkeyedComparer
        found = run(pair, here[name].beside(there[name]), options, began_at, position).run()
    digests = {sides[0]: here[name].digest, sides[1]: there[name].digest}
    if lossy := here[name].lossy_columns(there[name]):
        note = f"compared as utf8mb4, which may lack characters of {', '.join(lossy)}"
        found = replace(found, note="; ".join(filter(None, (found.note, note))))
    verdict = replace(
        found,
        seconds=round(time.monotonic() - began, 3),
        definitions=digests,
        began_at=found.began_at or began_at,
        position=found.position or position,
    )
    return verdict if source_db.side is Side.SOURCE else verdict.swapped()


def cut(db: MariaDb, schema: str, table: str, each: int) -> list[KeyRange]:
    """The key ranges to compare a table in, about `each` rows long; a small table is one range."""
    name = f"{schema}.{table}"
    shape = read_shapes(db, [name]).get(name)
    if shape is None or not shape.key or (parts := wanted(shape.estimate, each)) == 1:
        return [WHOLE_TABLE]
    with db.fresh(session=SESSION, schema=None) as reader:
        bounds: list[core.Key] = []
        for _ in range(parts - 1):
            where, args = core.between(shape, bounds[-1] if bounds else None, None)
            found = reader.rows(core.step_query(shape, where, shape.estimate // parts), args)
            if not found:
                break
            bounds.append(tuple(found[0].values()))
    return shares(bounds)


def _refuse_small_packets(pair: ConnectionPair, table: str) -> None:
    """A row above max_allowed_packet would become NULL and be left out of every sum."""
    a, b = pair.ask("SELECT @@max_allowed_packet AS bytes")
    if min(a[0]["bytes"], b[0]["bytes"]) < LEAST_PACKET:
        raise RefusedError(
            f"{table} cannot be compared: max_allowed_packet is {a[0]['bytes']} and {b[0]['bytes']} bytes",
            wanted=f"at least {LEAST_PACKET} on both sides",
            next_step="raise it",
        )
