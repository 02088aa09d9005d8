"""Measures what the preflight checks judge. Reads only; a part that cannot be read becomes a problem, not an end."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql

from livemove.adapters.mariadb import MariaDb, qualified, quote, sql
from livemove.adapters.world import World
from livemove.core.preflight.facts import AccountFact, DatabaseFacts, Facts, LobFact, TableFact
from livemove.core.survey import Verdict
from livemove.errors import LivemoveError
from livemove.ports import RecordSet
from livemove.spec import Side, find_spec, project_root

log = logging.getLogger(__name__)

LOB_SECONDS = 20
"""The longest that measuring one LOB column may take on the live source."""


def read_facts(world: World) -> Facts:
    """Everything the checks need to know about this service's world as it stands."""
    problems: dict[str, str] = {}
    limit = lob_limit(world)
    return Facts(
        spec=world.spec,
        declared=frozenset(find_spec(world.spec.service).model_fields_set),
        connections={i: _connection(world, i) for i in connection_ids(world)},
        endpoint=_endpoint(world, problems),
        terraform=terraform_version(),
        records=_records(world, problems),
        zone=_zone(world, problems),
        database=_database(world, problems, measure_lobs=limit is not None),
        lob_limit=limit,
        problems=problems,
    )


def connection_ids(world: World) -> list[str]:
    spec = world.spec
    named = [spec.aws.connection, spec.source.connection, spec.target.connection, spec.application.connection]
    named += [spec.dns.connection] if spec.dns.connection else []
    return list(dict.fromkeys([*named, *(s.connection for s in spec.servers if s.connection)]))


def _connection(world: World, name: str) -> str:
    """Empty, or what is wrong with it; never its values."""
    try:
        secret = world.secret(name)
    except LivemoveError as e:
        return e.found
    if not secret.login and name != world.spec.aws.connection:
        return f"connection {name!r} has no login"
    return ""


def _endpoint(world: World, problems: dict[str, str]) -> str:
    try:
        return world.endpoint_url or ""
    except LivemoveError as e:
        problems["aws"] = e.found
        return ""


