"""Stored code: triggers, events, routines and views, read as they were recorded and created the same way.

Towards RDS nothing here needs SUPER or SET USER: a definer is kept only where the server knows the account
and lets this login name it. Otherwise an account of its own stands in for the definer of a view or a routine
(`stand_ins`), and the login itself for that of a trigger or an event.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import pymysql

from livemove.model.errors import SchemaError, UnreachableError
from livemove.model.ledger import ApplicationCode, CodeObject
from livemove.model.ports import Row
from livemove.model.sql_names import qualified, quote
from livemove.model.time_zones import SYSTEM
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.server_zones import read_zones, system_means
from livemove.schema import objects as core
from livemove.schema.adapters.stand_ins import StandIns
from livemove.schema.definers import stand_in

log = logging.getLogger(__name__)

READING = {"sql_mode": "", "sql_quote_show_create": 1, "time_zone": "+00:00"}
"""In UTC, because a TIMESTAMP's default is written out in the session's zone."""


def run_ddl(db: MariaDb, statement: str, subject: str) -> None:
    try:
        db.run(statement)
    except pymysql.err.MySQLError as e:
        raise SchemaError(
            f"{subject} could not be created on the {db.side}: {e.args[-1]} ({e.args[0]}), statement:"
            f" {statement[:300]}",
            next_step="fix the cause and clear this task; what is there already stays",
        ) from e


def code_of(db: MariaDb, schemas: Sequence[str]) -> ApplicationCode:
    """Triggers and events as they are, JSON-ready; triggers in the order in which they fire.

    Events of the server's own zone (SYSTEM) say what that means: on RDS it is UTC, and they would run hours
    late there (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.LocalTimeZone.html).
    """
    code = _read_code(db, schemas)
    if not any(e.time_zone == SYSTEM for e in code.events):
        return code
    zone = read_zones(db).system
    if zone is None:
        raise SchemaError(
            f"Events of the {db.side} run by a zone of its machine that no name fits",
            wanted="a zone that other servers know",
            next_step="SET time_zone to a name or an offset there and ALTER each event ON SCHEDULE anew",
        )
    events = [
        e.model_copy(update={"system_zone": zone.name}) if e.time_zone == SYSTEM else e for e in code.events
    ]
    return code.model_copy(update={"events": events})


def _read_code(db: MariaDb, schemas: Sequence[str]) -> ApplicationCode:
    if not schemas:
        return ApplicationCode()
    with db.fresh(session=READING, schema=None) as reader:
        args = {"schemas": tuple(schemas)}
        return ApplicationCode(
            triggers=[
                read_object(reader, "TRIGGER", o, table=o["table"])
                for o in reader.rows(sql("schema/list_triggers"), args)
            ],
            events=[
                read_object(reader, "EVENT", o, status=o["status"])
                for o in reader.rows(sql("schema/list_events"), args)
            ],
        )


def read_object(
    reader: MariaDb, kind: str, o: Mapping[str, Any], *, table: str = "", status: str = ""
) -> CodeObject:
    row = reader.one(f"SHOW CREATE {kind} {qualified(o['schema'], o['name'])}")
    text = row.get("sql original statement") or row.get(f"create {kind.lower()}")
    if not text:
        raise SchemaError(
            f"The text of {kind.lower()} {o['schema']}.{o['name']} is hidden from {reader.login.user} on the"
            f" {reader.side}",
            wanted="its CREATE text",
            next_step="grant SELECT on mysql.* (or SHOW CREATE ROUTINE) to livemove's account",
        )
    return CodeObject(
        kind=kind,
        schema_name=o["schema"],
        name=o["name"],
        sql=str(text),
        sql_mode=row.get("sql_mode") or "",
        charset=row.get("character_set_client") or "utf8mb4",
        collation=row.get("collation_connection") or "",
        database_collation=row.get("database collation") or "",
        time_zone=row.get("time_zone") or "",
        table=table,
        status=status,
    )


# Creating code
# ------------------------------------------------------------------------------------------------------
ALONE = ("TRIGGER", "EVENT")
"""Created inside the write pause, by the session that holds the lock and no other."""
KEPT = ("sql_mode", "character_set_client", "collation_connection", "time_zone")


class Creator:
    """A session that creates stored objects as recorded: SQL mode, character set, collation, time zone.

    A session of its own, or `target` itself while it is pinned, because then it holds a lock that the DDL
    needs; that one gets its own settings back.
    """

    def __init__(self, target: MariaDb, stand_ins: StandIns | None = None) -> None:
        self._stand_ins = stand_ins
        self._others: dict[tuple[str, str], Creator] = {}
        """Definer -> the session of its stand-in."""
        self._borrowed = target.pinned
        self._db = target if target.pinned else target.fresh(session={"lock_wait_timeout": 60}, schema=None)
        self._schema = ""
        self._kept: Row = {}

    def __enter__(self) -> Creator:
        if self._borrowed:
            self._kept = self._db.one(f"SELECT {', '.join(f'@@{name} AS {name}' for name in KEPT)}")
        return self

    def __exit__(self, *_: object) -> None:
        for other in self._others.values():
            other.__exit__()
        if not self._borrowed:
            self._db.close()
            return
        try:
            self._set(self._kept)
        except (pymysql.err.MySQLError, UnreachableError):
            self._db.close()  # the next user of this login begins anew

    @cached_property
    def _may_name_others(self) -> bool:
        grants = " ".join(str(v) for row in self._db.rows("SHOW GRANTS") for v in row.values())
        on_all = " ".join(re.findall(r"GRANT (.*?) ON \*\.\*", grants))
        return bool(re.search(r"\b(ALL PRIVILEGES|SUPER|SET USER|SET_USER_ID|SET_ANY_DEFINER)\b", on_all))

    @cached_property
    def _accounts(self) -> set[tuple[str, str]]:
        return {(str(r["user"]), str(r["host"])) for r in self._db.rows("SELECT user, host FROM mysql.user")}

    @cached_property
    def login(self) -> str:
        """user@host of the account that creates."""
        return str(self._db.one("SELECT CURRENT_USER() AS u")["u"])

    def definers(self, objects: Iterable[CodeObject]) -> list[dict[str, str]]:
        """Who defines each object on the source, and who will here: {"object", "source", "target"}."""
        out = []
        for o in objects:
            was = core.definer_of(o.sql)
            source = "@".join(was) if was else self.login
            out.append({"object": o.label, "source": source, "target": self.named(o)})
        return out

    def named(self, o: CodeObject) -> str:
        """user@host of who defines this object here."""
        was = core.definer_of(o.sql)
        here = self.definer(was) or self._stood_in(o)
        return "@".join(here) if here else self.login

    def _stood_in(self, o: CodeObject) -> tuple[str, str] | None:
        was = core.definer_of(o.sql)
        if was is None or "@".join(was) == self.login or self._stand_ins is None or o.kind in ALONE:
            return None
        return stand_in(was)

    def definer(self, wanted: tuple[str, str] | None) -> tuple[str, str] | None:
        """`wanted` where this server knows it and lets us name it; None: the login itself."""
        return wanted if wanted and self._may_name_others and wanted in self._accounts else None

    def create(self, o: CodeObject) -> None:
        was = core.definer_of(o.sql)
        who = self.definer(was)
        if who is None and was and self._stand_ins and self._stood_in(o):
            if was not in self._others:
                self._others[was] = Creator(self._stand_ins.login(was))
            self._others[was].run(core.with_definer(o.sql, None), o)
        else:
            self.run(core.with_definer(o.sql, who), o)

    def run(self, text: str, o: CodeObject) -> None:
        subject = o.label
        if self._schema != o.schema_name:
            run_ddl(self._db, f"USE {quote(o.schema_name)}", subject)
            self._schema = o.schema_name
        wire = core.wire_text(text, o.charset)
        if wire is None:
            log.warning("%s was recorded in %s; it is created in utf8mb4", subject, o.charset)
        settings = {"sql_mode": o.sql_mode, "character_set_client": o.charset if wire else "utf8mb4"}
        if o.collation:
            settings["collation_connection"] = o.collation
        if o.time_zone:
            settings["time_zone"] = o.time_zone
        self._set(settings)
        run_ddl(self._db, wire or text, subject)

    def _set(self, settings: Row) -> None:
        names = ", ".join(f"{name} = %s" for name in settings)
        self._db.run(f"SET SESSION {names}", tuple(settings.values()))


def create_triggers(db: MariaDb, code: ApplicationCode) -> list[str]:
    """Bring the triggers of `code` to this server; names of those that were created.

    Where one of a table's differs, all of the table's are created again: the order of creation is that of
    firing.
    """
    return _bring(db, "triggers", code.triggers, lambda o: (o.schema_name, o.table))


def create_events(db: MariaDb, code: ApplicationCode) -> list[str]:
    """Create the events of `code` here, disabled; returns those created, or replaced as they differed."""
    disabled = [o.model_copy(update={"sql": core.with_status(o.sql, False)}) for o in code.events]
    return _bring(db, "events", disabled, lambda o: o.place)


def create_code(db: MariaDb, code: ApplicationCode) -> list[str]:
    """Triggers and disabled events together."""
    made = create_triggers(db, code) + create_events(db, code)
    log.info("created on the %s as %s: %s", db.side, db.login.user, ", ".join(made) or "nothing")
    return made


def _bring(
    db: MariaDb,
    kind: Literal["triggers", "events"],
    objects: Sequence[CodeObject],
    together: Callable[[CodeObject], tuple[str, str]],
) -> list[str]:
    if not objects:
        return []
    names = {o.place for o in objects}
    code = _read_code(db, sorted({schema for schema, _ in names}))
    present = code.triggers if kind == "triggers" else code.events
    there = _groups([o for o in present if o.place in names], together)
    wanted = _groups(_in_zones_of(db, objects), together)
    new = [key for key, group in wanted.items() if not _all_stand(group, there.get(key, []))]
    if new:
        with Creator(db) as creator:
            for key in new:
                for o in there.get(key, []):
                    creator.run(f"DROP {o.kind} {qualified(*o.place)}", o)
                for o in wanted[key]:
                    creator.create(o)
    return [o.full_name for key in new for o in wanted[key]]


def _in_zones_of(db: MariaDb, objects: Sequence[CodeObject]) -> list[CodeObject]:
    """As they are recorded here: SYSTEM stays SYSTEM only where it means the same."""
    means = {zone: system_means(db, zone) for zone in {o.system_zone for o in objects} if zone}
    return [
        o if means.get(o.system_zone, True) else o.model_copy(update={"time_zone": o.system_zone})
        for o in objects
    ]


def _groups(
    objects: Iterable[CodeObject], together: Callable[[CodeObject], tuple[str, str]]
) -> dict[tuple[str, str], list[CodeObject]]:
    groups: dict[tuple[str, str], list[CodeObject]] = {}
    for o in objects:
        groups.setdefault(together(o), []).append(o)
    return groups


def _all_stand(wanted: Sequence[CodeObject], there: Sequence[CodeObject]) -> bool:
    return len(wanted) == len(there) and all(
        a.name == b.name and _stands(a, b) for a, b in zip(wanted, there, strict=True)
    )


def _stands(wanted: CodeObject, there: CodeObject | None) -> bool:
    return there is not None and core.same_code(wanted.sql, there.sql) and wanted.time_zone == there.time_zone


def prove_triggers(db: MariaDb, code: ApplicationCode, tables: Container[tuple[str, str]]) -> list[str]:
    """Create the triggers of these tables, then drop them, since none can be disabled; returns their names.

    Only for tables that are empty and that nobody writes to yet; what a killed attempt left behind is dropped
    too.
    """
    mine = [o for o in code.triggers if (o.schema_name, o.table) in tables]
    try:
        create_triggers(db, ApplicationCode(triggers=mine))
    finally:
        there = {o.place: o for o in code_of(db, sorted({o.schema_name for o in code.triggers})).triggers}
        for o in code.triggers:
            if _stands(o, there.get(o.place)):
                db.run(f"DROP TRIGGER IF EXISTS {qualified(*o.place)}")
    return [o.full_name for o in mine]


def drop_triggers(db: MariaDb, schemas: Sequence[str]) -> list[str]:
    """Drop all triggers of these schemas; their names. Save code_of() first."""
    there = db.rows(sql("schema/list_triggers"), {"schemas": tuple(schemas)})
    for o in there:
        db.run(f"DROP TRIGGER IF EXISTS {qualified(o['schema'], o['name'])}")
    return [f"{o['schema']}.{o['name']}" for o in there]


def set_events(db: MariaDb, names: Iterable[str | Sequence[str]], enabled: bool) -> list[str]:
    """Switch these events ("schema.name" or (schema, name)) on or off; names of those that changed.

    ALTER EVENT makes the caller the definer, so the old one is named where this login may; and the caller's
    character set that of the body, whose bytes stay as they are, so it is done in the event's own.
    """
    wanted = [tuple(n.split(".", 1)) if isinstance(n, str) else (n[0], n[1]) for n in names]
    if not wanted:
        return []
    there = db.rows(sql("schema/list_events"), {"schemas": tuple({s for s, _ in wanted})})
    state = "ENABLED" if enabled else "DISABLED"
    changed = [o for o in there if (o["schema"], o["name"]) in wanted and o["status"] != state]
    if changed:
        with Creator(db) as creator:
            for o in changed:
                user, _, host = o["definer"].rpartition("@")
                who = creator.definer((user, host))
                named = f"DEFINER={quote(who[0])}@{quote(who[1])} " if who else ""
                event = CodeObject(
                    kind="EVENT",
                    schema_name=o["schema"],
                    name=o["name"],
                    sql=f"ALTER {named}EVENT {qualified(o['schema'], o['name'])}"
                    f" {'ENABLE' if enabled else 'DISABLE'}",
                    charset=o["charset"],
                    collation=o["collation"],
                )
                creator.run(event.sql, event)
    return [f"{o['schema']}.{o['name']}" for o in changed]
