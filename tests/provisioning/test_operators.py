"""The shells of the provision chapter: what they refuse, do once, and leave in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from livemove.model.errors import InfraError, RefusedError
from livemove.model.ledger import Outputs
from livemove.model.ports import Json, PlanSummary
from livemove.model.spec import find_spec
from livemove.provisioning import operators as infra
from livemove.provisioning.adapters import variables as infra_variables
from livemove.provisioning.adapters.variables import dms_roles
from livemove.provisioning.operators import SnapshotOperator, TerraformApplyOperator, TerraformPlanOperator
from livemove.runtime.clock import SystemClock
from livemove.runtime.deadlines import Deadline
from tests.conftest import Endpoint
from tests.doubles.memory import HandClock, MemoryLedger
from tests.lab_cloud.waiting import until
from tests.raising import raises

CREATE = PlanSummary("d1g3st", (("create", "module.web.aws_instance.this[0]"),))
REPLACE = PlanSummary("0ther", (("replace", "module.database.aws_db_instance.this"),))


@dataclass
class PaperInfra:
    planned: PlanSummary
    applied: list[str] = field(default_factory=list)
    cancelled: int = 0

    def plan(self, variables: Json) -> PlanSummary:
        self.variables = variables
        return self.planned

    def apply(self, digest: str) -> None:
        self.applied.append(digest)

    def outputs(self) -> Json:
        return {"database_address": "db.example.com", "idc_firewall": "allow"}

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(infra, "variables", lambda world, replication_enabled: {"on": replication_enabled})
    world = SimpleNamespace(ledger=MemoryLedger(), infra=PaperInfra(CREATE), clock=HandClock())
    world.port = lambda name, make: getattr(world, name)
    return world


def run(operator: Any, world: Any) -> Json:
    operator.world = lambda context: world
    result: Json = operator.execute({})
    return result


def test_a_plan_is_left_in_the_ledger_with_its_digest_and_a_page(world: Any) -> None:
    assert run(TerraformPlanOperator(task_id="plan", service="shop"), world) == {
        "digest": "d1g3st",
        "counts": {"create": 1},
    }
    kept = world.ledger.read("plan")
    assert kept["changes"] == [["create", "module.web.aws_instance.this[0]"]]
    assert "module.web.aws_instance.this[0]" in kept["markdown"]
    assert world.infra.variables == {"on": True}


def test_a_plan_that_would_replace_the_database_never_reaches_the_ledger(world: Any) -> None:
    world.infra.planned = REPLACE
    with raises(RefusedError, "replace module.database.aws_db_instance.this"):
        run(TerraformPlanOperator(task_id="plan", service="shop"), world)
    assert world.ledger.read("plan") is None


def test_a_cleared_apply_does_not_apply_again_but_tells_the_outputs_again(world: Any) -> None:
    run(TerraformPlanOperator(task_id="plan", service="shop"), world)
    for _ in range(2):
        run(TerraformApplyOperator(task_id="apply", service="shop"), world)
    assert world.infra.applied == ["d1g3st"]
    assert world.ledger.read("outputs")["database_address"] == "db.example.com"


def test_a_new_plan_is_applied_after_an_old_one(world: Any) -> None:
    for digest in ("one", "two"):
        world.infra.planned = PlanSummary(digest, ())
        run(TerraformPlanOperator(task_id="plan", service="shop"), world)
        run(TerraformApplyOperator(task_id="apply", service="shop"), world)
    assert world.infra.applied == ["one", "two"]


def test_the_teardown_has_a_plan_of_its_own(world: Any) -> None:
    run(TerraformPlanOperator(task_id="plan", service="shop"), world)
    teardown = {"service": "shop", "replication_enabled": False}
    with pytest.raises(RefusedError, match="no plan in the ledger"):
        run(TerraformApplyOperator(task_id="teardown", **teardown), world)
    run(TerraformPlanOperator(task_id="teardown_plan", **teardown), world)
    assert world.infra.variables == {"on": False}
    run(TerraformApplyOperator(task_id="teardown", **teardown), world)
    assert world.infra.applied == ["d1g3st"]


def test_a_killed_task_interrupts_terraform(world: Any) -> None:
    operator = TerraformPlanOperator(task_id="plan", service="shop")
    operator.on_kill()
    run(operator, world)
    operator.on_kill()
    assert world.infra.cancelled == 1


@pytest.fixture(scope="module")
def database(aws_endpoint: Endpoint) -> Iterator[str]:
    rds = aws_endpoint.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="snapped",
        Engine="mariadb",
        EngineVersion="10.11",
        DBInstanceClass="db.t3.medium",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="a-password",
    )
    until(
        lambda: (
            rds.describe_db_instances(DBInstanceIdentifier="snapped")["DBInstances"][0]["DBInstanceStatus"]
            == "available"
            or None
        ),
        "the instance",
    )
    yield "snapped"
    rds.delete_db_instance(DBInstanceIdentifier="snapped", SkipFinalSnapshot=True)


class LaterClock(SystemClock):
    """Waits as the machine does, and can be put on."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


