"""Provisioning: plan, apply of exactly that plan, and the snapshot before the writes move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from livemove.model.errors import InfraError, RefusedError
from livemove.model.formatting import hours
from livemove.model.ledger import (
    AppliedPlan,
    AppliedTeardown,
    Outputs,
    SnapshotTaken,
    TeardownPlan,
    TerraformApplied,
    TerraformPlan,
)
from livemove.model.ports import Clock, Json
from livemove.provisioning.adapters.terraform import infra_of
from livemove.provisioning.adapters.variables import variables
from livemove.provisioning.plan import markdown, refusal
from livemove.runtime.deadlines import Deadline, growing, poll_until
from livemove.runtime.links import DatabaseLink
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import LogThrottle

if TYPE_CHECKING:
    from livemove.provisioning.adapters.terraform import Terraform

__all__ = ["SnapshotOperator", "TerraformApplyOperator", "TerraformPlanOperator", "variables"]

BEFORE, STAMP = "-before-move-", "%Y%m%d%H%M%S"
SNAPSHOT_WITHIN = 3 * 3600.0
"""Seconds; the first snapshot of a large database copies all of it."""
FRESH = timedelta(hours=1)
"""A finished snapshot that is older than this is not of this switchover."""
BUSY = "InvalidDBInstanceState"
"""RDS's answer while it makes a snapshot already, a backup, or changes the instance.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html"""


