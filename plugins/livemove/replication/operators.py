"""Make, start, judge and delete replication tasks. Each operator first reads the state of both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livemove.model.errors import RefusedError
from livemove.model.ledger import ReplicationDeleted, ReplicationPrepared, ReplicationStarted
from livemove.replication.adapters.replicator import replicator_of
from livemove.replication.dms_rules import trial_links
from livemove.runtime.links import DmsTaskLink
from livemove.runtime.operator import NOTHING_TO_DO, LivemoveOperator

if TYPE_CHECKING:
    from livemove.model.ports import Link
    from livemove.runtime.service_context import ServiceContext


class PrepareReplicationOperator(LivemoveOperator):
    """Make secrets, endpoints and task for the full load and CDC of the first epoch; test both connections.

    Nothing is done in a later epoch: its task began at a binlog position, and a full load would destroy.
    """

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.control.adapters.control_row import apply_account
        from livemove.control.adapters.setup import READ_ACCOUNT, credentials
        from livemove.control.adapters.state import link_in_use
        from livemove.replication.dms_rules import is_first, may_load

        world = self.world(context)
        link = link_in_use(world)
        if reason := may_load(link):
            raise RefusedError(
                f"No replication task is made: {reason}",
                wanted="the source as the owner",
                next_step=NOTHING_TO_DO,
            )
        if not is_first(link):
            self.log.info(
                "%s is in use since a rollback; there is nothing to prepare and nothing to load", link.name
            )
            return {"link": link.name, "prepared": False}
        replicator_of(world).prepare(
            link,
            full_load=True,
            reader=credentials(world, link.reads, READ_ACCOUNT),
            applier=credentials(world, link.writes, apply_account(link.epoch)),
        )
        self.dms_task = link.name
        self.log.info("%s: both connections tested, the task is there", link.name)
        world.ledger.note(ReplicationPrepared(link=link.name))
        return {"link": link.name, "prepared": True}


class StartReplicationOperator(LivemoveOperator):
    """Start the task of the link in use, or resume it; nothing to do when it runs."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.control.adapters.state import link_in_use
        from livemove.replication.dms_rules import describe_status, may_load

        world = self.world(context)
        link = link_in_use(world)
        if reason := may_load(link):
            raise RefusedError(
                f"The replication from source to target is not started: {reason}",
                wanted="the source as the owner; reverse replication is started by switchover.return_path",
                next_step=NOTHING_TO_DO,
            )
        self.dms_task = link.name
        self._refuse_unhelped(world, link)
        before = replicator_of(world).status(link)
        replicator_of(world).start(link)
        after = replicator_of(world).status(link)
        self.log.info("%s was %s, is %s", link.name, before.state, after.state)
        world.ledger.note(
            ReplicationStarted(link=link.name, was=str(before.state), words=describe_status(before))
        )
        return {"link": link.name, "was": str(before.state), "is": str(after.state)}

    def _refuse_unhelped(self, world: ServiceContext, link: Link) -> None:
        """RefusedError where the follower's tables would stop DMS's first statement for a LOB."""
        from livemove.schema.adapters.lob_helpers import unhelped

        with world.database(link.writes) as follower:
            left = unhelped(follower, world.spec.source.schemas)
        if left:
            raise RefusedError(
                f"The {link.writes} is not ready for LOBs, which DMS writes by a second statement:"
                f" {'; '.join(left[:10])}",
                wanted="a helper trigger for each LOB that is NOT NULL, and no ON UPDATE beside a LOB",
                next_step="clear replicate.carry_tables without downstream, then this task",
            )


class DeleteReplicationOperator(LivemoveOperator):
    """Stop and delete tasks, endpoints and secrets of all links of the service."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())

    def execute(self, context: Any) -> list[str]:
        world = self.world(context)
        links = replicator_of(world).links()
        # those of a trial that nobody removed would keep Terraform from deleting the instance
        for link in (*links, *trial_links(self.service)):
            replicator_of(world).delete(link)
            self.log.info("%s: task, endpoints and secrets are gone", link.name)
        world.ledger.note(ReplicationDeleted(links=[k.name for k in links]))
        return [k.name for k in links]
