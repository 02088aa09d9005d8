"""Who an endpoint logs in as, and the one right that only the lab's replicator needs.

Endpoints name a secret and a role, as on AWS; the secret is read from the lab's Secrets Manager.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import Any

import pymysql

from lab import addresses, secrets_file
from lab.cloud import network, pace
from lab.cloud.dms import certificates
from lab.cloud.dms.replicator.description import Login
from lab.cloud.dms.replicator.failure import odbc, split
from lab.mariadb import LAX
from lab.processes import LabError, Registry

log = logging.getLogger(__name__)


class NoAccess(Exception):
    """The endpoint's login cannot be found; the text becomes LastFailureMessage."""


@dataclass(frozen=True)
class Where:
    account: str
    region: str


def login_of(endpoint: Any, where: Where, instance: Any) -> Login:
    """The login of a moto endpoint: from its secret, or from its own fields; it speaks from the instance."""
    here_from = addresses.here().dms if network.replication_host(instance) else None
    return replace(_login_of(endpoint, where, instance), speaks_from=here_from)


def _login_of(endpoint: Any, where: Where, instance: Any) -> Login:
    settings = endpoint.my_sql_settings or {}
    secret = settings.get("SecretsManagerSecretId")
    ca, identity = certificates.file_of(endpoint), endpoint.ssl_mode == "verify-full"
    if not secret:
        return Login(
            endpoint.server_name or settings.get("ServerName", ""),
            int(endpoint.port or settings.get("Port", 3306)),
            endpoint.username or settings.get("Username", ""),
            endpoint.password or settings.get("Password", ""),
            ca=ca,
            identity=identity,
        )
    check_role(settings.get("SecretsManagerAccessRoleArn"), where)
    if why := unanswered(instance, "secretsmanager"):
        raise NoAccess(
            "Failed to retrieve secret. Unable to find Secrets Manager secret, Application-Detailed-Message:"
            f" Unable to find AWS Secrets Manager secret Arn '{secret}' The secrets_manager get secret value"
            f" failed: {why}"
        )
    content = read_secret(secret, where)
    try:
        return Login(
            content["host"],
            int(content["port"]),
            content["username"],
            content["password"],
            ca=ca,
            identity=identity,
        )
    except KeyError as e:
        raise NoAccess(
            f"The secret {secret} has no key {e.args[0]}; DMS needs username, password, host and port"
        ) from e


def unanswered(instance: Any, service: str) -> str:
    """curl's words when a replication instance gets no answer from the service, after a while; else empty.

    https://repost.aws/knowledge-center/dms-test-endpoint-failed-error-1020912
    """
    why = network.dropped_to_service(network.replication_host(instance), service, addresses.here())
    if why is None:
        return ""
    log.warning("dropped: a call of %s by %s: %s", service, instance.id, why)
    time.sleep(pace.DROPPED.lab)
    return "curlCode: 28, Timeout was reached Too many retries: curlCode: 28, Timeout was reached"


def read_secret(secret: str, where: Where) -> dict[str, Any]:
    from moto.secretsmanager.models import secretsmanager_backends

    try:
        found = secretsmanager_backends[where.account][where.region].get_secret_value(
            secret, "", "AWSCURRENT"
        )
        return dict(json.loads(found["SecretString"]))
    except Exception as e:
        raise NoAccess(f"Unable to find Secrets Manager secret {secret}: {type(e).__name__}") from e


def check_role(arn: str | None, where: Where) -> None:
    """The role must be there and trust the DMS principal of the region, as AWS wants it."""
    from moto.iam.models import iam_backends

    if not arn:
        raise NoAccess("SecretsManagerAccessRoleArn is missing")
    roles = iam_backends[where.account]["aws"].roles.values()
    role = next((r for r in roles if r.arn == arn), None)
    if role is None:
        raise NoAccess(f"Unable to assume role {arn}: it does not exist")
    principal = f"dms.{where.region}.amazonaws.com"
    if principal not in (role.assume_role_policy_document or ""):
        raise NoAccess(f"Unable to assume role {arn}: its trust policy does not name {principal}")


def test_login(login: Login) -> str:
    """Empty when the database lets us in and answers, else DMS's message with the server's words."""
    try:
        with (
            pymysql.connect(**login.arguments(), connect_timeout=10, read_timeout=10) as c,
            c.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
        return ""
    except pymysql.err.MySQLError as e:
        return (
            "Test Endpoint failed: Application-Status: 1020912, Application-Message: Cannot connect to ODBC"
            f" provider Network error has occurred, Application-Detailed-Message: {odbc(*split(e))}"
        )


def grant_replay(login: Login, registry: Registry) -> None:
    """Give the applier's account BINLOG REPLAY on a server of the lab.

    The lab's replicator replays raw row events; DMS writes SQL and needs no such right, so livemove does not
    grant it. Only servers that the lab started are touched, as their superuser, and not in their binlog.
    """
    if not any(p.address == login.host and login.port in p.ports.values() for p in registry.all()):
        log.warning("%s is no server of the lab: BINLOG REPLAY must have been granted there", login)
        return
    try:
        known = secrets_file.read()
    except LabError:
        return
    for user, name in (("rdsadmin", "rdsadmin"), ("root", "root")):
        try:
            with (
                pymysql.connect(
                    host=login.host,
                    bind_address=login.host,
                    port=login.port,
                    user=user,
                    password=known.get(name, ""),
                    ssl=LAX,
                    connect_timeout=5,
                    read_timeout=10,
                ) as c,
                c.cursor() as cursor,
            ):
                cursor.execute("SET SESSION sql_log_bin = 0")
                cursor.execute("SELECT host FROM mysql.global_priv WHERE user = %s", (login.user,))
                for (host,) in cursor.fetchall():
                    cursor.execute("GRANT BINLOG REPLAY ON *.* TO %s@%s", (login.user, host))
            return
        except pymysql.err.MySQLError as e:
            log.debug("%s@%s: %s", user, login.host, e)
    log.warning("no superuser of the lab could grant BINLOG REPLAY to %s", login)
