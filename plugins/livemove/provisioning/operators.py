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
"""A snapshot that is older than this is not of this switchover."""


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
    """Takes an RDS snapshot before the switchover. A retry waits for the same one, a new attempt does not."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DatabaseLink())

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        rds, database = world.aws("rds"), world.outputs.database_identifier
        name = _begun(rds, database, world.clock.now())
        if name is None:
            name = f"{database}{BEFORE}{world.clock.now():{STAMP}}"
            rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=database)
        else:
            self.log.info("snapshot %s was begun already", name)
        self._wait(world.clock, rds, name)
        world.ledger.note(SnapshotTaken(name=name))
        return {"snapshot": name}

    def _wait(self, clock: Clock, rds: Any, name: str) -> None:
        deadline, voice = Deadline(clock, SNAPSHOT_WITHIN), LogThrottle()

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
    """The newest snapshot of this task that is not older than FRESH and has not failed."""
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
        if now - made < FRESH and ours[name] in ("creating", "available"):
            return name
    return None