def test_a_retry_goes_on_with_its_snapshot_and_tomorrow_makes_a_new_one(
    aws_endpoint: Endpoint, database: str, world: Any
) -> None:
    world.aws, world.outputs = aws_endpoint.client, Outputs(database_identifier=database)
    world.clock = LaterClock()
    operator = SnapshotOperator(task_id="snapshot", service="shop")
    first = run(operator, world)["snapshot"]
    world.clock.ahead += timedelta(minutes=10)
    assert run(operator, world)["snapshot"] == first
    world.clock.ahead += timedelta(days=1)
    second = run(operator, world)["snapshot"]
    assert second != first
    made = aws_endpoint.client("rds").describe_db_snapshots(
        DBInstanceIdentifier=database, SnapshotType="manual"
    )["DBSnapshots"]
    assert {s["DBSnapshotIdentifier"]: s["Status"] for s in made} == {first: "available", second: "available"}


def test_a_snapshot_waits_for_the_one_that_is_being_made(
    aws_endpoint: Endpoint, database: str, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS takes one at a time (InvalidDBInstanceState); an old one that is not done yet is still ours."""
    world.aws, world.outputs = aws_endpoint.client, Outputs(database_identifier=database)
    world.clock = LaterClock()
    world.clock.ahead += timedelta(days=7)
    rds = aws_endpoint.client("rds")
    rds.create_db_snapshot(DBSnapshotIdentifier="of-somebody-else", DBInstanceIdentifier=database)
    with pytest.raises(
        rds.exceptions.InvalidDBInstanceStateFault, match="not currently in the available state"
    ):
        rds.create_db_snapshot(DBSnapshotIdentifier="too-early", DBInstanceIdentifier=database)
    operator = SnapshotOperator(task_id="snapshot", service="shop")
    made = run(operator, world)["snapshot"]
    said = capsys.readouterr().out
    assert "waiting until RDS takes a snapshot: Cannot create a snapshot because" in said
    assert rds.describe_db_snapshots(DBSnapshotIdentifier=made)["DBSnapshots"][0]["Status"] == "available"
    until(
        lambda: (
            rds.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"][0]["DBInstanceStatus"]
            == "available"
            or None
        ),
        "the end of the backup",
    )
    world.clock.ahead += timedelta(days=7)
    begun = f"{database}-before-move-{world.clock.now():%Y%m%d%H%M%S}"
    rds.create_db_snapshot(DBSnapshotIdentifier=begun, DBInstanceIdentifier=database)
    world.clock.ahead += timedelta(hours=2)
    assert run(operator, world)["snapshot"] == begun


def test_a_snapshot_that_rds_never_takes_ends_in_its_words(world: Any) -> None:
    from botocore.exceptions import ClientError

    def refuse(**_: str) -> None:
        raise ClientError({"Error": {"Code": "InvalidDBInstanceState", "Message": "is modifying"}}, "Create")

    clock = HandClock()
    rds: Any = SimpleNamespace(create_db_snapshot=refuse)
    operator = SnapshotOperator(task_id="snapshot", service="shop")
    with pytest.raises(InfraError, match="RDS takes no snapshot of db: is modifying"):
        operator._begin(clock, rds, "db", Deadline(clock, 3600))
    assert 3600 <= clock.monotonic() < 3700


def test_roles_that_nobody_made_or_that_are_ours_are_held_and_strangers_are_left_alone(
    aws_endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra_variables, "DMS_ROLES", ("test-none", "test-ours", "test-theirs", "test-hand"))
    iam = aws_endpoint.client("iam")
    for name, tags in {
        "test-ours": {"ManagedBy": "livemove", "Service": "shop"},
        "test-theirs": {"ManagedBy": "livemove", "Service": "listings"},
        "test-hand": {},
    }.items():
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument="{}",
            Tags=[{"Key": k, "Value": v} for k, v in tags.items()],
        )
    world: Any = SimpleNamespace(aws=aws_endpoint.client, spec=SimpleNamespace(service="shop"))
    assert dms_roles(world) == ["test-none", "test-ours"]
    assert dms_roles(world, replication_enabled=False) == []


def test_the_teardown_leaves_the_roles_while_others_replicate(aws_endpoint: Endpoint) -> None:
    dms = aws_endpoint.client("dms")
    made = dms.create_replication_instance(
        ReplicationInstanceIdentifier="listings", ReplicationInstanceClass="dms.t3.medium"
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    world: Any = SimpleNamespace(aws=aws_endpoint.client, spec=SimpleNamespace(service="shop"))
    assert dms_roles(world, replication_enabled=False) == list(infra_variables.DMS_ROLES)
    dms.delete_replication_instance(ReplicationInstanceArn=made)


@pytest.mark.parametrize(
    ("provider", "more", "zone"),
    [
        ("route53", {}, "shop.test"),
        ("rfc2136", {"primary": "127.0.0.1", "connection": "tsig"}, ""),
        ("manual", {}, ""),
    ],
)
def test_terraform_looks_for_a_hosted_zone_only_where_the_zone_is_at_route_53(
    monkeypatch: pytest.MonkeyPatch, provider: str, more: Json, zone: str
) -> None:
    spec = find_spec("shop")
    world: Any = SimpleNamespace(
        spec=spec.model_copy(update={"dns": spec.dns.model_copy(update={"provider": provider, **more})}),
        clock=HandClock(),
        secret=lambda connection: SimpleNamespace(login="somebody"),
    )
    for needs_servers in ("source_parameters", "dms_roles"):
        monkeypatch.setattr(infra_variables, needs_servers, lambda *a, **k: [])
    assert infra_variables.variables(world)["zone_name"] == zone
