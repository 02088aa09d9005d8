"""Measures what the preflight checks judge. Read-only; what cannot be read becomes a finding."""

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

from livemove.control import privileges as rights
from livemove.control.adapters.setup import READ_ACCOUNT
from livemove.dns.adapters.zones import zone_of
from livemove.dns.zone_checks import ZoneFindings
from livemove.model.errors import LivemoveError
from livemove.model.ledger import Outputs
from livemove.model.ports import Json, RecordSet
from livemove.model.spec import Side, find_spec, project_root
from livemove.model.sql_names import qualified, quote
from livemove.preflight.adapters.assessment import read_assessment
from livemove.preflight.adapters.measurements import (
    SAMPLE_SECONDS,
    ZERO_SECONDS,
    CounterSample,
    clock_ahead,
    column_facts,
    rows_if_allowed,
    sample,
    trips,
    zero_dates,
)
from livemove.preflight.adapters.vpn import read_vpn
from livemove.preflight.facts import AccountFact, DatabaseFacts, Facts, TableFact, TargetFacts
from livemove.replication.adapters.lob_lengths import LOB_SECONDS, longest_lobs
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.server_zones import read_zones
from livemove.runtime.service_context import ServiceContext
from livemove.schema.adapters.lob_helpers import lob_columns
from livemove.schema.objects import schemas_named

log = logging.getLogger(__name__)


def read_facts(world: ServiceContext) -> Facts:
    """Everything the checks need to know about this service's world as it is."""
    problems: dict[str, str] = {}
    metadata = task_settings(world)
    return Facts(
        spec=world.spec,
        declared=frozenset(find_spec(world.spec.service).model_fields_set),
        connections={i: _connection(world, i) for i in connection_ids(world)},
        endpoint=_endpoint(world, problems),
        terraform=terraform_version(),
        records=_records(world, problems),
        zone=_zone(world, problems),
        database=_database(world, problems),
        target=_target(world, problems),
        assessment=read_assessment(world, problems),
        vpn=read_vpn(world, problems),
        lob_limit=lob_limit(metadata),
        batch_apply=bool(metadata.get("BatchApplyEnabled")),
        problems=problems,
    )


def connection_ids(world: ServiceContext) -> list[str]:
    spec = world.spec
    named = [spec.aws.connection, spec.source.connection, spec.target.connection, spec.application.connection]
    named += [spec.dns.connection] if spec.dns.connection else []
    return list(dict.fromkeys([*named, *(s.connection for s in spec.servers if s.connection)]))


def _connection(world: ServiceContext, name: str) -> str:
    """Empty, or what is wrong with it; never its values."""
    databases = {world.spec.source.connection: Side.SOURCE, world.spec.target.connection: Side.TARGET}
    try:
        secret = world.secret(name)
        if name in databases and (trust := world.trust(databases[name])):
            trust.context()
    except LivemoveError as e:
        return e.found
    if not secret.login and name != world.spec.aws.connection:
        return f"connection {name!r} has no login"
    return ""


def _endpoint(world: ServiceContext, problems: dict[str, str]) -> str:
    try:
        return world.endpoint_url or ""
    except LivemoveError as e:
        problems["aws"] = e.found
        return ""


def terraform_version() -> str | None:
    """The version of Terraform beside this Python or on PATH; None when there is none that runs."""
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


def _records(world: ServiceContext, problems: dict[str, str]) -> tuple[RecordSet, ...] | None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return tuple(zone_of(world).records(world.spec.dns.name))
    except LivemoveError as e:
        problems["zone"] = e.found
    except (BotoCoreError, ClientError) as e:
        problems["zone"] = f"Route 53 did not answer: {e}"
    return None


def _zone(world: ServiceContext, problems: dict[str, str]) -> ZoneFindings | None:
    """What all authorities of the zone say; None when the record itself could not be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    from livemove.dns.adapters.public_record import survey

    try:
        return survey(world)
    except (LivemoveError, BotoCoreError, ClientError) as e:
        problems["authorities"] = e.found if isinstance(e, LivemoveError) else str(e)
    return None


def task_settings(world: ServiceContext) -> Json:
    """TargetMetadata of the DMS settings for this service's tasks; {} when they cannot be read."""
    path = project_root() / "include" / world.spec.replication.settings
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")).get("TargetMetadata", {}))
    except (OSError, ValueError):
        log.warning("the task settings %s cannot be read; LOBs are not judged", path)
        return {}


def lob_limit(metadata: Json) -> int | None:
    """Bytes at which the task settings let DMS cut a LOB; None in full LOB mode."""
    if not metadata or metadata.get("FullLobMode") or not metadata.get("LimitedSizeLobMode", True):
        return None
    return int(metadata.get("LobMaxSize", 32)) * 1024


