"""What a question shows, read from the world when it asks: documents of the ledger, the record, the return path. It only tells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from livemove.dns.adapters.public_record import intended_change, survey
from livemove.history.completed_switchovers import closed_since, completed
from livemove.model.errors import LivemoveError
from livemove.model.ledger import (
    Approval,
    Breach,
    Drain,
    ExpectedPause,
    Findings,
    FullLoad,
    Propagation,
    SwitchoverRecord,
    TableComparison,
    TerraformPlan,
    WatchLook,
    WayBack,
    moment,
    stored,
)
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting.gates import Evidence

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

log = logging.getLogger(__name__)


def collect(world: World, tables: list[str], *, record: bool, failures: bool = False) -> Evidence:
    """The evidence as it stands now; documents nobody wrote are None."""
    load = world.ledger.load
    done = moves(world)
    epoch = done[-1]["epoch"] if done else 1
    compared = {c.table: c.stored() for c in world.ledger.load_all(TableComparison, epoch=epoch)}
    names = sorted({*tables, *compared})
    return Evidence(
        findings=_findings(stored(load(Findings))),
        plan=stored(load(TerraformPlan)),
        full_load=stored(load(FullLoad)),
        comparison={t: compared.get(t) for t in names},
        record=record_and_survey(world) if record else None,
        propagation=stored(load(Propagation)),
        drain=stored(load(Drain)),
        pause=stored(load(ExpectedPause)),
        moves=done,
        way_back_closed=_closed(world, done),
        way_back=way_back_now(world) if done and done[-1]["to"] == Side.TARGET else None,
        breach=standing_breach(world),
        failures=replication_failures(world) if failures else None,
    )


def standing_breach(world: World) -> Json | None:
    """The last breach since the name moved, with what the newest look says of it; None when there was none, or the name went back."""
    found = world.ledger.load(Breach)
    approval = world.ledger.load(Approval, gate="switch_dns")
    asked = approval.asked_at if approval else None
    if not found or found.restored_at or (asked and moment(found.at) < moment(asked)):
        return None
    newest = world.ledger.load(WatchLook) or WatchLook(at=found.at)
    return {**found.stored(), "still": newest.breach, "looked_at": newest.at}


def replication_failures(world: World) -> list[str] | None:
    """What DMS's events tell of failures of the task in use; None where they cannot be read. Only told: guards decide."""
    from livemove.control.adapters.state import link_in_use

    try:
        found: list[str] | None = world.replicator.signs(link_in_use(world))["failures"]
        return found
    except Exception:
        # a question must be asked whatever cannot be seen
        log.warning("DMS's events could not be read", exc_info=True)
        return None


def record_and_survey(world: World) -> Json:
    """The change as it would be made now, and what all authorities say to it."""
    change = intended_change(world)
    if change.done:
        return change.document
    zone = world.zone
    return {**change.document, **survey(world).document, "provider": zone.provider, "by_hand": zone.by_hand}


def way_back_now(world: World) -> Json | None:
    """The return path, looked at now; where that is not possible, as it was seen last. Only told: guards decide."""
    from livemove.switchover.adapters.reverse_replication_status import look

    try:
        return look(world)
    except Exception as e:
        # it only tells: a question must be asked whatever cannot be seen
        found = e.found if isinstance(e, LivemoveError) else repr(e)
        before = stored(world.ledger.load(WayBack)) or {}
        seen = f"; last seen {before['checked_at']}: {before['says']}" if before else ""
        return {**before, "losses": [], "says": f"The way back could not be looked at: {found}{seen}"}


def moves(world: World) -> list[Json]:
    """Documents switchover/<epoch> of moves that went through, oldest first."""
    return completed(d.stored() for d in world.ledger.load_all(SwitchoverRecord))


def way_back_closed(world: World) -> str | None:
    """When the return path of the last move was deleted, or None while the source still follows.

    For the question and for a clear refusal only; the switchover's own guards decide.
    """
    return _closed(world, moves(world))


def _closed(world: World, done: list[Json]) -> str | None:
    return (
        closed_since(
            str(done[-1].get("started_at") or ""), [e.stored() for e in world.ledger.snapshot().events]
        )
        if done
        else None
    )


def _findings(document: Any) -> list[Json]:
    if isinstance(document, dict):
        document = document.get("findings", [])
    return list(document or ())
