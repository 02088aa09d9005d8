"""The lab's DMS as boto3 and livemove's adapter see it: states, refusals and shapes of AWS."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509

from lab.ca import sign
from lab.mariadb import Server
from lab.processes import Registry
from livemove.model.errors import ReplicationError
from livemove.model.ledger import Outputs
from livemove.model.ports import Link, TaskState
from livemove.model.spec import Side
from livemove.replication.adapters.dms import DmsReplicator
from livemove.replication.dms_rules import TableState, load_is_over, rests_at_second_stop
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Trust
from tests.lab_dms.conftest import REGION, SETTINGS, Replication
from tests.lab_dms.contract import problems
from tests.raising import raises

pytestmark = pytest.mark.servers


@pytest.fixture
def replicator(client: Callable[[str], Any], standing: Outputs, replication: Replication) -> DmsReplicator:
    for server in (replication.source, replication.target):
        replication.on(
            server,
            "CREATE DATABASE IF NOT EXISTS livemove",
            "CREATE OR REPLACE TABLE livemove.watermark_source_target (stream VARCHAR(64), number BIGINT"
            " UNSIGNED, written_at DATETIME(6), PRIMARY KEY (stream, number))",
        )
    replication.on(replication.target, "GRANT ALL ON livemove.* TO applier@'127.%'")
    return DmsReplicator(
        client("dms"),
        client("secretsmanager"),
        service="shop",
        schemas=(replication.schema,),
        settings=lambda: SETTINGS,
        outputs=lambda: standing,
        clock=SystemClock(),
    )


LINK = Link("shop", 1, Side.SOURCE)


@pytest.fixture
def clear_text_is_refused(replication: Replication) -> Iterator[Replication]:
    """Both servers take encrypted connections only."""
    servers = (replication.source, replication.target)
    for server in servers:
        server.query("SET GLOBAL require_secure_transport = ON")
    yield replication
    for server in servers:
        server.query("SET GLOBAL require_secure_transport = OFF")


def trusting(replicator: DmsReplicator, ca: Path, *, identity: bool = False) -> None:
    replicator.certificates.trust = lambda side: Trust(str(ca), identity)


def logins(r: Replication, **changes: Any) -> dict[str, Any]:
    reader = {"username": "reader", "password": "secret-r", "host": r.source.address, "port": 3306}
    applier = {"username": "applier", "password": "secret-a", "host": r.target.address, "port": 3306}
    return {"reader": reader, "applier": {**applier, **changes}}


def wait(true: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def past_both_stops(replicator: DmsReplicator) -> None:
    """The link has loaded, stopped twice, and follows. A change made before the
    second stop is applied before or after it: a test makes its own after it."""
    for stop in ("the end of the load", "the second stop"):
        wait(lambda: replicator.status(LINK).state is TaskState.STOPPED, stop)
        replicator.start(LINK)


def test_the_whole_life_of_a_link(
    replicator: DmsReplicator, replication: Replication, client: Any, registry: Registry
) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT) ENGINE=InnoDB")
    r.on(r.source, "INSERT INTO a SELECT seq, seq FROM seq_1_to_500")
    for _ in range(2):
        replicator.prepare(LINK, full_load=True, **logins(r))
    assert replicator.status(LINK).state is TaskState.READY
    assert replicator.links() == [LINK]

    replicator.start(LINK)
    wait(lambda: replicator.status(LINK).state is TaskState.STOPPED, "the end of the load")
    status, tables = replicator.status(LINK), replicator.tables(LINK)
    assert status.stop_reason == "Stop Reason STOPPED_AFTER_FULL_LOAD"
    assert (status.full_load_percent, status.full_load_done) == (100, True)
    assert load_is_over(LINK, status, tables)
    assert {t.name: t.full_load_rows for t in tables} == {
        f"{r.schema}.a": 500,
        "livemove.watermark_source_target": 0,
    }

    r.on(r.source, "INSERT INTO a VALUES (501, 1)")
    replicator.start(LINK)
    wait(lambda: replicator.status(LINK).state is TaskState.STOPPED, "the second stop")
    assert rests_at_second_stop(LINK, replicator.status(LINK))
    r.assert_equal("a")
    replicator.start(LINK)
    replicator.start(LINK)
    assert replicator.status(LINK).state is TaskState.RUNNING
    r.on(r.source, "UPDATE a SET n = -n WHERE id < 11", "DELETE FROM a WHERE id = 11")
    wait(lambda: sum(t.applied for t in replicator.tables(LINK)) == 12, "twelve applied changes")
    by_name = {t.table: t for t in replicator.tables(LINK)}
    assert (by_name["a"].inserts, by_name["a"].updates, by_name["a"].deletes) == (1, 10, 1)
    r.assert_equal("a")
    assert replicator.status(LINK).checkpoint.split("#")[-1].startswith("mysql-bin.")

    for _ in range(2):
        replicator.stop(LINK)
    assert replicator.status(LINK).stop_reason == "Stop Reason NORMAL"
    for _ in range(2):
        replicator.delete(LINK)
    assert replicator.links() == []
    assert replicator.status(LINK).state is TaskState.ABSENT
    assert client("secretsmanager").list_secrets()["SecretList"] == []
    assert not (registry.state / "dms" / LINK.name).exists()
    assert registry.find(f"dms-{LINK.name}") is None


def test_a_link_over_tls_loads_and_follows_servers_that_refuse_clear_text(
    replicator: DmsReplicator, clear_text_is_refused: Replication, client: Any
) -> None:
    r = clear_text_is_refused
    assert r.source.certificate
    r.both("CREATE TABLE a (id INT PRIMARY KEY, n INT, t LONGTEXT) ENGINE=InnoDB")
    r.on(r.source, "INSERT INTO a SELECT seq, seq, REPEAT('x', 60000) FROM seq_1_to_50")
    with raises(ReplicationError, "1045"):
        replicator.prepare(LINK, full_load=True, **logins(r))
    # the endpoints that are there already are corrected
    trusting(replicator, r.source.certificate[0])
    for _ in range(2):
        replicator.prepare(LINK, full_load=True, **logins(r))
    ends = client("dms").describe_endpoints()["Endpoints"]
    assert {e["SslMode"] for e in ends} == {"verify-ca"}
    replicator.start(LINK)
    past_both_stops(replicator)
    r.on(
        r.source, "UPDATE a SET n = -n, t = REPEAT('y', 700000) WHERE id < 11", "DELETE FROM a WHERE id = 11"
    )
    wait(lambda: sum(t.applied for t in replicator.tables(LINK)) == 11, "eleven applied changes")
    r.assert_equal("a")
    replicator.delete(LINK)
    assert client("dms").describe_certificates()["Certificates"] == []


def test_a_certificate_of_another_ca_fails_the_endpoints_test(
    replicator: DmsReplicator, replication: Replication, tmp_path: Path
) -> None:
    trusting(replicator, sign(tmp_path, "other", [x509.DNSName("other")]).ca)
    with raises(ReplicationError, "CERTIFICATE_VERIFY_FAILED"):
        replicator.prepare(LINK, full_load=True, **logins(replication))


def test_a_certificate_without_the_servers_name_fails_verify_full(
    replicator: DmsReplicator, replication: Replication
) -> None:
    assert replication.source.certificate
    trusting(replicator, replication.source.certificate[0], identity=True)
    with raises(ReplicationError, "mismatch"):
        replicator.prepare(LINK, full_load=True, **logins(replication))


def test_what_is_no_certificate_is_not_imported(
    replicator: DmsReplicator, replication: Replication, client: Any, tmp_path: Path
) -> None:
    with pytest.raises(ClientError, match="could not be imported"):
        client("dms").import_certificate(CertificateIdentifier="shop-ca-source-x", CertificatePem="nothing")
    with pytest.raises(ClientError, match="not supported"):
        client("dms").create_endpoint(
            EndpointIdentifier="x", EndpointType="source", EngineName="mariadb", SslMode="require"
        )


def test_a_wrong_password_is_told_in_the_servers_words(
    replicator: DmsReplicator, replication: Replication
) -> None:
    with raises(ReplicationError, "1045", "'applier'"):
        replicator.prepare(LINK, full_load=True, **logins(replication, password="wrong"))
    # the secret is corrected and the same call goes on
    replicator.prepare(LINK, full_load=True, **logins(replication))


def test_a_role_that_dms_may_not_assume_fails_the_test(
    replicator: DmsReplicator, replication: Replication, client: Any, standing: Outputs
) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "dms.amazonaws.com"}}
        ],
    }
    client("iam").update_assume_role_policy(RoleName="dms-secrets", PolicyDocument=json.dumps(trust))
    with raises(ReplicationError, f"dms.{REGION}.amazonaws.com"):
        replicator.prepare(LINK, full_load=True, **logins(replication))


def test_start_is_refused_without_a_successful_test(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    replicator.prepare(LINK, full_load=True, **logins(replication))
    dms = client("dms")
    for connection in dms.describe_connections()["Connections"]:
        dms.delete_connection(
            EndpointArn=connection["EndpointArn"], ReplicationInstanceArn=connection["ReplicationInstanceArn"]
        )
    with raises(ReplicationError, "InvalidResourceStateFault"):
        replicator.start(LINK)


def test_an_endpoint_is_changed_only_while_its_task_rests(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    replicator.prepare(LINK, full_load=False, **logins(replication))
    dms = client("dms")
    endpoint = next(
        e for e in dms.describe_endpoints()["Endpoints"] if e["EndpointIdentifier"] == f"{LINK.name}-applier"
    )

    def settings() -> Any:
        return replicator._endpoint(f"{LINK.name}-applier")["MySQLSettings"]["TargetDbType"]  # type: ignore[index]

    def change(to: str) -> None:
        had = {**endpoint["MySQLSettings"], "TargetDbType": to}
        dms.modify_endpoint(EndpointArn=endpoint["EndpointArn"], MySQLSettings=had)

    change("specific-database")
    replicator.start(LINK)
    with pytest.raises(dms.exceptions.InvalidResourceStateFault, match="prevents it from being used"):
        change("multiple-databases")
    with raises(ReplicationError, "differs in TargetDbType, and its task", f"stop {LINK.name}"):
        replicator.prepare(LINK, full_load=False, **logins(replication))
    assert settings() == "specific-database"
    replicator.stop(LINK)
    replicator.prepare(LINK, full_load=False, **logins(replication))
    assert settings() == "multiple-databases"


def test_what_dms_says_when_it_refuses_an_endpoint_is_quoted(
    replicator: DmsReplicator, replication: Replication
) -> None:
    """Its task seems to rest, and another one uses the endpoint."""
    replicator.prepare(LINK, full_load=False, **logins(replication))
    replicator.start(LINK)
    found = replicator._endpoint(f"{LINK.name}-applier")
    assert found
    with raises(ReplicationError, "InvalidResourceStateFault: The resource is in a state"):
        replicator._modify_endpoint(Link("other", 1, LINK.reads), found, ["x"], {})
    replicator.stop(LINK)


def test_start_types_are_refused_as_on_aws(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    replicator.prepare(LINK, full_load=False, **logins(replication))
    dms, arn = client("dms"), replicator._arn(LINK)

    def start(kind: str) -> str:
        try:
            dms.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType=kind)
        except ClientError as e:
            return str(e.response["Error"]["Code"])
        return ""

    assert start("resume-processing") == "InvalidParameterCombinationException"
    assert start("start-replication") == ""
    wait(lambda: replicator.status(LINK).state is TaskState.RUNNING, "running")
    assert start("resume-processing") == "InvalidResourceStateFault"
    for refused in (
        lambda: dms.delete_replication_task(ReplicationTaskArn=arn),
        lambda: dms.modify_replication_task(ReplicationTaskArn=arn, TableMappings="{}"),
        lambda: dms.delete_replication_instance(
            ReplicationInstanceArn=replicator._output("replication_instance_arn")
        ),
        lambda: dms.delete_endpoint(EndpointArn=dms.describe_endpoints()["Endpoints"][0]["EndpointArn"]),
    ):
        with pytest.raises(dms.exceptions.InvalidResourceStateFault):
            refused()
    replicator.stop(LINK)
    assert start("start-replication") == "InvalidParameterCombinationException"
    assert start("resume-processing") == ""
    wait(lambda: replicator.status(LINK).state is TaskState.RUNNING, "running again")


def test_a_killed_replicator_is_started_again(
    replicator: DmsReplicator, replication: Replication, registry: Registry
) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY)")
    replicator.prepare(LINK, full_load=False, **logins(r))
    replicator.start(LINK)
    process = registry.find(f"dms-{LINK.name}")
    assert process
    os.kill(process.pid, signal.SIGKILL)
    r.on(r.source, "INSERT INTO a VALUES (1)")
    wait(lambda: r.on(r.target, "SELECT COUNT(*) FROM a")[0][0] == 1, "the row")
    wait(lambda: replicator.status(LINK).state is TaskState.RUNNING, "running")
    again = registry.find(f"dms-{LINK.name}")
    assert again
    assert again.pid != process.pid


def test_the_return_direction_begins_at_a_position(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    r = replication
    r.both("CREATE TABLE a (id INT PRIMARY KEY)")
    r.on(r.source, "INSERT INTO a VALUES (1)")
    file, offset = r.on(r.source, "SHOW MASTER STATUS")[0][:2]
    r.on(r.source, "INSERT INTO a VALUES (2)")
    replicator.prepare(LINK, full_load=False, **logins(r))
    replicator.start(LINK, position=f"{file}:{offset}")
    wait(lambda: r.on(r.target, "SELECT id FROM a") == ((2,),), "what came after the position")
    (task,) = client("dms").describe_replication_tasks()["ReplicationTasks"]
    assert task["CdcStartPosition"] == f"{file}:{offset}"
    assert task["ReplicationTaskStats"]["StartDate"].year > 2000


def test_a_failed_task_shows_state_words_and_the_bad_table(
    replicator: DmsReplicator, replication: Replication
) -> None:
    r = replication
    r.on(r.source, "CREATE TABLE a (id INT PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    r.on(r.target, "CREATE TABLE a (id INT PRIMARY KEY CHECK (id > 5))")
    r.on(r.source, "CREATE TABLE b (id INT PRIMARY KEY)")
    replicator.prepare(LINK, full_load=True, **logins(r))

    def begin_and_judge() -> None:
        replicator.start(LINK)
        load_is_over(LINK, replicator.status(LINK), replicator.tables(LINK))

    with pytest.raises(ReplicationError, match="does not exist on the target"):
        begin_and_judge()
    assert replicator.status(LINK).state is TaskState.FAILED
    assert {t.table: t.state for t in replicator.tables(LINK)}["b"] == TableState.ABSENT


def test_reload_tables_brings_one_table_while_changes_go_on(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    r = replication
    r.both(
        "CREATE TABLE a (id INT PRIMARY KEY, n INT) ENGINE=InnoDB",
        "CREATE TABLE b (id INT PRIMARY KEY) ENGINE=InnoDB",
    )
    r.on(r.source, "INSERT INTO a SELECT seq, 0 FROM seq_1_to_5000")
    replicator.prepare(LINK, full_load=True, **logins(r))
    replicator.start(LINK)
    past_both_stops(replicator)
    r.on(r.target, "DELETE FROM a WHERE id > 4990")
    dms, arn = client("dms"), replicator._arn(LINK)
    dms.reload_tables(ReplicationTaskArn=arn, TablesToReload=[{"SchemaName": r.schema, "TableName": "a"}])
    for n in range(200):
        r.on(
            r.source,
            f"UPDATE a SET n = n + 1 WHERE id IN ({n + 1}, {n + 4800})",
            f"INSERT INTO b VALUES ({n})",
        )

    def again() -> bool:
        found = dms.describe_table_statistics(ReplicationTaskArn=arn)["TableStatistics"]
        a = next(t for t in found if t["TableName"] == "a")
        return bool(a["FullLoadReloaded"]) and a["TableState"] == "Table completed"

    wait(again, "reloaded")
    wait(lambda: r.checksums(r.source, "a", "b") == r.checksums(r.target, "a", "b"), "equal tables")
    assert replicator.status(LINK).state is TaskState.RUNNING


def test_statistics_come_in_pages(replicator: DmsReplicator, replication: Replication, client: Any) -> None:
    replication.both(*[f"CREATE TABLE t{n} (id INT PRIMARY KEY)" for n in range(5)])
    replicator.prepare(LINK, full_load=False, **logins(replication))
    replicator.start(LINK)
    dms, arn = client("dms"), replicator._arn(LINK)
    first = dms.describe_table_statistics(ReplicationTaskArn=arn, MaxRecords=4)
    rest = dms.describe_table_statistics(ReplicationTaskArn=arn, MaxRecords=4, Marker=first["Marker"])
    assert (len(first["TableStatistics"]), len(rest["TableStatistics"]), "Marker" in rest) == (4, 2, False)


def test_instances_take_their_time_and_filters_that_match_nothing_are_faults(
    client: Any, standing: Outputs
) -> None:
    dms = client("dms")
    made = dms.create_replication_instance(
        ReplicationInstanceIdentifier="two", ReplicationInstanceClass="dms.t3.medium"
    )["ReplicationInstance"]
    assert made["ReplicationInstanceStatus"] == "creating"
    assert made["InstanceCreateTime"].year > 2000
    only = [{"Name": "replication-instance-arn", "Values": [made["ReplicationInstanceArn"]]}]

    def status() -> str:
        return str(
            dms.describe_replication_instances(Filters=only)["ReplicationInstances"][0][
                "ReplicationInstanceStatus"
            ]
        )

    wait(lambda: status() == "available", "available")
    dms.delete_replication_instance(ReplicationInstanceArn=made["ReplicationInstanceArn"])
    assert status() == "deleting"

    def gone() -> bool:
        try:
            status()
        except dms.exceptions.ResourceNotFoundFault:
            return True
        return False

    wait(gone, "gone")
    for call, name in (
        ("describe_endpoints", "endpoint-id"),
        ("describe_replication_tasks", "replication-task-id"),
    ):
        with pytest.raises(dms.exceptions.ResourceNotFoundFault):
            getattr(dms, call)(Filters=[{"Name": name, "Values": ["nobody"]}])


def test_the_lab_grants_the_one_right_that_only_its_replicator_needs(
    replication: Replication, endpoint_url: str, registry: Registry
) -> None:
    from lab.cloud.dms.credentials import grant_replay
    from lab.cloud.dms.replicator.description import Login

    target: Server = replication.target
    replication.on(target, "CREATE OR REPLACE USER plain@'127.%' IDENTIFIED BY 'p'")
    grant_replay(Login(target.address, 3306, "plain", "p"), Registry(Path(registry.state)))
    grants = replication.on(target, "SHOW GRANTS FOR plain@'127.%'")
    replication.on(target, "DROP USER plain@'127.%'")
    assert "BINLOG REPLAY" in grants[0][0]


def test_the_contract_finds_unknown_members_and_wrong_types() -> None:
    good = {
        "ReplicationTask": {
            "Status": "running",
            "ReplicationTaskStats": {"TablesLoaded": 1, "StartDate": 1.5},
        }
    }
    assert problems("StartReplicationTask", good) == []
    bad = {
        "ReplicationTask": {
            "State": "x",
            "Status": 1,
            "ReplicationTaskStats": {"TablesLoaded": True, "StartDate": "now"},
        }
    }
    assert len(problems("StartReplicationTask", bad)) == 4


def begin(replicator: DmsReplicator, r: Replication) -> str:
    """A link that follows; its task's ARN."""
    replicator.prepare(LINK, full_load=False, **logins(r))
    replicator.start(LINK)
    return replicator._arn(LINK)


