"""Reads schemas by SHOW CREATE and brings another server to them, in phases; run twice, it completes.

Indexes are built in parallel (`index_builder`). Events are created disabled; triggers, which cannot be, are
proved on the empty tables and created at the switchover (`stored_code`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livemove.model.errors import SchemaError
from livemove.model.ledger import CodeObject
from livemove.model.ports import Json, Progress, Row
from livemove.model.sql_names import qualified, quote
from livemove.runtime.mariadb import MariaDb, sql
from livemove.schema import objects as core
from livemove.schema.adapters.index_builder import LONG_DDL, build
from livemove.schema.adapters.lob_helpers import kept_columns
from livemove.schema.adapters.stand_ins import StandIns
from livemove.schema.adapters.stored_code import (
    READING,
    Creator,
    code_of,
    create_code,
    create_events,
    create_triggers,
    drop_triggers,
    prove_triggers,
    read_object,
    run_ddl,
    set_events,
)
from livemove.schema.definers import describe_definers
from livemove.schema.lob_helpers import restored

log = logging.getLogger(__name__)

__all__ = [
    "code_of",
    "copy_schema",
    "create_code",
    "create_events",
    "create_triggers",
    "drop_triggers",
    "list_tables",
    "raise_auto_increment",
    "read_tables",
    "set_events",
]

CREATING = {
    "sql_mode": "",
    "foreign_key_checks": 0,
    "innodb_strict_mode": 0,
    "lock_wait_timeout": 300,
    "time_zone": READING["time_zone"],
}
"""Session variables that let old tables be created as they are (zero dates, wide rows).

Foreign keys are not checked: the comparison proves the rows.
"""


@dataclass(frozen=True)
class Tables:
    """What a server has: tables taken apart, and sequences as text."""

    tables: Mapping[tuple[str, str], core.Table]
    sequences: Mapping[tuple[str, str], str]


# Carrying
# -----------------------------------------------------------------------------------------------------------
def copy_schema(
    source: MariaDb,
    target: MariaDb,
    schemas: Sequence[str],
    phase: core.Phase,
    *,
    progress: Progress = log.info,
) -> Json:
    """Create on the target what it lacks in this phase; counts of created and existing objects."""
    steps = {
        core.Phase.TABLES: copy_tables,
        core.Phase.INDEXES: copy_indexes,
        core.Phase.FOREIGN_KEYS: copy_foreign_keys,
        core.Phase.CODE: copy_code,
    }
    return steps[core.Phase(phase)](source, target, schemas, progress)


def copy_tables(source: MariaDb, target: MariaDb, schemas: Sequence[str], progress: Progress) -> Json:
    wanted, there = read_tables(source, schemas), read_tables(target, schemas)
    new = [t for key, t in wanted.tables.items() if key not in there.tables]
    for key, table in wanted.tables.items():
        if key in there.tables:
            core.refuse_other_table(table, there.tables[key])
    with target.fresh(session=CREATING, schema=None) as db:
        _create_schemas(source, db, schemas)
        for key, text in wanted.sequences.items():
            if key not in there.sequences:
                run_ddl(
                    db,
                    re.sub(
                        r"SEQUENCE `(?:[^`]|``)+`",
                        lambda _, k=key: f"SEQUENCE {qualified(*k)}",  # type: ignore[misc]
                        text,
                        count=1,
                    ),
                    f"{key[0]}.{key[1]}",
                )
        for n, table in enumerate(new, 1):
            run_ddl(db, table.create(), f"{table.schema}.{table.name}")
            progress(f"table {n}/{len(new)}: {table.schema}.{table.name}")
    proved = prove_triggers(target, code_of(source, schemas), {(t.schema, t.name) for t in new})
    if proved:
        progress(
            f"{len(proved)} triggers can be created here; they come to life at the switchover:"
            f" {', '.join(proved)}"
        )
    return {
        "phase": "tables",
        "created": len(new),
        "triggers_proved": len(proved),
        "stood": len(wanted.tables) - len(new),
        "sequences": len(wanted.sequences),
    }


def _create_schemas(source: MariaDb, db: MariaDb, schemas: Sequence[str]) -> None:
    wanted = list_schemas(source, schemas)
    lost = [s for s in schemas if s not in {w["name"] for w in wanted}]
    if lost:
        raise SchemaError(
            f"The source has no schema {', '.join(lost)}, or this login may not see it",
            wanted="the schemas that the spec names",
            next_step="correct source.schemas in the spec, or grant SELECT",
        )
    there = {s["name"]: s for s in list_schemas(db, schemas)}
    for s in wanted:
        name, how = quote(s["name"]), f"CHARACTER SET {s['charset']} COLLATE {s['collation']}"
        if s["name"] not in there:
            run_ddl(db, f"CREATE DATABASE IF NOT EXISTS {name} {how}", s["name"])
        elif there[s["name"]] != s:
            # only the default of tables to come; no row is touched
            run_ddl(db, f"ALTER DATABASE {name} {how}", s["name"])


def copy_indexes(source: MariaDb, target: MariaDb, schemas: Sequence[str], progress: Progress) -> Json:
    plans = _missing_keys(source, target, schemas)
    size = {(t["schema"], t["name"]): t["bytes"] for t in list_tables(target, schemas)}
    # the longest first, so that it does not begin when all others are done
    largest = sorted(plans, key=lambda key: -size.get(key, 0))
    indexes = {f"{s}.{n}": plans[s, n][0] for s, n in largest if plans[s, n][0]}
    built = build(target, indexes, progress, session=CREATING)
    progress(f"{built} index statements done")
    return {"phase": "indexes", "index_statements": built}


def copy_foreign_keys(source: MariaDb, target: MariaDb, schemas: Sequence[str], progress: Progress) -> Json:
    foreign = [s for _, fk in _missing_keys(source, target, schemas).values() for s in fk]
    with target.fresh(session=CREATING, schema=None, read_timeout=LONG_DDL) as db:
        # one after the other: each locks the parent's table as well. Unchecked, it is a matter of the
        # catalogue only
        for n, statement in enumerate(foreign, 1):
            run_ddl(db, statement, statement.split(" ADD ")[0])
            progress(f"foreign keys {n}/{len(foreign)}: {statement.split(' ADD ')[0]}")
    progress(f"{len(foreign)} foreign key statements done")
    return {"phase": "foreign_keys", "foreign_key_statements": len(foreign)}


def _missing_keys(
    source: MariaDb, target: MariaDb, schemas: Sequence[str]
) -> dict[tuple[str, str], tuple[list[str], list[str]]]:
    """(index statements, foreign key statements) by table that bring the target to the source's keys."""
    wanted, there = read_tables(source, schemas).tables, read_tables(target, schemas).tables
    lost = [f"{s}.{n}" for s, n in wanted if (s, n) not in there]
    if lost:
        raise SchemaError(
            f"The target lacks {', '.join(lost[:10])}", next_step="clear carry_tables, then this task"
        )
    return {key: core.alter_statements(table, there[key]) for key, table in wanted.items()}