def terraform_version() -> str | None:
    """The version of the Terraform beside this Python or on PATH; None when there is none or it does not run."""
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    program = shutil.which("terraform", path=places)
    if program is None:
        return None
    try:
        # without CHECKPOINT_DISABLE it asks its maker for news first
        quiet = {**os.environ, "CHECKPOINT_DISABLE": "1"}
        done = subprocess.run(
            [program, "version", "-json"], capture_output=True, timeout=20, check=True, env=quiet
        )
        return str(json.loads(done.stdout)["terraform_version"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        log.warning("%s does not tell its version", program, exc_info=True)
        return None


def _records(world: World, problems: dict[str, str]) -> tuple[RecordSet, ...] | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return tuple(world.zone.records(world.spec.dns.name))
    except LivemoveError as e:
        problems["zone"] = e.found
    except (BotoCoreError, ClientError) as e:
        problems["zone"] = f"Route 53 did not answer: {e}"
    return None


def _zone(world: World, problems: dict[str, str]) -> Verdict | None:
    """What all authorities of the zone say; None when the record itself could not be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    from livemove.adapters.public_record import survey

    try:
        return survey(world)
    except (LivemoveError, BotoCoreError, ClientError) as e:
        problems["authorities"] = e.found if isinstance(e, LivemoveError) else str(e)
    return None


def lob_limit(world: World) -> int | None:
    """Bytes at which the task settings let DMS cut a LOB; None in full LOB mode."""
    path = project_root() / "include" / world.spec.replication.settings
    try:
        metadata = json.loads(path.read_text(encoding="utf-8")).get("TargetMetadata", {})
    except (OSError, ValueError):
        log.warning("the task settings %s cannot be read; LOBs are not measured", path)
        return None
    if metadata.get("FullLobMode") or not metadata.get("LimitedSizeLobMode", True):
        return None
    return int(metadata.get("LobMaxSize", 32)) * 1024


# The source database -------------------------------------------------------------------------------------------------
def _database(world: World, problems: dict[str, str], *, measure_lobs: bool) -> DatabaseFacts | None:
    try:
        with world.database(Side.SOURCE, timeout=5) as db:
            spec = world.spec.source
            return read_database(db, spec.schemas, spec.accounts, measure_lobs=measure_lobs)
    except LivemoveError as e:
        problems["source"] = e.found
    except pymysql.err.MySQLError as e:
        problems["source"] = f"the catalogue cannot be read: {e.args}"
    return None


def read_database(
    db: MariaDb, schemas: Sequence[str], accounts: Sequence[str], *, measure_lobs: bool = True
) -> DatabaseFacts:
    args = {"schemas": tuple(schemas), "accounts": tuple(accounts)}
    tables = _tables(db, args)
    return DatabaseFacts(
        variables={str(r["variable_name"]).lower(): str(r["value"]) for r in db.rows("SHOW GLOBAL VARIABLES")},
        grants=tuple(str(v) for r in db.rows("SHOW GRANTS") for v in r.values()),
        schemas=frozenset(r["name"] for r in db.rows(sql("list_schemas"), args)),
        tables=tables,
        lobs=_lobs(db, args, measure=measure_lobs),
        transactions=tuple((r["who"], int(r["seconds"] or 0)) for r in db.rows(sql("list_transactions"))),
        prepared_xa=len(_if_allowed(db, "XA RECOVER")),
        accounts=_accounts(db, args),
        definers=tuple((r["kind"], r["name"], r["definer"]) for r in db.rows(sql("list_definers"), args)),
        cascades=tuple((r["table"], r["name"], r["rules"]) for r in db.rows(sql("list_cascades"), args)),
        collations=frozenset(r["name"] for r in db.rows(sql("list_collations"), args)),
        writers=tuple((r["user"], int(r["sessions"])) for r in db.rows(sql("list_connected_users"), {"me": db.login.user})),
        replica=bool(_if_allowed(db, "SHOW SLAVE STATUS")),
    )  # fmt: skip


def _tables(db: MariaDb, args: Any) -> tuple[TableFact, ...]:
    keyed = {(r["schema"], r["name"]) for r in db.rows(sql("list_keyed_tables"), args)}
    return tuple(
        TableFact(t["schema"], t["name"], t["engine"] or "", int(t["estimate"]), int(t["bytes"]), (t["schema"], t["name"]) in keyed)
        for t in db.rows(sql("list_tables"), args)
        if t["type"] != "SEQUENCE"
    )  # fmt: skip


def _lobs(db: MariaDb, args: Any, *, measure: bool) -> tuple[LobFact, ...]:
    return tuple(
        LobFact(f"{c['schema']}.{c['table']}", c["name"], _longest(db, c) if measure else None)
        for c in db.rows(sql("list_lob_columns"), args)
    )


def _longest(db: MariaDb, column: Any) -> int | None:
    name = quote(column["name"])
    query = (
        f"SELECT COALESCE(MAX(LENGTH({name})), 0) AS n FROM {qualified(column['schema'], column['table'])}"
    )
    try:
        return int(db.one(f"SET STATEMENT max_statement_time = {LOB_SECONDS} FOR {query}")["n"])
    except pymysql.err.MySQLError as e:
        log.info("%s.%s not measured: %s", column["table"], column["name"], e.args)
        return None


def _accounts(db: MariaDb, args: Any) -> tuple[AccountFact, ...]:
    held: dict[tuple[str, str], set[str]] = {}
    for r in db.rows(sql("list_accounts"), args):
        held.setdefault((r["user"], r["host"]), set()).update({r["privilege"]} - {None})
    return tuple(AccountFact(user, host, frozenset(p)) for (user, host), p in held.items())


def _if_allowed(db: MariaDb, query: str) -> list[Any]:
    """Rows of a statement that some versions or logins do not have."""
    try:
        return db.rows(query)
    except pymysql.err.MySQLError as e:
        log.info("%s: %s", query, e.args)
        return []