def test_events_tell_of_starts_stops_and_failures(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    r, dms = replication, client("dms")
    r.both("CREATE TABLE a (id INT PRIMARY KEY)")
    begin(replicator, r)
    r.on(r.target, "INSERT INTO a VALUES (1)")
    r.on(r.source, "INSERT INTO a VALUES (1)")
    wait(lambda: replicator.status(LINK).state is TaskState.FAILED, "failed")
    only: dict[str, Any] = {"SourceIdentifier": LINK.name, "SourceType": "replication-task"}
    (failure,) = dms.describe_events(**only, EventCategories=["failure"])["Events"]
    assert "Duplicate entry '1' for key 'PRIMARY'" in failure["Message"]
    told = [e["Message"] for e in dms.describe_events(**only)["Events"]]
    assert told[:2] == ["Replication task has been created.", "Replication task has started."]
    assert dms.describe_events(SourceIdentifier="another", SourceType="replication-task")["Events"] == []


def test_tags_come_and_go(replicator: DmsReplicator, replication: Replication, client: Any) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    dms, arn = client("dms"), begin(replicator, replication)
    dms.add_tags_to_resource(ResourceArn=arn, Tags=[{"Key": "night", "Value": "1"}])
    assert {t["Key"] for t in dms.list_tags_for_resource(ResourceArn=arn)["TagList"]} == {"livemove", "night"}
    dms.remove_tags_from_resource(ResourceArn=arn, TagKeys=["livemove"])
    assert {t["Key"] for t in dms.list_tags_for_resource(ResourceArn=arn)["TagList"]} == {"night"}


def test_an_assessment_names_what_dms_would_not_carry(
    replicator: DmsReplicator, replication: Replication, client: Any, standing: Outputs
) -> None:
    r, dms = replication, client("dms")
    r.both("CREATE TABLE a (id INT PRIMARY KEY, t LONGTEXT NOT NULL)", "CREATE TABLE keyless (id INT)")
    replicator.prepare(LINK, full_load=True, **logins(r))
    arn = replicator._arn(LINK)
    client("s3").create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": REGION})
    names = dms.describe_applicable_individual_assessments(ReplicationTaskArn=arn)[
        "IndividualAssessmentNames"
    ]
    started = dms.start_replication_task_assessment_run(
        ReplicationTaskArn=arn,
        ServiceAccessRoleArn=standing.dms_secrets_role_arn,
        ResultLocationBucket="results",
        ResultLocationFolder="shop",
        AssessmentRunName="first",
    )["ReplicationTaskAssessmentRun"]
    only = [
        {
            "Name": "replication-task-assessment-run-arn",
            "Values": [started["ReplicationTaskAssessmentRunArn"]],
        }
    ]

    def run() -> Any:
        return dms.describe_replication_task_assessment_runs(Filters=only)["ReplicationTaskAssessmentRuns"][0]

    wait(lambda: run()["Status"] == "failed", "the end of the run")
    each = dms.describe_replication_task_individual_assessments(Filters=only)[
        "ReplicationTaskIndividualAssessments"
    ]
    states = {a["IndividualAssessmentName"]: a["Status"] for a in each}
    assert set(states) == set(names)
    assert states == {
        "table-with-no-primary-key-or-unique-constraint": "failed",
        "table-with-lob-but-without-primary-key-or-unique-constraint": "passed",
        "full-lob-not-nullable-at-target": "failed",
    }
    kept = json.loads(client("s3").get_object(Bucket="results", Key="shop/first.json")["Body"].read())
    assert kept["details"]["full-lob-not-nullable-at-target"] == [f"`{r.schema}`.`a`.t"]
    dms.delete_replication_task_assessment_run(
        ReplicationTaskAssessmentRunArn=started["ReplicationTaskAssessmentRunArn"]
    )
    assert dms.describe_replication_task_assessment_runs(Filters=only)["ReplicationTaskAssessmentRuns"] == []


def test_cloudwatch_knows_the_task_by_the_end_of_its_arn(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    arn = begin(replicator, replication)
    assert not arn.endswith(LINK.name)
    cloudwatch = client("cloudwatch")

    def told(name: str) -> bool:
        found = cloudwatch.list_metrics(
            Namespace="AWS/DMS",
            MetricName="CDCLatencyTarget",
            Dimensions=[{"Name": "ReplicationTaskIdentifier", "Value": name}],
        )["Metrics"]
        return bool(found)

    wait(lambda: told(arn.rpartition(":")[2]), "a metric")
    assert not told(LINK.name)
    now = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/DMS",
        MetricName="CDCLatencyTarget",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert points[0]["Unit"] == "Seconds"


def test_modifying_is_for_tasks_at_rest(
    replicator: DmsReplicator, replication: Replication, client: Any
) -> None:
    replication.both("CREATE TABLE a (id INT PRIMARY KEY)")
    dms, arn = client("dms"), begin(replicator, replication)
    with pytest.raises(dms.exceptions.InvalidResourceStateFault, match="cannot be modified"):
        dms.modify_replication_task(ReplicationTaskArn=arn, ReplicationTaskSettings=SETTINGS)
    replicator.stop(LINK)
    changed = dms.modify_replication_task(ReplicationTaskArn=arn, ReplicationTaskSettings=SETTINGS)
    assert changed["ReplicationTask"]["Status"] == "modifying"
    wait(lambda: replicator.status(LINK).state is TaskState.STOPPED, "modified")


def test_two_tasks_run_side_by_side(replicator: DmsReplicator, replication: Replication) -> None:
    r, other = replication, Link("shop", 2, Side.SOURCE)
    r.both("CREATE TABLE a (id INT PRIMARY KEY)")
    begin(replicator, r)
    replicator.prepare(other, full_load=False, **logins(r))
    replicator.start(other)
    assert {replicator.status(k).state for k in (LINK, other)} == {TaskState.RUNNING}
    replicator.stop(LINK)
    r.on(r.source, "INSERT INTO a VALUES (1)")
    wait(lambda: r.on(r.target, "SELECT COUNT(*) FROM a")[0][0] == 1, "the row by the other task")
    assert replicator.status(LINK).state is TaskState.STOPPED