def copy_code(source: MariaDb, target: MariaDb, schemas: Sequence[str], progress: Progress) -> Json:
    """Create routines, then views (which may call functions), then events, disabled."""
    wanted, there = read_routines(source, schemas), {_key(o): o for o in read_routines(target, schemas)}
    with StandIns(source, target, schemas) as stand_ins, Creator(target, stand_ins) as creator:
        new = [o for o in wanted if not _stands(creator, o, there)]
        for o in new:
            if _key(o) in there:
                creator.run(f"DROP {o.kind} IF EXISTS {qualified(*o.place)}", o)
            creator.create(o)
        views = _carry_views(source, target, schemas, creator)
        waking = code_of(source, schemas)
        events = create_events(target, waking)
        definers = creator.definers([*wanted, *read_views(source, schemas), *waking.triggers, *waking.events])
    progress(
        f"{len(new)} routines and {views} views created; {len(events)} events created disabled,"
        f" {len(waking.triggers)} triggers wait for the switchover"
    )
    for line in describe_definers(definers):
        progress(line)
    return {
        "phase": "code",
        "routines": len(wanted),
        "routines_created": len(new),
        "views_created": views,
        "events_created": len(events),
        "definers": definers,
    }


def _carry_views(source: MariaDb, target: MariaDb, schemas: Sequence[str], creator: Creator) -> int:
    wanted = {_key(o): o for o in read_views(source, schemas)}
    there = {_key(o): o for o in read_views(target, schemas)}
    ordered = core.in_order((*o.place, o.sql) for o in wanted.values())
    waiting = [o for s, n, _ in ordered if (o := wanted["VIEW", s, n]) and not _stands(creator, o, there)]
    total = len(waiting)
    while waiting:
        # a reference the text does not show (a name in another case) settles itself in the next round
        failed = [(o, e) for o in waiting if (e := _try(creator, o))]
        if len(failed) == len(waiting):
            raise failed[0][1]
        waiting = [o for o, _ in failed]
    return total


def _try(creator: Creator, o: CodeObject) -> SchemaError | None:
    try:
        replacing = re.sub(r"^CREATE ", "CREATE OR REPLACE ", o.sql, count=1)
        creator.create(o.model_copy(update={"sql": replacing}))
    except SchemaError as e:
        return e
    return None


