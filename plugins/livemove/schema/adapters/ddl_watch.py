"""Notices DDL on the owner within one look of any waiting task, from digests of its catalogue."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from livemove.control.adapters.state import owner
from livemove.model.ledger import DdlSeen, Definitions
from livemove.model.spec import Side
from livemove.runtime.mariadb import MariaDb, sql
from livemove.schema import ddl_digests as core

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)

SHARE = 20
"""Pause after a check, in multiples of its duration: at most a twentieth of the server's time is used."""
_next: dict[str, float] = {}
"""Service -> when this process may look again, by the monotonic clock."""
_said: dict[str, str] = {}


def read_digests(db: MariaDb, schemas: Sequence[str]) -> dict[str, str]:
    """What every table, view, routine, trigger and event of these schemas is now."""
    return core.digests(db.rows(sql("schema/list_definitions"), {"schemas": tuple(schemas)}))


def keep(world: ServiceContext, db: MariaDb, *, code_only: bool = False) -> None:
    """These definitions are carried, or seen to be the same on both sides: what comes later is DDL."""
    now = read_digests(db, world.spec.source.schemas)
    before = world.ledger.load(Definitions, side=db.side)
    if code_only and before:
        now = core.with_code_of(before.objects, now)
    world.ledger.save(
        Definitions(side=db.side, objects=now, kept_at=f"{world.clock.now():%Y-%m-%d %H:%M:%S}")
    )
    _next.pop(world.spec.service, None)


def notice_ddl(world: ServiceContext, awaited: str = "") -> str:
    """One sentence about DDL on the owner since its definitions were kept, or empty. Never raises.

    An observer of every waiting task, whatever that waits for.

    A change is noted in the ledger once, and stays in `definitions/<side>` for the gates and the report.
    """
    service = world.spec.service
    if time.monotonic() < _next.get(service, 0):
        return _said.get(service, "")
    began = time.monotonic()
    try:
        _said[service] = _look(world)
    except Exception as e:
        # whatever keeps this look from being made will be told by the wait itself, if it matters there
        log.info("the definitions were not looked at: %s: %s", type(e).__name__, e)
    _next[service] = time.monotonic() + SHARE * (time.monotonic() - began)
    return _said.get(service, "")


def _look(world: ServiceContext) -> str:
    side = owner(world)
    with world.database(side, timeout=5, read_timeout=60) as db:
        kept = world.ledger.load(Definitions, side=side)
        if kept is None:
            if side is Side.TARGET:
                # the writes have just moved: what stands here now is what the source has
                keep(world, db)
            return ""
        changed = core.changes(kept.objects, read_digests(db, world.spec.source.schemas))
    now = kept.model_copy(update={"changed": changed})
    if changed != kept.changed:
        world.ledger.save(now)
        if changed:
            world.ledger.note(DdlSeen(side=side, objects=changed[:50]))
            log.warning("%s", core.describe_changes(side, now.stored()))
    return core.describe_changes(side, now.stored())
