"""Repair as an explicit choice: the rows that differ are copied again from the owner, a few at a time.

Per batch: share locks on the owner's rows, so that they rest; a watermark, so that every earlier change of
them has been applied by the replicator; then, in the follower, only while its control row says FOLLOW of this
epoch, the rows are replaced in one transaction; then the locks go. No change of these rows can come late or
be undone by an older one. Nothing here proves anything: a comparison follows. What it cannot repair: tables
without a key, and more than `MOST` rows (copy the table again).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from livemove.comparison import row_comparison as core
from livemove.comparison.adapters.both_sides import SESSION, read_shapes
from livemove.comparison.canonical import NUMBERS, TEMPORAL, Column, Shape, quote
from livemove.comparison.row_comparison import Key
from livemove.control.adapters.control_row import Control
from livemove.model.errors import LivemoveError, RefusedError
from livemove.model.ports import Answered, ControlState, Progress, Row
from livemove.model.sql_names import qualified
from livemove.model.sql_names import quote as quote_unbound
from livemove.runtime.mariadb import MariaDb
from livemove.runtime.watermarks import Arrival

log = logging.getLogger(__name__)
MOST = 1000
BATCH = 50
HOLD_SECONDS = 2.0
"""How long rows of the owner are locked at most for one batch."""
WRITER = {**SESSION, "sql_mode": "NO_AUTO_VALUE_ON_ZERO", "foreign_key_checks": 0, "unique_checks": 1}


def recopy(
    owner: MariaDb,
    follower: MariaDb,
    table: str,
    keys: Sequence[Key],
    *,
    epoch: int,
    arrived: Arrival,
    progress: Progress,
) -> int:
    """Replace, write or delete rows as on the owner; how many. RefusedError without a key or for too many."""
    with owner.fresh(session={**SESSION, "innodb_lock_wait_timeout": 2}) as reader:
        shape = read_shapes(reader, [table])[table]
        if not shape.key or len(keys) > MOST:
            raise RefusedError(
                f"{table} cannot be repaired row by row: {len(keys)} rows, {'a' if shape.key else 'no'} key",
                wanted=f"a key, and at most {MOST} rows",
                next_step="copy the table again: ReloadTables of DMS, then compare again",
            )
        reader.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        control, done = Control(follower), 0
        try:
            for at in range(0, len(keys), BATCH):
                done += _batch(reader, control, shape, keys[at : at + BATCH], epoch, arrived)
                progress(f"{table}: {done} rows copied again")
        finally:
            control.close_connection()
    return done


def _batch(
    reader: MariaDb, control: Control, shape: Shape, keys: Sequence[Key], epoch: int, arrived: Arrival
) -> int:
    where, args = core.among(shape, keys)
    reader.run("START TRANSACTION")
    try:
        rows = reader.rows(
            f"SELECT {_literals(shape)} FROM {core.from_(shape)} WHERE {where} LOCK IN SHARE MODE", args
        )
        if not arrived(HOLD_SECONDS):
            raise LivemoveError(
                f"{shape.name}: a watermark did not arrive within {HOLD_SECONDS:g} s, so rows could not stay"
                " locked; the rest was left as it is",
                wanted="a replicator that has caught up",
                next_step="wait, then repair again",
            )
        _replace(control, shape, where, args, rows, epoch)
    finally:
        reader.run("ROLLBACK")
    return len(keys)


def _replace(
    control: Control, shape: Shape, where: str, args: Iterable[object], rows: Sequence[Row], epoch: int
) -> None:
    def work() -> None:
        db = control.db
        for name, value in WRITER.items():
            db.run(f"SET SESSION {name} = %s", (value,))
        db.run("START TRANSACTION")
        db.run(f"DELETE FROM {core.from_(shape)} WHERE {where}", list(args))
        into = (
            f"{qualified(shape.schema, shape.table)}"
            f" ({', '.join(quote_unbound(c.name) for c in _written(shape))})"
        )
        for row in rows:
            # every value is SQL text that the owner made of it
            values = ", ".join("NULL" if v is None else str(v) for v in row.values())
            db.run(f"INSERT INTO {into} VALUES ({values})")
        db.run("COMMIT")

    out = control.while_in(ControlState.FOLLOW, epoch, work)
    if out.answered is not Answered.DONE:
        raise RefusedError(
            f"{shape.name} was not repaired: the {control.side} is {out.state}@{out.epoch}",
            wanted=f"FOLLOW@{epoch}",
            next_step="livemove status",
        )


def _written(shape: Shape) -> list[Column]:
    return [c for c in core.compared(shape) if not c.expression]


def _literals(shape: Shape) -> str:
    return ", ".join(f"{written_literal(c)} AS v{i}" for i, c in enumerate(_written(shape)))


def written_literal(column: Column) -> str:
    """SQL that yields SQL text which is exactly this value again."""
    name, kind = quote(column.name), column.data_type
    if kind in TEMPORAL:
        return f"QUOTE(CAST({name} AS CHAR))"
    if kind in ("enum", "set", "bit"):
        return f"IF({name} IS NULL, NULL, CAST({name} AS UNSIGNED))"
    if kind == "float":
        return f"CONCAT(CAST({name} AS DOUBLE), '')"
    if kind == "double":
        return f"CONCAT({name}, '')"
    if kind in NUMBERS:
        return f"CONCAT({name}, '')"
    bytes_ = f"CONCAT('X''', HEX({name}), '''')"
    return f"CONCAT('_{column.charset} ', {bytes_})" if column.charset else bytes_