def _stands(creator: Creator, o: CodeObject, there: Mapping[tuple[str, str, str], CodeObject]) -> bool:
    """The same text, under the account that is to define it here."""
    have = there.get(_key(o))
    return (
        have is not None
        and core.same_code(o.sql, have.sql)
        and creator.named(o) == "@".join(core.definer_of(have.sql) or ())
    )


def _key(o: CodeObject) -> tuple[str, str, str]:
    return o.kind, *o.place


# Reading
# ------------------------------------------------------------------------------------------------------------
def list_schemas(db: MariaDb, schemas: Sequence[str]) -> list[Row]:
    return db.rows(sql("schema/list_schemas"), {"schemas": tuple(schemas)})


def list_tables(db: MariaDb, schemas: Sequence[str]) -> list[Row]:
    """Base tables with engine, estimated rows and bytes; no sequences, no views."""
    return [
        t for t in db.rows(sql("schema/list_tables"), {"schemas": tuple(schemas)}) if t["type"] != "SEQUENCE"
    ]


def read_tables(db: MariaDb, schemas: Sequence[str]) -> Tables:
    """Tables as they are as an owner's: what a follower's columns lack for a time is put back in."""
    kept: dict[tuple[str, str], dict[str, str]] = {}
    for r in kept_columns(db):
        kept.setdefault((r["table_schema"], r["table_name"]), {})[r["column_name"]] = r["definition"]
    tables: dict[tuple[str, str], core.Table] = {}
    sequences: dict[tuple[str, str], str] = {}
    with db.fresh(session=READING, schema=None) as reader:
        for t in reader.rows(sql("schema/list_tables"), {"schemas": tuple(schemas)}):
            key = t["schema"], t["name"]
            if t["type"] == "SEQUENCE":
                sequences[key] = str(reader.one(f"SHOW CREATE SEQUENCE {qualified(*key)}")["create table"])
            else:
                text = reader.one(f"SHOW CREATE TABLE {qualified(*key)}")["create table"]
                tables[key] = restored(core.parse_table(t["schema"], text), kept.get(key, {}))
    return Tables(tables, sequences)


def read_views(db: MariaDb, schemas: Sequence[str]) -> list[CodeObject]:
    """Views as texts with schema-qualified names (that is why this session has no default schema)."""
    with db.fresh(session=READING, schema=None) as reader:
        return [
            read_object(reader, "VIEW", o)
            for o in reader.rows(sql("schema/list_views"), {"schemas": tuple(schemas)})
        ]


def read_routines(db: MariaDb, schemas: Sequence[str]) -> list[CodeObject]:
    with db.fresh(session=READING, schema=None) as reader:
        return [
            read_object(reader, o["type"], o)
            for o in reader.rows(sql("schema/list_routines"), {"schemas": tuple(schemas)})
        ]


# Counters
# -----------------------------------------------------------------------------------------------------------
def raise_auto_increment(db_from: MariaDb, db_to: MariaDb, schemas: Sequence[str]) -> list[str]:
    """Bring AUTO_INCREMENT and sequences of `db_to` at least to those of `db_from`; what was raised, as text.

    Runs inside the write pause: two catalogue reads, and an ALTER (instant in InnoDB) only where it is lower.
    """
    args = {"schemas": tuple(schemas)}
    for db in (db_from, db_to):
        if db.rows("SHOW VARIABLES LIKE 'information_schema_stats_expiry'"):
            db.run("SET SESSION information_schema_stats_expiry = 0")
    there = {
        (r["schema"], r["name"]): r["next"] for r in db_to.rows(sql("schema/list_auto_increments"), args)
    }
    raised = []
    for r in db_from.rows(sql("schema/list_auto_increments"), args):
        key = r["schema"], r["name"]
        if there.get(key, r["next"]) < r["next"]:
            db_to.run(f"ALTER TABLE {qualified(*key)} AUTO_INCREMENT = {int(r['next'])}")
            raised.append(f"{key[0]}.{key[1]}: {there[key]} -> {r['next']}")
    return raised + _raise_sequences(db_from, db_to, args)


def _raise_sequences(db_from: MariaDb, db_to: MariaDb, args: Row) -> list[str]:
    raised = []
    for r in db_from.rows(sql("schema/list_sequences"), args):
        name = qualified(r["schema"], r["name"])
        query = f"SELECT next_not_cached_value AS next, increment, cycle_count AS round FROM {name}"
        here, there = db_from.one(query), db_to.one(query)
        sign = 1 if here["increment"] >= 0 else -1
        if (there["round"], sign * there["next"]) < (here["round"], sign * here["next"]):
            db_to.rows(f"SELECT SETVAL({name}, {int(here['next'])}, 0, {int(here['round'])})")
            raised.append(f"sequence {r['schema']}.{r['name']}: {there['next']} -> {here['next']}")
    return raised
