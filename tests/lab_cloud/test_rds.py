"""An RDS instance is a real server whose master user has no more rights than Amazon gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import pymysql
import pytest
from botocore.exceptions import ClientError

from livemove.model.spec import Window
from livemove.provisioning.rds_maintenance import due
from tests.conftest import Endpoint
from tests.lab_cloud.waiting import until

PASSWORD = "it's a \\secret"


@pytest.fixture(scope="module")
def group(aws_endpoint: Endpoint) -> str:
    rds = aws_endpoint.client("rds")
    rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mariadb10.11", Description="test"
    )
    chosen = {"max_allowed_packet": "33554432", "time_zone": "Asia/Seoul", "sql_mode": "ANSI_QUOTES"}
    rds.modify_db_parameter_group(
        DBParameterGroupName="tuned",
        Parameters=[
            {"ParameterName": n, "ParameterValue": v, "ApplyMethod": "immediate"} for n, v in chosen.items()
        ],
    )
    return "tuned"


@pytest.fixture(scope="module")
def instance(aws_endpoint: Endpoint, group: str) -> Iterator[dict[str, Any]]:
    rds = aws_endpoint.client("rds")
    made = rds.create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="mariadb",
        EngineVersion="10.11",
        DBInstanceClass="db.t3.medium",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword=PASSWORD,
        DBParameterGroupName=group,
    )["DBInstance"]
    assert made["DBInstanceStatus"] == "creating"
    yield until(lambda: _available(rds, "orders"), "the instance")
    rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    until(
        lambda: True if not (aws_endpoint.state / "mariadb" / "rds-orders").exists() else None,
        "the end of the data",
    )


@pytest.fixture
def master(instance: dict[str, Any]) -> Iterator[Any]:
    where = instance["Endpoint"]
    with pymysql.connect(
        host=where["Address"], port=where["Port"], user="admin", password=PASSWORD, autocommit=True
    ) as connection:
        with connection.cursor() as cursor:
            yield cursor


def test_the_parameter_group_is_applied(master: Any) -> None:
    master.execute("SELECT @@max_allowed_packet, @@time_zone, @@sql_mode")
    assert master.fetchone() == (33554432, "Asia/Seoul", "ANSI_QUOTES")


def test_the_instance_itself_is_in_utc_and_knows_all_zones(master: Any) -> None:
    master.execute("SELECT @@system_time_zone, CONVERT_TZ('2026-07-01', 'Europe/Berlin', 'America/New_York')")
    assert master.fetchone() == ("UTC", datetime(2026, 6, 30, 18))


@pytest.mark.parametrize(
    ("name", "value", "method", "code", "words"),
    [
        (
            "time_zone",
            "Europe/Berlin",
            "immediate",
            "InvalidParameterValue",
            "for: time_zone allowed values are:",
        ),
        ("time_zone", "+09:00", "immediate", "InvalidParameterValue", "Invalid parameter value: +09:00 for"),
        ("time_zone", "SYSTEM", "immediate", "InvalidParameterValue", "Invalid parameter value: SYSTEM for"),
        ("sql_mode", "", "immediate", "InvalidParameterValue", "ParameterValue must be provided"),
        ("sql_mode", "STRICT", "immediate", "InvalidParameterValue", "Invalid parameter value: STRICT for"),
        ("server_id", "7", "immediate", "InvalidParameterValue", "server_id cannot be modified"),
        (
            "default_time_zone",
            "UTC",
            "immediate",
            "InvalidParameterValue",
            "Could not find parameter with name",
        ),
        ("lower_case_table_names", "1", "immediate", "InvalidParameterCombination", "for static parameter"),
        (
            "lower_case_table_names",
            "2",
            "pending-reboot",
            "InvalidParameterValue",
            "allowed values are: 0, 1",
        ),
    ],
)
def test_a_group_refuses_what_amazon_refuses(
    aws_endpoint: Endpoint, group: str, name: str, value: str, method: str, code: str, words: str
) -> None:
    rds = aws_endpoint.client("rds")
    before = rds.describe_db_parameters(DBParameterGroupName=group)["Parameters"]
    with pytest.raises(ClientError, match=re.escape(words)) as refused:
        rds.modify_db_parameter_group(
            DBParameterGroupName=group,
            Parameters=[{"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}],
        )
    assert refused.value.response["Error"]["Code"] == code
    assert rds.describe_db_parameters(DBParameterGroupName=group)["Parameters"] == before


def test_a_static_parameter_waits_for_a_reboot(
    aws_endpoint: Endpoint, group: str, instance: dict[str, Any]
) -> None:
    rds, where = aws_endpoint.client("rds"), instance["Endpoint"]

    def value() -> Any:
        with (
            pymysql.connect(
                host=where["Address"], port=where["Port"], user="admin", password=PASSWORD
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT @@ft_min_word_len")
            return cursor.fetchone()

    rds.modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[
            {"ParameterName": "ft_min_word_len", "ParameterValue": "2", "ApplyMethod": "pending-reboot"}
        ],
    )
    assert value() == (4,)
    rds.reboot_db_instance(DBInstanceIdentifier="orders")
    until(lambda: _available(rds, "orders"), "the end of the reboot")
    assert value() == (2,)


def test_the_master_user_has_none_of_the_great_privileges(master: Any) -> None:
    master.execute("SHOW GRANTS")
    grants = master.fetchall()[0][0]
    for right in (
        "SUPER",
        "SET USER",
        "READ_ONLY ADMIN",
        "CONNECTION ADMIN",
        "FILE",
        "SHUTDOWN",
        "BINLOG REPLAY",
    ):
        assert right not in grants


@pytest.mark.parametrize(
    "statement",
    [
        "SET GLOBAL read_only = 1",
        "SET GLOBAL max_connections = 10",
        "SET SESSION sql_log_bin = 0",
        "CREATE DEFINER = somebody@else PROCEDURE mysql.p() SELECT 1",
        "SELECT 1 INTO OUTFILE '/tmp/never'",
        "BINLOG 'AAAA'",
    ],
)
def test_the_master_user_is_refused_what_amazon_keeps(master: Any, statement: str) -> None:
    with pytest.raises(pymysql.err.MySQLError) as refused:
        master.execute(statement)
    assert refused.value.args[0] in (1045, 1227)


def test_the_master_user_can_pass_on_what_replication_needs(master: Any) -> None:
    master.execute("CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'x' ACCOUNT LOCK")
    master.execute("GRANT REPLICATION SLAVE, BINLOG MONITOR, SELECT ON *.* TO reader@'%'")
    with pytest.raises(pymysql.err.MySQLError):
        master.execute("GRANT SUPER ON *.* TO reader@'%'")


def test_rds_kill_ends_another_session_and_spares_amazons(master: Any, instance: dict[str, Any]) -> None:
    where = instance["Endpoint"]
    victim = pymysql.connect(
        host=where["Address"], port=where["Port"], user="admin", password=PASSWORD, autocommit=True
    )
    master.execute("CALL mysql.rds_kill(%s)", (victim.thread_id(),))
    with pytest.raises(pymysql.err.OperationalError):
        victim.ping(reconnect=False)


def test_binlog_retention_is_set_by_amazons_procedure(master: Any) -> None:
    master.execute("CALL mysql.rds_set_configuration('binlog retention hours', 24)")
    while master.nextset():
        pass
    master.execute("CALL mysql.rds_show_configuration()")
    assert master.fetchall()[0][:2] == ("binlog retention hours", "24")
    while master.nextset():
        pass
    master.execute("SELECT @@binlog_expire_logs_seconds")
    assert master.fetchone() == (86400,)


@pytest.mark.parametrize("hours", [0, 169])
def test_binlog_retention_has_amazons_limits(master: Any, hours: int) -> None:
    with pytest.raises(pymysql.err.MySQLError, match="between 1 and 168"):
        master.execute("CALL mysql.rds_set_configuration('binlog retention hours', %s)", (hours,))


def test_amazon_writes_its_row_and_rotates_by_itself(master: Any) -> None:
    def seen() -> tuple[Any, str]:
        master.execute("SELECT MAX(value) FROM mysql.rds_heartbeat2")
        beat = master.fetchone()[0]
        master.execute("SHOW MASTER STATUS")
        return beat, master.fetchone()[0]

    before = seen()
    until(lambda: True if (now := seen())[0] != before[0] and now[1] > before[1] else None, "both")


def test_a_changed_parameter_reaches_the_running_server(
    aws_endpoint: Endpoint, group: str, master: Any
) -> None:
    aws_endpoint.client("rds").modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[{"ParameterName": "wait_timeout", "ParameterValue": "1234", "ApplyMethod": "immediate"}],
    )

    def changed() -> bool | None:
        master.execute("SELECT @@GLOBAL.wait_timeout")
        return True if master.fetchone() == (1234,) else None

    until(changed, "the new parameter")


def test_an_instance_that_is_busy_is_no_place_to_move_to(
    aws_endpoint: Endpoint, instance: dict[str, Any]
) -> None:
    rds = aws_endpoint.client("rds")

    def reasons() -> list[str]:
        one = rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]
        return due(one, Window(opens=time(0), closes=time(0)), datetime.now(UTC))

    rds.modify_db_instance(DBInstanceIdentifier="orders", BackupRetentionPeriod=3)
    assert reasons() == ["the RDS instance is modifying: wait until it is available"]
    until(lambda: True if reasons() == [] else None, "an instance at rest")


def test_a_snapshot_takes_a_moment(aws_endpoint: Endpoint, instance: dict[str, Any]) -> None:
    rds = aws_endpoint.client("rds")
    made = rds.create_db_snapshot(DBSnapshotIdentifier="before", DBInstanceIdentifier="orders")["DBSnapshot"]
    assert made["Status"] == "creating"

    def taken() -> int | None:
        one = rds.describe_db_snapshots(DBSnapshotIdentifier="before")["DBSnapshots"][0]
        return one["PercentProgress"] if one["Status"] == "available" else None

    assert until(taken, "the snapshot") == 100


def _available(rds: Any, name: str) -> dict[str, Any] | None:
    one: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert one["DBInstanceStatus"] in ("creating", "rebooting", "available")
    return one if one["DBInstanceStatus"] == "available" else None
