"""What users met around a move of the writes: the servers' own counters before it and after it.

Only where a server, or its log, tells at once; Prometheus and CloudWatch tell of a minute ago. It only tells:
a counter that
does not answer is named in the document and holds nobody up for longer than its timeout.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from livemove.model.counters import has_restarted
from livemove.model.ports import Host, Json
from livemove.model.spec import Server
from livemove.runtime.parallel import in_parallel
from livemove.traffic.adapters.counters import Count, read_count

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

log = logging.getLogger(__name__)
AT_ONCE = ("http", "log")


class RequestsAround:
    """Counts when it is made, and again when the move is over."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.at, self.before = world.clock.now(), counts(world)

    def kept(self, move: Json) -> Json:
        """The move's document as it came; the ledger has `users/<epoch>` when all of the move lay in between."""
        steps = move.get("steps") or [{}]
        if steps[0].get("step") != 0 or move.get("fenced_ms") is None or not self.before:
            return move
        try:
            told = between(self.before, counts(self.world))
            seconds = (self.world.clock.now() - self.at).total_seconds()
            self.world.ledger.write(f"users/{move['epoch']}", {**told, "seconds": round(seconds, 1)})
        except Exception:
            # the move is done, whatever can be told of it
            log.warning("the requests around the move could not be kept", exc_info=True)
        return move


def counts(world: World) -> dict[str, Count | None]:
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
    """{"requests", "errors", "not_counted"}: what the servers answered meanwhile; one that began anew is not counted."""
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
