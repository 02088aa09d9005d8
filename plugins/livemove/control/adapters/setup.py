"""Installs the control objects on a database, and the accounts that livemove makes there.

Everything may run twice: an existing control row is never reset, an existing account keeps its password,
which is read back from Secrets Manager.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pymysql

from livemove.control import privileges as rights
from livemove.control.adapters.control_row import SCRIPTS, Control, apply_account, version, watermark_table
from livemove.model.errors import RefusedError, SetupError
from livemove.model.ports import ControlState, Json
from livemove.model.spec import Side
from livemove.model.sql_names import quote, schema_pattern
from livemove.runtime.mariadb import MariaDb, sql

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

READ_ACCOUNT = "livemove_read"
WATCH_ACCOUNT = "livemove_watch"
KEEP_BINLOG_HOURS = 168
"""RDS's "binlog retention hours": how far back reverse replication may read, a week."""
WATCH_RIGHTS = ("EXECUTE ON PROCEDURE livemove.watch", "EXECUTE ON PROCEDURE livemove.report_hold")
"""All that the waiters on the servers may do."""
READ_RIGHTS, APPLY_RIGHTS = rights.names(rights.READER), rights.names(rights.APPLIER)
SCHEMA_RIGHTS = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "TRIGGER",
    "DELETE HISTORY",
)
"""https://mariadb.com/kb/en/grant/#database-privileges"""
DMS_SCHEMA = "awsdms_control"
"""DMS keeps its control tables here (https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ControlTable.html)."""


def install(db: MariaDb, accounts: Sequence[str], schemas: Sequence[str]) -> bool:
    """Control objects of this version, and the row if there is none. True when something was installed."""
    if missing := locked_accounts(db, accounts, db.side):
        raise RefusedError(
            f"On the {db.side} database these application accounts are locked: {', '.join(missing)}",
            wanted="accounts that may log in now: an open database unlocks all of them",
            next_step="drop or unlock them, or take them out of source.accounts in the spec",
        )
    control = Control(db)
    new = not control.installed()
    if new:
        for script in SCRIPTS[:-1]:
            db.script(sql(script))
        _first_row(db)
    _fill(db, "application_account", "user", accounts)
    _fill(db, "application_schema", "name", schemas)
    if new:
        db.script(sql(SCRIPTS[-1]))
        db.run("UPDATE livemove.control SET version = %s WHERE id = 1", (version(),))
    return new


def _first_row(db: MariaDb) -> None:
    state = ControlState.OPEN if db.side is Side.SOURCE else ControlState.FOLLOW
    db.run(
        """INSERT IGNORE INTO livemove.control
           (id, side, state, epoch, has_read_only, has_rds_kill, version, changed_at)
           VALUES (1, %s, %s, 1, %s, %s, '', UTC_TIMESTAMP(6))""",
        (str(db.side), str(state), may_set_read_only(db), has_routine(db, "mysql", "rds_kill")),
    )


def _fill(db: MariaDb, table: str, column: str, values: Sequence[str]) -> None:
    marks = ", ".join(["%s"] * len(values))
    db.run(f"DELETE FROM livemove.{table} WHERE {column} NOT IN ({marks})", tuple(values))
    for value in values:
        db.run(f"INSERT IGNORE INTO livemove.{table} ({column}) VALUES (%s)", (value,))


def locked_accounts(db: MariaDb, accounts: Sequence[str], side: Side) -> list[str]:
    """Application accounts that a person has locked on the source before livemove ever came."""
    if side is Side.TARGET or has_schema(db):
        return []
    marks = ", ".join(["%s"] * len(accounts))
    rows = db.rows(
        f"""SELECT CONCAT(User, '@', Host) AS name FROM mysql.global_priv
             WHERE User IN ({marks}) AND JSON_VALUE(Priv, '$.account_locked') = 1""",
        tuple(accounts),
    )
    return [r["name"] for r in rows]


def may_set_read_only(db: MariaDb) -> bool:
    """READ_ONLY ADMIN (10.5 and later) or ALL; RDS's master user has neither."""
    grants = " ".join(
        next(iter(r.values())) for r in db.rows("SHOW GRANTS") if " ON *.* " in next(iter(r.values()))
    )
    return "READ_ONLY ADMIN" in grants or "ALL PRIVILEGES" in grants


def has_routine(db: MariaDb, schema: str, name: str) -> bool:
    return bool(
        db.rows(
            "SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s AND ROUTINE_NAME = %s",
            (schema, name),
        )
    )


def has_schema(db: MariaDb) -> bool:
    return bool(db.rows("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'livemove'"))


