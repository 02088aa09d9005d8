"""A breach of the budget while both sites serve, as the tasks that wait for the name learn of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livemove.model.errors import DnsError, LivemoveError, RefusedError
from livemove.model.ledger import Breach
from livemove.model.spec import Side

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def breach_error(found: Breach) -> LivemoveError:
    """The error of a task that finds this breach: DnsError when the name went back, else RefusedError."""
    why = "; ".join(found.reasons)
    if found.restored_at:
        return DnsError(
            f"At {found.share} % of the answers: {why}. The name went back by itself at {found.restored_at}",
            wanted="a cloud site within the spec's budget (watch)",
            next_step=(
                "users return as their caches expire; fix the cloud, then clear switch_dns.baseline with"
                " downstream"
            ),
        )
    more = f" ({found.not_restored})" if found.not_restored else ""
    return RefusedError(
        f"At {found.share} % of the answers: {why}{more}. The record stays as it is",
        wanted="a decision: watch.on_breach is ask, or the old site is no better",
        next_step=(
            "to go back, clear switch_dns.ask with downstream and answer Roll back; to go on, clear this task"
        ),
    )


def refuse_after_breach(world: ServiceContext, expected: str) -> None:
    """Whoever waits for the new answer learns that the name went back."""
    found = world.ledger.load(Breach)
    if expected == Side.TARGET and found and found.restored_at:
        raise breach_error(found)
