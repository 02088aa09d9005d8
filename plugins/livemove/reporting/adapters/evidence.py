"""What a question shows, read when it is asked: ledger documents, the record, reverse replication."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livemove.dns.adapters.public_record import intended_change, survey
from livemove.dns.adapters.zones import zone_of
from livemove.history.adapters.history_reader import read_history
from livemove.model.ledger import (
    Approval,
    Breach,
    Drain,
    ExpectedPause,
    Findings,
    FullLoad,
    Propagation,
    TableComparison,
    TerraformPlan,
    TrialPart,
    WatchLook,
    moment,
)
from livemove.model.spec import Side
from livemove.replication.adapters.replicator import replicator_of
from livemove.reporting.gates import Evidence, RecordEvidence

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)


def collect(world: ServiceContext, tables: list[str], *, record: bool, failures: bool = False) -> Evidence:
    """The evidence as it is now; documents nobody wrote are None."""
    from livemove.switchover.adapters.reverse_replication_status import way_back_now

    load = world.ledger.load
    history = read_history(world)
    compared = {c.table: c for c in world.ledger.load_all(TableComparison, epoch=history.epoch_of_owner)}
    found = load(Findings)
    tried = [f for p in world.ledger.load_all(TrialPart) for f in p.findings]
    breach = standing_breach(world)
    return Evidence(
        findings=[*(found.findings if found else ()), *tried],
        plan=load(TerraformPlan),
        full_load=load(FullLoad),
        comparison={t: compared.get(t) for t in sorted({*tables, *compared})},
        record=record_and_survey(world) if record else None,
        propagation=load(Propagation),
        drain=load(Drain),
        pause=load(ExpectedPause),
        history=history,
        way_back=way_back_now(world) if history.current.owner is Side.TARGET else None,
        breach=breach,
        watch=load(WatchLook) if breach else None,
        failures=replication_failures(world) if failures else None,
    )


def standing_breach(world: ServiceContext) -> Breach | None:
    """The last breach since the name moved; None when there was none, or the name went back."""
    found = world.ledger.load(Breach)
    approval = world.ledger.load(Approval, gate="switch_dns")
    asked = approval.asked_at if approval else None
    if not found or found.restored_at or (asked and moment(found.at) < moment(asked)):
        return None
    return found


def replication_failures(world: ServiceContext) -> list[str] | None:
    """Failures in DMS's events of the task in use; None where they cannot be read. Guards decide."""
    from livemove.control.adapters.state import link_in_use

    try:
        found: list[str] | None = replicator_of(world).diagnostics(link_in_use(world))["failures"]
        return found
    except Exception:
        # a question must be asked whatever cannot be seen
        log.warning("DMS's events could not be read", exc_info=True)
        return None


def record_and_survey(world: ServiceContext) -> RecordEvidence:
    """The change as it would be made now, and what all authorities say to it."""
    change = intended_change(world)
    if change.done:
        return RecordEvidence(change)
    zone, verdict = zone_of(world), survey(world)
    return RecordEvidence(change, verdict.against, verdict.notes, zone.provider, zone.by_hand)