def keep_binlogs(db: MariaDb, hours: int = KEEP_BINLOG_HOURS) -> None:
    """RDS purges binlogs as soon as it can unless configured otherwise; reverse replication reads them."""
    if has_routine(db, "mysql", "rds_set_configuration"):
        db.rows("CALL mysql.rds_set_configuration('binlog retention hours', %s)", (hours,))


# accounts -------------------------------------------------------------------------------------------
def credentials(world: ServiceContext, side: Side, account: str) -> Json:
    """{"username", "password", "host", "port"} from Secrets Manager; made there the first time."""
    from botocore.exceptions import ClientError

    client, name = world.aws("secretsmanager"), secret_name(world.spec.service, side, account)
    try:
        found: Json = json.loads(client.get_secret_value(SecretId=name)["SecretString"])
        return found
    except ClientError as e:
        if e.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
    made: Json = {"username": account, "password": secrets.token_urlsafe(24), **_place(world, side)}
    client.create_secret(Name=name, SecretString=json.dumps(made))
    return made


def delete_credentials(world: ServiceContext) -> None:
    """Every secret that `credentials` made for this service."""
    client = world.aws("secretsmanager")
    prefix = f"{world.spec.service}/livemove/"
    names: list[str] = []
    for page in client.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [prefix]}]):
        names += [s["Name"] for s in page["SecretList"] if s["Name"].startswith(prefix)]
    for name in names:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def secret_name(service: str, side: Side, account: str) -> str:
    return f"{service}/livemove/{side}/{account}"


def _place(world: ServiceContext, side: Side) -> Json:
    if side is Side.SOURCE:
        return {"host": world.spec.source.address, "port": world.spec.source.port}
    return {"host": world.outputs.database_address, "port": world.outputs.database_port}


def ensure_account(db: MariaDb, user: str, password: str, grants: Sequence[str], *, locked: bool) -> None:
    """user@'%' with this password and these rights ("RIGHTS ON object"). An existing one keeps its lock.

    It logs in over TLS or not at all where livemove itself does.
    """
    name = f"{_text(user)}@'%'"
    # only the hash travels: statements end up in binlogs and in logs
    how = f"IDENTIFIED VIA mysql_native_password USING '{native_hash(password)}'"
    how += f" REQUIRE {'SSL' if db.login.trust else 'NONE'}"
    db.run(f"CREATE USER IF NOT EXISTS {name} {how}{' ACCOUNT LOCK' if locked else ''}")
    db.run(f"ALTER USER {name} {how}")
    for grant in grants:
        db.run(f"GRANT {grant} TO {name}")


def ensure_reader(world: ServiceContext, db: MariaDb) -> Json:
    made = credentials(world, db.side, READ_ACCOUNT)
    ensure_account(db, READ_ACCOUNT, made["password"], [f"{READ_RIGHTS} ON *.*"], locked=False)
    return made


def ensure_applier(world: ServiceContext, db: MariaDb, epoch: int) -> Json:
    """The replicator's account of `epoch` on its follower; locked until the row (or a test) opens it."""
    made = credentials(world, db.side, apply_account(epoch))
    watermark = watermark_table(db.side.other)
    grants = [f"{APPLY_RIGHTS} ON {schema_pattern(s)}.*" for s in (*world.spec.source.schemas, DMS_SCHEMA)]
    # DROP: DMS empties its tables with TRUNCATE before a full load
    grants.append(f"SELECT, INSERT, UPDATE, DELETE, DROP ON livemove.{watermark}")
    if may_set_read_only(db):
        grants.append("READ_ONLY ADMIN ON *.*")
    ensure_account(db, apply_account(epoch), made["password"], grants, locked=True)
    return made


def ensure_watcher(world: ServiceContext, db: MariaDb) -> None:
    made = credentials(world, db.side, WATCH_ACCOUNT)
    ensure_account(db, WATCH_ACCOUNT, made["password"], WATCH_RIGHTS, locked=False)


def drop_accounts(db: MariaDb) -> None:
    """Drop livemove's own accounts, and end watching sessions: an open one would lock its procedure."""
    for r in db.rows(
        "SELECT User AS u, Host AS h FROM mysql.global_priv WHERE User IN (%s, %s) OR User LIKE"
        " 'livemove\\_apply\\_e%%'",
        (READ_ACCOUNT, WATCH_ACCOUNT),
    ):
        db.run(f"DROP USER IF EXISTS {_text(r['u'])}@{_text(r['h'])}")
    if has_routine(db, "livemove", "end_session"):
        # a session inside a procedure is listed under the procedure's definer
        for r in db.rows(
            "SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = 'livemove' AND COMMAND = 'Query'"
        ):
            db.run("CALL livemove.end_session(%s)", (r["id"],))