class _TerraformOperator(LivemoveOperator):
    """:param replication_enabled: False plans the teardown of DMS"""

    def __init__(self, *, replication_enabled: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.replication_enabled = replication_enabled
        self.infra: Terraform | None = None

    @property
    def plan(self) -> type[TerraformPlan | TeardownPlan]:
        return TerraformPlan if self.replication_enabled else TeardownPlan

    @property
    def applied(self) -> type[AppliedPlan | AppliedTeardown]:
        return AppliedPlan if self.replication_enabled else AppliedTeardown

    def on_kill(self) -> None:
        if self.infra is not None:
            self.infra.cancel()


class TerraformPlanOperator(_TerraformOperator):
    """Makes a Terraform plan, stores it by its digest and shows it; refuses to delete a database."""

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        self.infra = infra_of(world)
        plan = infra_of(world).plan(variables(world, replication_enabled=self.replication_enabled))
        for action, address in plan.changes:
            self.log.info("%-8s %s", action, address)
        for address in plan.drift:
            self.log.warning("changed outside Terraform: %s", address)
        if why := refusal(plan):
            raise RefusedError(
                why,
                wanted="a plan that keeps the database",
                next_step=(
                    "undo what makes Terraform replace it (see the log); if an interrupted apply left it"
                    " tainted, `terraform untaint` it; then clear this task"
                ),
            )
        kept = self.plan(
            digest=plan.digest,
            changes=list(plan.changes),
            counts=dict(plan.counts),
            drift=list(plan.drift),
            markdown=markdown(plan),
        )
        world.ledger.save(kept)
        return {"digest": plan.digest, "counts": plan.counts}


class TerraformApplyOperator(_TerraformOperator):
    """Applies exactly the plan that was shown, once; writes Terraform's outputs to the ledger."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DatabaseLink())

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        self.infra = infra_of(world)
        plan = world.ledger.load(self.plan)
        if plan is None:
            raise RefusedError(
                "There is no plan in the ledger", next_step="clear the plan task with downstream"
            )
        digest, done = plan.digest, world.ledger.load(self.applied)
        if done and done.digest == digest:
            self.log.info("plan %s was applied at %s already", digest[:12], done.at)
        else:
            infra_of(world).apply(digest)
            world.ledger.save(self.applied(digest=digest, at=world.clock.now().isoformat()))
            world.ledger.note(TerraformApplied(digest=digest, counts=plan.counts))
        outputs = Outputs.model_validate(infra_of(world).outputs())
        world.ledger.save(outputs)
        self.log.info("%s", outputs.idc_firewall)
        return {"digest": digest, "database": outputs.database_address}


class SnapshotOperator(LivemoveOperator):
    """Takes an RDS snapshot before the switchover's question, so that its hour is not the window's.

    A retry waits for the same one, a new attempt does not. While RDS is busy with another, it waits for that.
    """

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DatabaseLink())

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        rds, database = world.aws("rds"), world.outputs.database_identifier
        deadline = Deadline(world.clock, SNAPSHOT_WITHIN)
        name = _begun(rds, database, world.clock.now())
        if name is None:
            name = self._begin(world.clock, rds, database, deadline)
        else:
            self.log.info("snapshot %s was begun already", name)
        self._wait(rds, name, deadline)
        world.ledger.note(SnapshotTaken(name=name))
        return {"snapshot": name}

    def _begin(self, clock: Clock, rds: Any, database: str, deadline: Deadline) -> str:
        """The name of the snapshot that RDS has taken the order for."""
        from botocore.exceptions import ClientError

        voice = LogThrottle()

        def ask() -> tuple[str, str]:
            name = f"{database}{BEFORE}{clock.now():{STAMP}}"
            try:
                rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=database)
            except ClientError as e:
                if e.response["Error"]["Code"] != BUSY:
                    raise
                said = e.response["Error"]["Message"]
                if line := voice.line(f"waiting until RDS takes a snapshot: {said}", deadline.waited):
                    self.log.info("%s", line)
                return "", said
            return name, ""

        name, said = poll_until(ask, deadline, every=growing(0.5, 1.5, 30.0), done=lambda seen: seen[0])
        if not name:
            raise InfraError(
                f"RDS takes no snapshot of {database}: {said}",
                wanted=f"the order taken within {hours(SNAPSHOT_WITHIN)}",
                next_step="look at it in the RDS console, wait until it is available, clear this task",
            )
        return name

    def _wait(self, rds: Any, name: str, deadline: Deadline) -> None:
        voice = LogThrottle()

        def look() -> Json:
            one: Json = rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]
            taken = one["Status"] == "available" and not _backing_up(rds, one["DBInstanceIdentifier"])
            message = f"snapshot {name} is {one['Status']}, {int(one.get('PercentProgress') or 0)} %"
            if not taken and (line := voice.line(message, deadline.waited)):
                self.log.info("%s", line)
            return {"status": one["Status"], "taken": taken}

        seen = poll_until(
            look,
            deadline,
            every=growing(0.5, 1.5, 15.0),
            done=lambda seen: seen["taken"] or seen["status"] == "failed",
        )
        if not seen["taken"]:
            raise InfraError(
                f"The snapshot {name} is {seen['status']}",
                wanted=f"available within {hours(SNAPSHOT_WITHIN)}",
                next_step="look at it in the RDS console, delete it, clear this task",
            )


def _backing_up(rds: Any, database: str) -> bool:
    """Whether RDS is in state backing-up, which can outlast its snapshot; the guards wait for its end."""
    one = rds.describe_db_instances(DBInstanceIdentifier=database)["DBInstances"][0]
    return bool(one["DBInstanceStatus"] == "backing-up")


def _begun(rds: Any, database: str, now: datetime) -> str | None:
    """The newest snapshot of this task that is being made, or is done and not older than FRESH."""
    pages = rds.get_paginator("describe_db_snapshots").paginate(
        DBInstanceIdentifier=database, SnapshotType="manual"
    )
    ours: dict[str, str] = {
        s["DBSnapshotIdentifier"]: s["Status"]
        for page in pages
        for s in page["DBSnapshots"]
        if s["DBSnapshotIdentifier"].startswith(f"{database}{BEFORE}")
    }
    for name in sorted(ours, reverse=True):
        made = datetime.strptime(name.rsplit("-", 1)[1], STAMP).replace(tzinfo=UTC)
        if ours[name] == "creating" or (ours[name] == "available" and now - made < FRESH):
            return name
    return None
