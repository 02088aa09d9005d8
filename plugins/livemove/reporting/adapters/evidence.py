"""What a question shows, read from the world when it asks: documents of the ledger, the record, the return path. It only tells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from livemove.comparison.documents import compared
from livemove.dns.adapters.public_record import intended_change, survey
from livemove.dns.adapters.zones import zone_of
from livemove.history.adapters.history_reader import read_history
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.replication.adapters.replicator import replicator_of
from livemove.reporting.gates import Evidence

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

log = logging.getLogger(__name__)


def collect(world: World, tables: list[str], *, record: bool, failures: bool = False) -> Evidence:
    """The evidence as it stands now; documents nobody wrote are None."""
    from livemove.switchover.adapters.reverse_replication_status import way_back_now

    read = world.ledger.read
    history = read_history(world)
    epoch = history.epoch_of_owner
    under = f"comparison/{epoch}/"
    names = sorted({*tables, *(n.removeprefix(under) for n in world.ledger.documents(under))})
    return Evidence(
        findings=_findings(read("findings")),
        plan=read("plan"),
        full_load=read("full_load"),
        comparison={t: read(compared(epoch, t)) for t in names},
        record=record_and_survey(world) if record else None,
        propagation=read("propagation"),
        drain=read("drain"),
        pause=read("expected_pause"),
        history=history,
        way_back=way_back_now(world) if history.current.owner is Side.TARGET else None,
        breach=standing_breach(world),
        failures=replication_failures(world) if failures else None,
    )


def standing_breach(world: World) -> Json | None:
    """The last breach since the name moved, with what the newest look says of it; None when there was none, or the name went back."""
    found = world.ledger.read("dns/breach")
    asked = (world.ledger.read("approvals/switch_dns") or {}).get("asked_at")
    if not found or found["restored_at"] or (asked and str(found["at"]) < str(asked)):
        return None
    newest = world.ledger.read("dns/watch") or {}
    return {**found, "still": newest.get("breach", []), "looked_at": newest.get("at", found["at"])}


def replication_failures(world: World) -> list[str] | None:
    """What DMS's events tell of failures of the task in use; None where they cannot be read. Only told: guards decide."""
    from livemove.control.adapters.state import link_in_use

    try:
        found: list[str] | None = replicator_of(world).signs(link_in_use(world))["failures"]
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
    zone = zone_of(world)
    return {**change.document, **survey(world).document, "provider": zone.provider, "by_hand": zone.by_hand}


def _findings(document: Any) -> list[Json]:
    if isinstance(document, dict):
        document = document.get("findings", [])
    return list(document or ())