# The target, where it stands
# ----------------------------------------------------------------------------------------
def _target(world: ServiceContext, problems: dict[str, str]) -> TargetFacts | None:
    try:
        if world.ledger.load(Outputs) is None:
            return None
    except Exception as e:
        # without AWS there is no ledger; the finding about the endpoint says so
        log.info("no ledger: %s", e)
        return None
    try:
        with world.database(Side.TARGET, timeout=5) as db:
            return read_target(db, world.spec.source.schemas)
    except LivemoveError as e:
        problems["target"] = e.found
    except pymysql.err.MySQLError as e:
        problems["target"] = f"the target's catalogue cannot be read: {e.args}"
    return None


def read_target(db: MariaDb, schemas: Sequence[str]) -> TargetFacts:
    tables: dict[str, int] = {}
    for t in db.rows(sql("schema/list_tables"), {"schemas": tuple(schemas)}):
        tables[t["schema"]] = tables.get(t["schema"], 0) + 1
    return TargetFacts(
        version=str(db.one("SELECT VERSION() AS v")["v"]),
        known=bool(rows_if_allowed(db, "SELECT 1 FROM livemove.control WHERE id = 1")),
        tables=tables,
        grants=tuple(str(v) for r in db.rows("SHOW GRANTS") for v in r.values()),
        collations=frozenset(
            # MariaDB since 10.10 lists UCA collations once for all character sets, and by full name only in
            # the second
            str(r["name"])
            for query in ("preflight/list_known_collations", "preflight/list_full_collations")
            for r in rows_if_allowed(db, sql(query))
        ),
    )


# The source database
# -------------------------------------------------------------------------------------------------
def _database(world: ServiceContext, problems: dict[str, str]) -> DatabaseFacts | None:
    try:
        with world.database(Side.SOURCE, timeout=5) as db:
            return read_database(db, world.spec.source.schemas, world.spec.source.accounts)
    except LivemoveError as e:
        problems["source"] = e.found
    except pymysql.err.MySQLError as e:
        problems["source"] = f"the catalogue cannot be read: {e.args}"
    return None


def read_database(
    db: MariaDb,
    schemas: Sequence[str],
    accounts: Sequence[str],
    *,
    sample_seconds: float = SAMPLE_SECONDS,
    lob_seconds: float = LOB_SECONDS,
    zero_seconds: float = ZERO_SECONDS,
) -> DatabaseFacts:
    """What the checks need to know and this login may see; the rest counts as a missing privilege."""
    args = {"schemas": tuple(schemas), "accounts": tuple(accounts)}
    first, trip = CounterSample.at_now(db), trips(db)
    variables = {str(r["variable_name"]).lower(): str(r["value"]) for r in db.rows("SHOW GLOBAL VARIABLES")}
    tables, columns = _tables(db, args), db.rows(sql("preflight/list_telling_columns"), args)
    sizes = {str(t): t.bytes for t in tables}
    beside_lobs = lob_columns(db, schemas)
    return DatabaseFacts(
        variables=variables,
        origins=_origins(db),
        grants=tuple(str(v) for r in db.rows("SHOW GRANTS") for v in r.values()),
        schemas=frozenset(r["name"] for r in db.rows(sql("schema/list_schemas"), args)),
        tables=tables,
        columns=column_facts(columns),
        sequences=_sequences(db, args),
        lobs=longest_lobs(db, db.rows(sql("replication/list_lob_columns"), args), sizes, lob_seconds),
        helped_lobs=tuple(c.shown for c in beside_lobs if c.helped),
        updated_beside_lobs=tuple(c.shown for c in beside_lobs if c.on_update),
        zero_dates=zero_dates(db, columns, sizes, zero_seconds),
        transactions=tuple(
            (r["who"], int(r["seconds"] or 0))
            for r in rows_if_allowed(db, sql("preflight/list_transactions"))
        ),
        prepared_xa=len(rows_if_allowed(db, "XA RECOVER")),
        accounts=_accounts(db, args),
        known_accounts=frozenset(
            f"{r['user']}@{r['host']}" for r in rows_if_allowed(db, "SELECT user, host FROM mysql.user")
        ),
        own_grants=_own_grants(db),
        definers=_definers(db, args),
        code_makers=tuple(
            (str(r["grantee"]), str(r["privilege"]))
            for r in rows_if_allowed(
                db,
                sql("preflight/list_code_makers"),
                {**args, "quoted": tuple(f"'{name}'" for name in accounts)},
            )
        ),
        cascades=tuple(
            (r["table"], r["name"], r["rules"]) for r in db.rows(sql("comparison/list_cascades"), args)
        ),
        foreign_ties=tuple(
            (r["table"], r["name"], r["refers_to"]) for r in db.rows(sql("preflight/list_foreign_ties"), args)
        ),
        login_plugins=tuple(
            (r["account"], r["plugin"])
            for r in rows_if_allowed(db, sql("preflight/list_login_plugins"), args)
        ),
        broken_views=_broken_views(db, args),
        mentions=_mentions(db, args),
        collations=frozenset(r["name"] for r in db.rows(sql("preflight/list_collations"), args)),
        writers=tuple(
            (r["user"], int(r["sessions"]))
            for r in db.rows(sql("preflight/list_connected_users"), {"me": db.login.user})
        ),
        replica=bool(rows_if_allowed(db, "SHOW SLAVE STATUS")),
        unlogged=_unlogged(db, schemas),
        disks=_disks(db),
        trips=trip,
        zones=read_zones(db),
        system_zone_events=tuple(
            str(r["name"]) for r in rows_if_allowed(db, sql("preflight/list_system_zone_events"), args)
        ),
        clock_ahead=clock_ahead(db),
        sample=sample(db, first, schemas, sample_seconds),
    )


