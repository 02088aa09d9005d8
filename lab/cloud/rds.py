"""RDS: an instance is a mariadbd of its own, with the parameter group applied and no SUPER for its master.

What differs from a server of one's own, and what a migration trips over: the master user can set neither
`read_only` nor any other global, kills sessions through `mysql.rds_kill` only, may not name a foreign
definer, and finds rotated binlogs and rows that it did not write (rds_server.py). See https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html
"""

from __future__ import annotations

import logging
import shutil
import time
from typing import Any

import pymysql
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, DBParameterGroup, DBSnapshot, RDSBackend

from lab import secrets_file
from lab.cloud import pace
from lab.cloud.base import Cloud
from lab.cloud.parameter_rules import refusal
from lab.cloud.parameters import mysql_text, server_options
from lab.cloud.patching import background, wrap
from lab.cloud.rds_server import HostManager, furnish
from lab.door import rules_file
from lab.mariadb import Server

log = logging.getLogger(__name__)

_managers: dict[str, HostManager] = {}
"""By name of the server."""


def install(cloud: Cloud) -> None:
    DBInstance.address = property(lambda db: db.__dict__.get("lab_address") or "pending.invalid")
    _instances(cloud)
    _parameter_groups(cloud)
    _snapshots()


def _instances(cloud: Cloud) -> None:
    @wrap(RDSBackend, "create_db_instance")
    def create(original: Any, self: Any, db_kwargs: dict[str, Any]) -> Any:
        db = original(self, db_kwargs)
        db.__dict__["lab_address"], db.port = cloud.next_rds(), cloud.addresses.mariadb_port
        db.status = "creating"
        background(_create, cloud, db)
        return db

    @wrap(RDSBackend, "modify_db_instance")
    def modify(original: Any, self: Any, identifier: str, db_kwargs: dict[str, Any]) -> Any:
        db = original(self, identifier, db_kwargs)
        if db.status == "available":
            db.status = "modifying"
            background(_modified, cloud, db, db_kwargs.get("master_user_password"))
        return db

    @wrap(RDSBackend, "reboot_db_instance")
    def reboot(original: Any, self: Any, identifier: str) -> Any:
        db = original(self, identifier)
        db.status = "rebooting"
        background(_reboot, cloud, db)
        return db

    @wrap(RDSBackend, "delete_db_instance")
    def delete(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        db = original(self, *args, **kwargs)
        background(_delete, cloud, db)
        return db


def _parameter_groups(cloud: Cloud) -> None:
    @wrap(DBParameterGroup, "update_parameters")
    def update(original: Any, self: Any, new_parameters: Any) -> None:
        new = list(new_parameters)
        for p in new:
            if refused := refusal(p["ParameterName"], p.get("ParameterValue"), p.get("ApplyMethod", "")):
                raise RDSClientError(*refused)
        original(self, new)
        for parameter in self.parameters.values():
            # the provider ignores parameters that no user has set
            parameter["Source"] = "user"
        now = {p["ParameterName"]: p["ParameterValue"] for p in new if p.get("ApplyMethod") == "immediate"}
        for db in self.backend.databases.values():
            if db.db_parameter_group_name == self.name and db.status == "available":
                background(_set_global, cloud, db, now)


def _snapshots() -> None:
    @wrap(RDSBackend, "create_db_snapshot")
    def create(
        original: Any,
        self: Any,
        db_instance_identifier: str,
        *args: Any,
        snapshot_type: str = "manual",
        **kw: Any,
    ) -> Any:
        """One at a time, and none while anything else is done to the instance, which is backing-up meanwhile.

        Words as users quote them.
        """
        db = self.databases.get(db_instance_identifier)
        if db and snapshot_type == "manual" and db.status != "available":
            raise RDSClientError(
                "InvalidDBInstanceState",
                f"Cannot create a snapshot because the database instance {db_instance_identifier} is not"
                " currently in the available state.",
            )
        made = original(self, db_instance_identifier, *args, snapshot_type=snapshot_type, **kw)
        if snapshot_type == "manual":
            db.status = "backing-up"
            background(_back_up, db, made)
        return made

    @wrap(DBSnapshot, "__init__")
    def init(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self.snapshot_type == "manual":
            self.status, self.percent_progress = "creating", 0


def _server(cloud: Cloud, db: Any) -> Server:
    name = f"rds-{db.db_instance_identifier}"
    group = db.backend.db_parameter_groups.get(db.db_parameter_group_name or "default")
    chosen = {n: p["ParameterValue"] for n, p in group.parameters.items()} if group else {}
    return Server(
        registry=cloud.registry,
        name=name,
        address=db.address,
        port=db.port,
        data=cloud.state / "mariadb" / name,
        server_id=4000 + int(db.address.rsplit(".", 1)[1]),
        root_password=secrets_file.create()["rdsadmin"],
        options=server_options(chosen),
        certificate=cloud.certificate,
        rules=rules_file(cloud.state, name),
    )


def _create(cloud: Cloud, db: Any) -> None:
    began = time.monotonic()
    try:
        server = _bring_up(cloud, db)
    except Exception:
        log.exception("%s did not come up", db.db_instance_identifier)
        db.status = "failed"
        raise
    time.sleep(max(0.0, began + pace.RDS_AVAILABLE.lab - time.monotonic()))
    db.status = "available"
    log.info("%s is available at %s:%s", server.name, server.address, server.port)


def _bring_up(cloud: Cloud, db: Any) -> Server:
    server = _server(cloud, db)
    _wipe(server)
    server.install()
    server.start()
    _furnish(server, db)
    return server


def _furnish(server: Server, db: Any) -> None:
    """Create Amazon's own objects and the first schema, and start its host manager."""
    furnish(server, db.master_username, db._master_user_password)
    if db.db_name:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{db.db_name}`")
    _managers[server.name] = HostManager(server, pace.RDS_ROTATION.lab)
    _managers[server.name].start()


def _modified(cloud: Cloud, db: Any, password: str | None) -> None:
    if password:
        _execute(
            cloud, db, f"ALTER USER {mysql_text(db.master_username)}@'%' IDENTIFIED BY {mysql_text(password)}"
        )
    time.sleep(pace.RDS_MODIFIED.lab)
    db.status = "available"


def _set_global(cloud: Cloud, db: Any, parameters: dict[str, str]) -> None:
    for name, value in parameters.items():
        try:
            _execute(cloud, db, f"SET GLOBAL {name} = {value if value.isdigit() else mysql_text(value)}")
        except pymysql.err.MySQLError as e:
            log.warning("%s of %s waits for a reboot: %s", name, db.db_instance_identifier, e)


def _reboot(cloud: Cloud, db: Any) -> None:
    server = _server(cloud, db)
    server.stop()
    server.start()
    db.status = "available"


def _delete(cloud: Cloud, db: Any) -> None:
    server = _server(cloud, db)
    _wipe(server)
    log.info("%s is deleted", server.name)


def _wipe(server: Server) -> None:
    if manager := _managers.pop(server.name, None):
        manager.end()
    # after a crash of the endpoint a server of that name may still be there, and nobody knows it any more
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


def _back_up(db: Any, snapshot: Any) -> None:
    time.sleep(pace.RDS_SNAPSHOT.lab)
    snapshot.status, snapshot.percent_progress = "available", 100
    db.status = "available"


def _execute(cloud: Cloud, db: Any, sql: str) -> None:
    with _server(cloud, db).connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_log_bin = 0")
        cursor.execute(sql)
