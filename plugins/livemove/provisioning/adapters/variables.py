"""The spec, the source database and the account -> the variables of include/terraform. No secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livemove.model.ledger import SourceParameters
from livemove.model.ports import Json
from livemove.model.source_settings import rds_sql_mode
from livemove.model.spec import Side, project_root
from livemove.provisioning.plan import rds_windows

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

DMS_ROLES = ("dms-vpc-role", "dms-cloudwatch-logs-role")
"""One of each per account; the DMS console makes them too. https://docs.aws.amazon.com/dms/latest/userguide/security-iam.html"""


def variables(world: ServiceContext, *, replication_enabled: bool = True) -> Json:
    """Everything but the two passwords, which go through the environment."""
    spec = world.spec
    backup, maintenance = rds_windows(spec.window, world.clock.now())
    user_data = spec.infra.user_data and (project_root() / "include" / spec.infra.user_data).read_text(
        encoding="utf-8"
    )
    return {
        "service": spec.service,
        "region": spec.aws.region,
        "bucket": spec.aws.bucket,
        "vpc_cidr": spec.infra.vpc_cidr,
        "vpn_gateway_id": spec.infra.vpn_gateway_id,
        "connectivity": spec.infra.connectivity,
        "permissions_boundary": spec.infra.permissions_boundary,
        "idc_cidrs": list(spec.infra.idc_cidrs),
        "admin_cidrs": list(spec.infra.admin_cidrs),
        "source_address": spec.source.address,
        "source_port": spec.source.port,
        "web_servers": spec.infra.web_servers,
        "web_server_names": [s.name for s in spec.at(Side.TARGET)],
        "release": spec.application.release,
        "instance_type": spec.infra.instance_type,
        "ssh_public_key": spec.infra.ssh_public_key,
        "user_data": user_data,
        "engine_version": spec.target.engine_version,
        "database_instance_class": spec.target.instance_class,
        "database_storage_gb": spec.target.storage_gb,
        "database_multi_az": spec.target.multi_az,
        "database_require_tls": spec.target.require_tls,
        "database_username": world.secret(spec.target.connection).login,
        "application_database": spec.application.database,
        "application_username": world.secret(spec.application.connection).login,
        "source_parameters": source_parameters(world),
        "backup_window": backup,
        "maintenance_window": maintenance,
        "deletion_protection": spec.infra.deletion_protection,
        "final_snapshot": not spec.rehearsal,
        "replication_enabled": replication_enabled,
        "dms_roles": dms_roles(world, replication_enabled=replication_enabled),
        "replication_instance_class": spec.replication.instance_class,
        "replication_storage_gb": spec.replication.storage_gb,
        "zone_name": spec.dns.zone if spec.dns.provider == "route53" else "",
    }


def source_parameters(world: ServiceContext) -> Json:
    """Server variables that the target must share, from the source; the ledger keeps them for an outage."""
    from livemove.model.errors import UnreachableError
    from livemove.runtime.server_zones import read_zones

    try:
        with world.database(Side.SOURCE) as db:
            row = db.one(
                "SELECT @@GLOBAL.sql_mode AS sql_mode, @@GLOBAL.character_set_server AS charset,"
                " @@GLOBAL.collation_server AS collation, @@GLOBAL.max_allowed_packet AS packet,"
                " @@GLOBAL.lower_case_table_names AS lower_names"
            )
            zone = read_zones(db).session
    except UnreachableError:
        if kept := world.ledger.load(SourceParameters):
            return kept.model_dump(exclude={"version"})
        raise
    found = {
        "sql_mode": rds_sql_mode(row["sql_mode"]),
        # without a name RDS stays in UTC, as the preflight has said
        "time_zone": zone.name if zone else None,
        "character_set_server": row["charset"],
        "collation_server": row["collation"],
        "max_allowed_packet": str(row["packet"]),
        # static on RDS, and 0 is its default
        "lower_case_table_names": str(row["lower_names"]) if int(row["lower_names"]) else None,
    }
    world.ledger.save(SourceParameters.model_validate(found))
    return found


def dms_roles(world: ServiceContext, *, replication_enabled: bool = True) -> list[str]:
    """The account's DMS roles that Terraform manages: those that do not exist yet, and those it created.

    At the teardown none, unless the account still runs replication instances of others, who need them too.
    """
    if not replication_enabled and not others_replicate(world):
        return []
    iam = world.aws("iam")
    return [name for name in DMS_ROLES if _made_by(iam, name) in (None, world.spec.service)]


def others_replicate(world: ServiceContext) -> bool:
    """True when the account has a replication instance that is not this service's."""
    ours = world.spec.service.replace("_", "-")
    pages = world.aws("dms").get_paginator("describe_replication_instances").paginate()
    return any(i["ReplicationInstanceIdentifier"] != ours for p in pages for i in p["ReplicationInstances"])


def _made_by(iam: Any, role: str) -> str | None:
    """The service whose Terraform made this role, "" for anybody else, None when there is no such role."""
    from botocore.exceptions import ClientError

    try:
        tags = iam.get_role(RoleName=role)["Role"].get("Tags", [])
    except ClientError as e:
        if e.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
    found = {t["Key"]: t["Value"] for t in tags}
    return found.get("Service", "") if found.get("ManagedBy") == "livemove" else ""