def copy_application_accounts(source: MariaDb, target: MariaDb, accounts: Sequence[str]) -> list[str]:
    """Create the application's accounts and roles on the target, locked, with their password hashes.

    Returns the grants that are not possible yet.
    """
    later: list[str] = []
    marks = ", ".join(["%s"] * len(accounts))
    found = source.rows(
        f"SELECT User AS u, Host AS h FROM mysql.global_priv WHERE User IN ({marks})", tuple(accounts)
    )
    if absent := set(accounts) - {r["u"] for r in found}:
        raise SetupError(
            f"The source has no account {', '.join(sorted(absent))}",
            wanted="every account of source.accounts in the spec",
            next_step="correct the spec",
        )
    for r in found:
        name = f"{_text(r['u'])}@{_text(r['h'])}"
        _copy_account(source, target, name)
        for role in _roles(source, r["u"], r["h"]):
            target.run(f"CREATE ROLE IF NOT EXISTS {quote(role)}")
            later += _copy_grants(source, target, quote(role))
        later += _copy_grants(source, target, name)
    # a role's grants are shown with those of every role that has it
    return list(dict.fromkeys(later))


def _copy_account(source: MariaDb, target: MariaDb, name: str) -> None:
    create = str(next(iter(source.one(f"SHOW CREATE USER {name}").values())))
    try:
        target.run(locked_copy(create))
    except pymysql.err.MySQLError as e:
        if target.rows("SELECT 1 FROM mysql.user WHERE CONCAT(QUOTE(user), '@', QUOTE(host)) = %s", (name,)):
            return  # a person has made it there
        raise SetupError(
            f"The account {name} cannot be made on the {target.side} with the password that it has:"
            f" {e.args[-1]} ({e.args[0]})",
            wanted="a password kept by a plugin that both servers have, so that its hash can be carried",
            next_step=(
                f"ALTER USER {name} IDENTIFIED BY ... on the {source.side}, or make the account on the"
                f" {target.side} by hand; then clear this task"
            ),
        ) from e


def _roles(db: MariaDb, user: str, host: str) -> list[str]:
    """Roles of an account, and theirs; each after those that it has itself."""
    rows = db.rows("SELECT Role AS role FROM mysql.roles_mapping WHERE User = %s AND Host = %s", (user, host))
    found: list[str] = []
    for r in rows:
        found += [role for role in (*_roles(db, r["role"], ""), r["role"]) if role not in found]
    return found


def _copy_grants(source: MariaDb, target: MariaDb, name: str) -> list[str]:
    return [
        later
        for line in source.rows(f"SHOW GRANTS FOR {name}")
        for later in _grant(target, str(next(iter(line.values()))))
    ]


def locked_copy(create_user: str) -> str:
    """SHOW CREATE USER's answer as a statement that makes the account locked, if it is not there."""
    plain = create_user.replace(" ACCOUNT LOCK", "", 1)
    return plain.replace("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1) + " ACCOUNT LOCK"


def _grant(target: MariaDb, line: str) -> list[str]:
    if line.startswith("GRANT USAGE ON *.*"):
        return []
    grant = re.sub(r" IDENTIFIED (BY PASSWORD|VIA \S+( USING)?) '[^']*'", "", line)
    if grant.startswith("GRANT ALL PRIVILEGES ON ") and " ON *.* " not in grant:
        # RDS's master user may not give ALL, only what it has itself
        grant = grant.replace("ALL PRIVILEGES", ", ".join(schema_rights(target)), 1)
    try:
        target.run(grant)
    except pymysql.err.MySQLError as e:
        # 1146, 1305: its table or routine is carried over later; anything else is told as well
        return [f"{grant} ({e.args[0]}: {e.args[1]})"]
    return []


def schema_rights(db: MariaDb) -> list[str]:
    """Of the rights that ALL PRIVILEGES means on a schema, those that this login may pass on."""
    mine = next(g for r in db.rows("SHOW GRANTS") if " ON *.* " in (g := str(next(iter(r.values())))))
    if mine.startswith("GRANT ALL PRIVILEGES"):
        return ["ALL PRIVILEGES"]
    held = {right.strip() for right in mine.removeprefix("GRANT ").split(" ON *.* ")[0].split(",")}
    return [right for right in SCHEMA_RIGHTS if right in held]


def native_hash(password: str) -> str:
    """mysql_native_password: '*' and SHA1 of SHA1, in hex."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()


def _text(value: Any) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"
