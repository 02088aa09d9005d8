"""Requests and errors of users around a switchover, by the servers' own counters before and after it.

Only from a server or its log, which are current; Prometheus and CloudWatch are a minute old. It decides
nothing: a counter that does not answer is named in the document and delays nobody beyond its timeout.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livemove.model.counters import has_restarted
from livemove.model.ledger import RequestsAround as Requests
from livemove.model.ledger import SwitchoverRecord
from livemove.model.ports import Host, Json
from livemove.model.spec import Server
from livemove.runtime.parallel import in_parallel
from livemove.traffic.adapters.counters import Count, read_count

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
AT_ONCE = ("http", "log")


class RequestsAround:
    """Counts when it is made, and again when the move is over."""

    def __init__(self, world: ServiceContext) -> None:
        self.world = world
        self.at, self.before = world.clock.now(), counts(world)

    def keep(self, move: SwitchoverRecord) -> None:
        """Into the ledger's `users/<epoch>`, when all of the move lay in between."""
        if not move.steps or move.steps[0].step != 0 or move.fenced_ms is None or not self.before:
            return
        try:
            text = between(self.before, counts(self.world))
            seconds = (self.world.clock.now() - self.at).total_seconds()
            found = {**text, "epoch": move.epoch, "seconds": round(seconds, 1)}
            self.world.ledger.save(Requests.model_validate(found))
        except Exception:
            # the move is done, whatever can be told of it
            log.warning("the requests around the move could not be kept", exc_info=True)


def counts(world: ServiceContext) -> dict[str, Count | None]:
    """By server; None where it does not tell. Empty where the spec counts elsewhere."""
    if world.spec.drain.source not in AT_ONCE:
        return {}
    try:
        pairs = list(zip(world.spec.servers, world.hosts(), strict=True))
    except Exception:
        log.warning("the servers could not be found, so their requests are not counted", exc_info=True)
        return {}

    def one(pair: tuple[Server, Host]) -> Count | None:
        try:
            return read_count(world, *pair)
        except Exception as e:
            # no counter holds up a move
            log.info("the counter of %s does not answer: %s", pair[0].name, e)
            return None

    return {s.name: found for (s, _), found in zip(pairs, in_parallel(pairs, one), strict=True)}


def between(before: dict[str, Count | None], after: dict[str, Count | None]) -> Json:
    """{"requests", "errors", "not_counted"} between both looks; a restarted server is not counted."""
    requests, errors, missing = 0, 0, []
    tells_errors = True
    for name, now in after.items():
        then = before.get(name)
        if now is None or then is None or has_restarted(then.requests, now.requests):
            missing.append(name)
            continue
        requests += now.requests - then.requests
        if now.errors is None or then.errors is None:
            tells_errors = False
        else:
            errors += now.errors - then.errors
    return {"requests": requests, "errors": errors if tells_errors else None, "not_counted": sorted(missing)}