def _origins(db: MariaDb) -> dict[str, str]:
    """Where each variable's value comes from, by its name."""
    rows = rows_if_allowed(db, sql("preflight/list_origins"))
    return {str(r["name"]).lower(): str(r["origin"]) for r in rows}


def _sequences(db: MariaDb, args: Any) -> tuple[str, ...]:
    listed = db.rows(sql("schema/list_tables"), args)
    return tuple(f"{t['schema']}.{t['name']}" for t in listed if t["type"] == "SEQUENCE")


def _disks(db: MariaDb) -> dict[str, int]:
    """Free bytes by path."""
    rows = rows_if_allowed(db, "SELECT path, available FROM information_schema.disks")
    return {str(r["path"]): int(r["available"]) * 1024 for r in rows}


def _tables(db: MariaDb, args: Any) -> tuple[TableFact, ...]:
    keyed = {(r["schema"], r["name"]) for r in db.rows(sql("preflight/list_keyed_tables"), args)}
    parts = {
        (r["schema"], r["name"]): int(r["partitions"])
        for r in db.rows(sql("preflight/list_partitioned_tables"), args)
    }
    return tuple(
        TableFact(
            t["schema"],
            t["name"],
            t["engine"] or "",
            int(t["estimate"]),
            int(t["bytes"]),
            (t["schema"], t["name"]) in keyed,
            int(t["index_bytes"]),
            t["type"] == "SYSTEM VERSIONED",
            parts.get((t["schema"], t["name"]), 0),
        )
        for t in db.rows(sql("schema/list_tables"), args)
        if t["type"] != "SEQUENCE"
    )


def _broken_views(db: MariaDb, args: Any) -> tuple[str, ...]:
    """Views on missing tables or columns. A missing definer is no problem: the target gets another one."""
    views = [qualified(v["schema"], v["name"]) for v in db.rows(sql("schema/list_views"), args)]
    said = rows_if_allowed(db, f"CHECK TABLE {', '.join(views)}") if views else []
    return tuple(sorted({str(r["table"]) for r in said if "references invalid" in str(r["msg_text"])}))


def _mentions(db: MariaDb, args: Any) -> tuple[tuple[str, str, str], ...]:
    others = [str(r["name"]) for r in db.rows(sql("preflight/list_other_schemas"), args)]
    return tuple(
        (t["kind"], t["name"], other)
        for t in [
            *db.rows(sql("preflight/list_texts"), args),
            *rows_if_allowed(db, sql("preflight/list_event_texts"), args),
        ]
        for other in schemas_named(t["kind"], t["body"] or "", others)
    )


def _accounts(db: MariaDb, args: Any) -> tuple[AccountFact, ...]:
    held: dict[tuple[str, str], set[str]] = {}
    for r in rows_if_allowed(db, sql("preflight/list_accounts"), args):
        held.setdefault((r["user"], r["host"]), set()).update({r["privilege"]} - {None})
    for r in rows_if_allowed(db, sql("preflight/list_roles"), args):
        lines = rows_if_allowed(db, f"SHOW GRANTS FOR {quote(r['role'])}")
        theirs, _ = rights.global_privileges(str(v) for line in lines for v in line.values())
        held.setdefault((r["user"], r["host"]), set()).update(theirs)
    return tuple(AccountFact(user, host, frozenset(p)) for (user, host), p in held.items())


def _definers(db: MariaDb, args: Any) -> tuple[tuple[str, str, str], ...]:
    # with event_scheduler=DISABLED the server refuses to list events (1577); that is a finding of its own
    events = rows_if_allowed(db, sql("preflight/list_event_definers"), args)
    return tuple(
        (r["kind"], r["name"], r["definer"])
        for r in [*db.rows(sql("preflight/list_definers"), args), *events]
    )


def _own_grants(db: MariaDb) -> dict[str, tuple[str, ...]]:
    lines = rows_if_allowed(db, f"SHOW GRANTS FOR '{READ_ACCOUNT}'@'%'")
    return {READ_ACCOUNT: tuple(str(v) for r in lines for v in r.values())} if lines else {}


def _unlogged(db: MariaDb, schemas: Sequence[str]) -> frozenset[str]:
    """Schemas that the filters of the binlog keep out; https://mariadb.com/docs/server/ha-and-performance/standard-replication/replication-filters"""
    master = next(iter(rows_if_allowed(db, "SHOW MASTER STATUS")), {})
    only, never = (
        {s for s in str(master.get(k) or "").split(",") if s} for k in ("binlog_do_db", "binlog_ignore_db")
    )
    return frozenset(s for s in schemas if (only and s not in only) or s in never)
