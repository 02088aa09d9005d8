"""Small time series of the switchover night, kept in the ledger at a bounded size. No I/O.

A series is one document with `points`, oldest first. When it is full, the older half is merged in pairs, so
that the newest points stay exact and nothing is thrown away: counts are added up, the worst of two delays is
kept. The ledger's last writer wins; a point that is lost that way is made good by the next one, whose counts
begin earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from livemove.model.counters import KINDS, increases, total
from livemove.model.ledger import (
    DelayPoint,
    Delays,
    Loading,
    LoadPoint,
    SiteCounts,
    Traffic,
    TrafficPoint,
)
from livemove.model.ports import Ledger
from livemove.model.spec import Side

MOST = 400
"""Points of one series."""


def thinned[P](points: Sequence[P], merge: Callable[[P, P], P], most: int = MOST) -> list[P]:
    """At most `most` points, the older half of a full series merged in pairs."""
    kept = list(points)
    while len(kept) > most:
        old, new = kept[: most // 2], kept[most // 2 :]
        pairs = [old[n : n + 2] for n in range(0, len(old), 2)]
        kept = [merge(*p) if len(p) == 2 else p[0] for p in pairs] + new
    return kept


def recent[T](points: Sequence[T], seconds: float, at: Callable[[T], float]) -> list[T]:
    """The points of the last `seconds`, and the last one before them: so they span all of that time."""
    kept = list(points)
    while len(kept) > 2 and at(kept[1]) <= at(kept[-1]) - seconds:
        kept.pop(0)
    return kept


# Ways of watermarks ---------------------------------------------------------------------------------
def add_delay(ledger: Ledger, at: float, seconds: float) -> None:
    """`at`: seconds since 1970, when it arrived."""
    before = ledger.load(Delays)
    point = DelayPoint(t=round(at, 3), ms=round(seconds * 1000))
    ledger.save(Delays(points=thinned([*(before.points if before else ()), point], worse)))


def worse(a: DelayPoint, b: DelayPoint) -> DelayPoint:
    return DelayPoint(t=b.t, ms=max(a.ms, b.ms))


# Requests -------------------------------------------------------------------------------------------
def traffic(
    before: Traffic | None,
    at: float,
    counts: Mapping[str, SiteCounts],
    sites: Mapping[str, Side],
    behind: float | None,
) -> Traffic:
    """The series of requests with one more look in it.

    `counts`: by server, as the servers count them; one that does not answer is left out and its requests are
    counted when it answers again. `behind`: seconds by which the follower is behind, None where it is not
    known.
    """
    if before is None:
        return Traffic(at=at, counts=dict(counts))
    point = TrafficPoint(
        t=round(at, 3),
        s=round(at - before.at, 3),
        behind=behind,
        source=_between(before.counts, counts, sites, Side.SOURCE),
        target=_between(before.counts, counts, sites, Side.TARGET),
    )
    return Traffic(at=at, counts={**before.counts, **counts}, points=thinned([*before.points, point], summed))


def _between(
    old: Mapping[str, SiteCounts], new: Mapping[str, SiteCounts], sites: Mapping[str, Side], site: Side
) -> SiteCounts | None:
    """What the servers of a site did since; a kind is None where one of them does not tell it."""
    servers = [s for s in new if sites.get(s) is site and s in old]
    if not servers:
        return None
    found = [increases(old[s].model_dump(), new[s].model_dump()) for s in servers]
    sums = {kind: None if (n := total(found, kind)) is None else round(n, 4) for kind in KINDS}
    return SiteCounts(**sums)


def summed(a: TrafficPoint, b: TrafficPoint) -> TrafficPoint:
    behind = [p.behind for p in (a, b) if p.behind is not None]
    return TrafficPoint(
        t=b.t,
        s=round(a.s + b.s, 3),
        behind=max(behind, default=None),
        source=_both(a.source, b.source),
        target=_both(a.target, b.target),
    )


def _both(a: SiteCounts | None, b: SiteCounts | None) -> SiteCounts | None:
    if a is None or b is None:
        return a or b

    def both(x: float | None, y: float | None) -> float | None:
        return None if x is None or y is None else round(x + y, 4)

    return SiteCounts(
        requests=both(a.requests, b.requests),
        errors=both(a.errors, b.errors),
        seconds=both(a.seconds, b.seconds),
    )


# The full load --------------------------------------------------------------------------------------
def loading(before: Loading | None, now: Loading) -> Loading:
    """How far a full load is `now`, with its rows over time."""
    points = before.points if before else []
    if points and points[-1].rows > now.rows:
        points = []  # the load began anew
    point = LoadPoint(t=round(now.at, 3), rows=now.rows)
    return now.model_copy(update={"points": thinned([*points, point], lambda a, b: b)})
