"""Makes and removes the helpers of a follower (`schema/lob_helpers.py`); both may be repeated at any point.

What is taken off a column is kept in the same database before it is taken off, and forgotten after it is
back: whoever goes on after a crash needs nobody else. Both run inside the lock of the control row, by the
session that holds it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from livemove.model.ports import Row
from livemove.model.sql_names import qualified
from livemove.runtime.mariadb import MariaDb, sql
from livemove.schema import lob_helpers as core
from livemove.schema import objects

log = logging.getLogger(__name__)
THIS_COLUMN = "table_schema = %s AND table_name = %s AND column_name = %s"
KEPT_IN = "livemove"
"""The schema whose table follower_column has what was taken off; the trial has one of its own."""


def lob_columns(db: MariaDb, schemas: Sequence[str]) -> list[core.Column]:
    """Every column of the tables that have LOBs."""
    args = {"schemas": tuple(schemas), "types": core.LOB_TYPES}
    tables = {
        (t["schema"], t["name"]) for t in db.rows(sql("schema/list_tables"), args) if t["type"] != "SEQUENCE"
    }
    found = db.rows(sql("schema/list_lob_tables"), args)
    json = {(r["schema"], r["table"], r["name"]) for r in db.rows(sql("schema/list_json_checks"), args)}
    return core.columns(found, tables, json)


def help_follower(db: MariaDb, schemas: Sequence[str], kept_in: str = KEPT_IN) -> list[str]:
    """Make what is missing; names of what was made. Only on a database that follows, or is about to."""
    found = lob_columns(db, schemas)
    made = []
    there = _there(db, schemas)
    for helper in core.helpers(found):
        if there.get((helper.schema, helper.name)) == helper.body:
            continue
        db.run(helper.drop)
        db.run(helper.create)
        made.append(f"trigger {helper.schema}.{helper.name}")
    for c in found:
        if c.on_update:
            made.append(f"{c.shown} without ON UPDATE")
            _take_off(db, c, kept_in)
    if made:
        log.info("the %s follows with helpers for LOBs: %s", db.side, ", ".join(made))
    return made


def stop_helping(db: MariaDb, schemas: Sequence[str], kept_in: str = KEPT_IN) -> list[str]:
    """Remove the triggers, put ON UPDATE back; names of what was done."""
    done = []
    for schema, name in _there(db, schemas):
        db.run(f"DROP TRIGGER IF EXISTS {qualified(schema, name)}")
        done.append(f"trigger {schema}.{name}")
    for kept in kept_columns(db, kept_in):
        place = kept["table_schema"], kept["table_name"]
        now = _definition(db, *place, kept["column_name"])
        if now is not None and now != (wanted := core.with_on_update(now, kept["definition"])):
            _modify(db, place, wanted)
            done.append(f"ON UPDATE of {'.'.join(place)}.{kept['column_name']}")
        db.run(
            f"DELETE FROM {kept_in}.follower_column WHERE {THIS_COLUMN}",
            (*place, kept["column_name"]),
        )
    if done:
        log.info("gone from the %s, or back in it: %s", db.side, ", ".join(done))
    return done


def unhelped(db: MariaDb, schemas: Sequence[str]) -> list[str]:
    """LOB columns that would stop DMS's first statement, or be overwritten by its second, as text."""
    found, there = lob_columns(db, schemas), _there(db, schemas)
    bare = [h for h in core.helpers(found) if there.get((h.schema, h.name)) != h.body]
    return sorted(
        {f"{h.schema}.{h.table} has a LOB that is NOT NULL, and no trigger {h.name}" for h in bare}
        | {f"{c.shown} has ON UPDATE beside a LOB" for c in found if c.on_update}
    )


def put_back(db: MariaDb) -> list[str]:
    """Statements that bring this follower's columns to what they are on an owner, for a dump of it."""
    return [
        f"ALTER TABLE {qualified(r['table_schema'], r['table_name'])} MODIFY COLUMN {r['definition']}"
        for r in kept_columns(db)
    ]


def kept_columns(db: MariaDb, kept_in: str = KEPT_IN) -> list[Row]:
    """What was taken off columns of this database; none where livemove's schema is not there."""
    there = db.rows(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = 'follower_column'",
        (kept_in,),
    )
    wanted = f"SELECT table_schema, table_name, column_name, definition FROM {kept_in}.follower_column"
    return db.rows(wanted) if there else []


def _there(db: MariaDb, schemas: Sequence[str]) -> dict[tuple[str, str], str]:
    """(schema, name) -> body of the helper triggers that are there."""
    rows = db.rows(sql("schema/list_lob_helpers"), {"schemas": tuple(schemas)})
    return {(r["schema"], r["name"]): str(r["body"]) for r in rows}


def _take_off(db: MariaDb, c: core.Column, kept_in: str) -> None:
    definition = _definition(db, c.schema, c.table, c.name)
    if definition is None:
        return
    db.run(
        f"REPLACE INTO {kept_in}.follower_column (table_schema, table_name, column_name, definition)"
        " VALUES (%s, %s, %s, %s)",
        (c.schema, c.table, c.name, definition),
    )
    _modify(db, (c.schema, c.table), core.without_on_update(definition))


def _definition(db: MariaDb, schema: str, table: str, column: str) -> str | None:
    """The column's line of SHOW CREATE TABLE; None when it is gone."""
    rows = db.rows(
        f"SELECT 1 FROM information_schema.columns WHERE {THIS_COLUMN}",
        (schema, table, column),
    )
    if not rows:
        return None
    with _plainly(db):
        text = db.one(f"SHOW CREATE TABLE {qualified(schema, table)}")["create table"]
    parsed = objects.parse_table(schema, str(text))
    return next((e.text for e in parsed.elements if e.kind is objects.Kind.COLUMN and e.name == column), None)


def _modify(db: MariaDb, place: tuple[str, str], definition: str) -> None:
    # refused instead of rebuilding the table, should a server not be able to do it at once
    with _plainly(db):
        db.run(f"ALTER TABLE {qualified(*place)} MODIFY COLUMN {definition}, ALGORITHM=INSTANT")


@contextmanager
def _plainly(db: MariaDb) -> Iterator[None]:
    """Old definitions (zero dates) are taken and shown as they are; the session's own mode comes back."""
    before = db.one("SELECT @@sql_mode AS mode, @@sql_quote_show_create AS quoted")
    db.run("SET SESSION sql_mode = '', sql_quote_show_create = 1")
    try:
        yield
    finally:
        db.run("SET SESSION sql_mode = %s, sql_quote_show_create = %s", (before["mode"], before["quoted"]))
