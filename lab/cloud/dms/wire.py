"""How tasks, endpoints and statistics look in DMS's JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from moto.dms.exceptions import DmsClientError, ValidationError

from lab.cloud.dms.replicator.status import Status, Table, TableState, ValidationState
from lab.cloud.dms.task_settings import refusals
from lab.cloud.dms.tasks import Event, Task

ENDPOINT_FIELDS = {
    "EndpointIdentifier": "endpoint_identifier",
    "EngineName": "engine_name",
    "ServerName": "server_name",
    "Port": "port",
    "Username": "username",
    "Password": "password",
    "DatabaseName": "database_name",
    "SslMode": "ssl_mode",
    "CertificateArn": "certificate_arn",
    "ExtraConnectionAttributes": "extra_connection_attributes",
    "MySQLSettings": "my_sql_settings",
}
PAGE = 100


def require_json(text: str, name: str) -> None:
    try:
        json.loads(text)
    except ValueError as e:
        raise ValidationError(f"Error in {name} JSON syntax: {e}") from None


def require_settings(text: str | None) -> None:
    """InvalidParameterValueException for settings that AWS does not take."""
    require_json(text or "{}", "ReplicationTaskSettings")
    if reasons := refusals(json.loads(text or "{}")):
        raise InvalidParameterValue(f"Invalid task settings: {'; '.join(reasons)}")


class InvalidParameterValue(DmsClientError):  # type: ignore[misc]
    def __init__(self, message: str) -> None:
        super().__init__("InvalidParameterValueException", message)


def endpoint(found: Any) -> dict[str, Any]:
    return hide({k: v for k, v in found.to_dict().items() if v is not None})


def hide(found: dict[str, Any]) -> dict[str, Any]:
    """Passwords never come back."""
    settings = found.get("MySQLSettings")
    if settings:
        found["MySQLSettings"] = {k: v for k, v in settings.items() if k != "Password"}
    return found


def task(t: Task, *, bare: bool = False) -> dict[str, Any]:
    state, status = t.now(), t.status()
    out = {
        "ReplicationTaskIdentifier": t.id,
        "ReplicationTaskArn": t.arn,
        "SourceEndpointArn": t.source_endpoint_arn,
        "TargetEndpointArn": t.target_endpoint_arn,
        "ReplicationInstanceArn": t.replication_instance_arn,
        "MigrationType": t.migration_type,
        "Status": state,
        "ReplicationTaskCreationDate": t.creation_date,
        "ReplicationTaskStartDate": t.start_date,
        "StopReason": t.stop_reason or None,
        "LastFailureMessage": t.failure or None,
        "CdcStartPosition": t.cdc_start_position,
        "CdcStopPosition": t.cdc_stop_position,
        "RecoveryCheckpoint": checkpoint(t, status),
        "ReplicationTaskStats": progress(t, status),
    }
    if not bare:
        out["TableMappings"], out["ReplicationTaskSettings"] = t.table_mappings, t.replication_task_settings
    return {k: v for k, v in out.items() if v is not None}


def checkpoint(t: Task, status: Status | None) -> str | None:
    """Our own form: DMS's is opaque too. The last part is the source's `file:offset`."""
    return f"checkpoint:V1#{t.id}#{status.gtid}#{status.position}" if status and status.position else None


def progress(t: Task, status: Status | None) -> dict[str, Any]:
    tables = status.tables if status else []
    states = [x.state for x in tables]
    stats = {
        "FullLoadProgressPercent": percent(t, tables),
        "ElapsedTimeMillis": (
            int(
                1000
                * ((t.stop_date or (status.full_load_ended if status else None) or 0) - (t.start_date or 0))
            )
            if t.start_date and t.stop_date
            else 0
        ),
        "TablesLoaded": states.count(TableState.COMPLETED),
        "TablesLoading": states.count(TableState.LOADING) + states.count(TableState.RELOADING),
        "TablesQueued": states.count(TableState.BEFORE),
        "TablesErrored": states.count(TableState.ERROR) + states.count(TableState.ABSENT),
        "FreshStartDate": t.fresh_start_date,
        "StartDate": t.start_date,
        "StopDate": t.stop_date,
        "FullLoadStartDate": min((x.load_started for x in tables if x.load_started), default=None),
        "FullLoadFinishDate": (
            max((x.load_ended for x in tables if x.load_ended), default=None)
            if tables and all(x.load_ended for x in tables)
            else None
        ),
    }
    return {k: v for k, v in stats.items() if v is not None}


def percent(t: Task, tables: list[Table]) -> int:
    """Percent of rows loaded. The source's row count is an estimate, so only a finished load gives 100."""
    if t.migration_type == "cdc" or not tables:
        return 100 if tables else 0
    if all(x.state is TableState.COMPLETED for x in tables):
        return 100
    done = sum(
        max(x.rows, x.expected) if x.state is TableState.COMPLETED else min(x.rows, x.expected)
        for x in tables
    )
    return min(99, 100 * done // max(1, sum(max(x.rows, x.expected) for x in tables)))


def statistics(
    t: Task, filters: list[dict[str, Any]], size: int | None, marker: str | None
) -> dict[str, Any]:
    status = t.status()
    rows = [table(t, x) for x in (status.tables if status else [])]
    for f in filters:
        key = {"schema-name": "SchemaName", "table-name": "TableName", "table-state": "TableState"}[f["Name"]]
        rows = [r for r in rows if r[key] in f["Values"]]
    begin, size = int(marker or 0), size or PAGE
    out: dict[str, Any] = {"TableStatistics": rows[begin : begin + size]}
    if len(rows) > begin + size:
        out["Marker"] = str(begin + size)
    return out


def table(t: Task, x: Table) -> dict[str, Any]:
    validation = bool((t.settings.get("ValidationSettings") or {}).get("EnableValidation"))
    return {
        "SchemaName": x.schema,
        "TableName": x.table,
        "TableState": x.state,
        "FullLoadRows": x.rows,
        "FullLoadErrorRows": x.error_rows,
        "FullLoadCondtnlChkFailedRows": 0,
        "FullLoadReloaded": x.reloaded,
        **({"FullLoadStartTime": x.load_started} if x.load_started else {}),
        **({"FullLoadEndTime": x.load_ended} if x.load_ended else {}),
        "Inserts": x.inserts,
        "Updates": x.updates,
        "Deletes": x.deletes,
        "Ddls": x.ddls,
        "AppliedInserts": x.applied_inserts,
        "AppliedUpdates": x.applied_updates,
        "AppliedDeletes": x.applied_deletes,
        "AppliedDdls": 0,
        "LastUpdateTime": x.changed or t.start_date or t.creation_date,
        "ValidationState": validation_state(x, validation),
        "ValidationPendingRecords": x.validation_pending,
        "ValidationFailedRecords": x.validation_failed,
        "ValidationSuspendedRecords": x.validation_suspended,
        **({"ValidationStateDetails": x.validation_details} if x.validation_details else {}),
    }


def validation_state(x: Table, enabled: bool) -> ValidationState:
    if not enabled:
        return ValidationState.NOT_ENABLED
    return ValidationState.WAITING if x.validation is ValidationState.NOT_ENABLED else x.validation


def event(e: Event) -> dict[str, Any]:
    return {
        "SourceIdentifier": e.source,
        "SourceType": "replication-task",
        "Message": e.message,
        "EventCategories": [e.category],
        "Date": e.at,
    }


def chosen_events(found: list[Event], p: dict[str, Any]) -> list[Event]:
    """Those of the last hour, unless the request says otherwise."""
    end = float(p.get("EndTime") or time.time())
    begin = float(p.get("StartTime") or end - 60 * int(p.get("Duration") or 60))
    return [
        e
        for e in found
        if begin <= e.at <= end + 1
        and p.get("SourceIdentifier", e.source) == e.source
        and (not p.get("EventCategories") or e.category in p["EventCategories"])
    ]
