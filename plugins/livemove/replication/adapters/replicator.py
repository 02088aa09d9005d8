"""The replicator of one service. DMS's module is imported when used: it loads the AWS SDK.

A second replication engine is one more branch here, one more module beside this one and one word in the spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.model.ports import Replicator

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def replicator_of(world: ServiceContext) -> Replicator:
    return world.port("replicator", lambda: _dms(world))


def trial_replicator_of(world: ServiceContext, schema: str) -> Replicator:
    """The same engine with the same settings, for the trial's links: its scratch schema and nothing else."""
    return world.port("trial_replicator", lambda: _dms(world, (schema,), watermarks=False))


def _dms(
    world: ServiceContext, schemas: tuple[str, ...] | None = None, *, watermarks: bool = True
) -> Replicator:
    from livemove.replication.adapters.dms import DmsReplicator

    return DmsReplicator.of(world, schemas, watermarks=watermarks)
