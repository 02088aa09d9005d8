"""Small time series of the switchover night, kept in the ledger at a bounded size. No I/O.

A series is one document with `points`, oldest first. When it is full, the older half is merged in pairs, so
that the newest points stay exact and nothing is thrown away: counts are added up, the worst of two delays is
kept. The ledger's last writer wins; a point that is lost that way is made good by the next one, whose counts
begin earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from livemove.model.counters import KINDS, increases, total
from livemove.model.ports import Json, Ledger
from livemove.model.spec import Side

MOST = 400
"""Points of one series."""
TRAFFIC, DELAY, LOADING = "trail/traffic", "trail/delay", "trail/loading"
"""Documents: requests of both sites and how far the follower is behind; ways of watermarks; the full load."""

Point = Json


def thinned(points: Sequence[Point], merge: Callable[[Point, Point], Point], most: int = MOST) -> list[Point]:
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


def add(ledger: Ledger, name: str, point: Point, merge: Callable[[Point, Point], Point]) -> None:
    """One more point at the end of a series."""
    before = ledger.read(name) or {}
    ledger.write(name, {"points": thinned([*before.get("points", ()), point], merge)})


# Ways of watermarks ---------------------------------------------------------------------------------
def add_delay(ledger: Ledger, at: float, seconds: float) -> None:
    """`at`: seconds since 1970, when it arrived."""
    add(ledger, DELAY, {"t": round(at, 3), "ms": round(seconds * 1000)}, worse)


def worse(a: Point, b: Point) -> Point:
    return {"t": b["t"], "ms": max(a["ms"], b["ms"])}


# Requests -------------------------------------------------------------------------------------------
def traffic(
    before: Mapping[str, object] | None,
    at: float,
    counts: Mapping[str, Mapping[str, float | None]],
    sites: Mapping[str, Side],
    behind: float | None,
) -> Json:
    """The series of requests with one more look in it: {"at", "counts", "points"}.

    `counts`: KINDS by server, as the servers count them; one that does not answer is left out and its
    requests are counted when it answers again. `behind`: seconds by which the follower is behind, None where
    it is not known. A point: {"t", "s": seconds it covers, "source", "target": {"requests", "errors",
    "seconds"}, "behind"}.
    """
    old: Json = dict(before or {})
    kept = {**old.get("counts", {}), **{s: dict(c) for s, c in counts.items()}}
    if not old:
        return {"at": at, "counts": kept, "points": []}
    point: Point = {"t": round(at, 3), "s": round(at - old["at"], 3), "behind": behind}
    for site in Side:
        mine = [s for s in counts if sites.get(s) is site and s in old["counts"]]
        point[str(site)] = _between(old["counts"], counts, mine) if mine else None
    return {"at": at, "counts": kept, "points": thinned([*old["points"], point], summed)}


def _between(
    old: Mapping[str, Json], new: Mapping[str, Mapping[str, float | None]], servers: Sequence[str]
) -> Json:
    """What these servers did since; None for a kind that one of them does not tell."""
    found = [increases(old[s], new[s]) for s in servers]
    return {kind: None if (n := total(found, kind)) is None else round(n, 4) for kind in KINDS}


def summed(a: Point, b: Point) -> Point:
    behind = [p["behind"] for p in (a, b) if p["behind"] is not None]
    sites = {str(site): _both(a[str(site)], b[str(site)]) for site in Side}
    return {"t": b["t"], "s": round(a["s"] + b["s"], 3), "behind": max(behind, default=None), **sites}


def _both(a: Json | None, b: Json | None) -> Json | None:
    if a is None or b is None:
        return a or b
    return {k: None if a[k] is None or b[k] is None else round(a[k] + b[k], 4) for k in KINDS}


# The full load --------------------------------------------------------------------------------------
def loading(before: Json | None, at: float, progress: Json, tables: Sequence[Json]) -> Json:
    """The document of a full load under way: how far it is now, table by table, and its rows over time."""
    points = (before or {}).get("points", ())
    if points and points[-1]["rows"] > progress["rows"]:
        points = ()  # the load began anew
    point = {"t": round(at, 3), "rows": progress["rows"]}
    return {**progress, "at": at, "tables": list(tables), "points": thinned([*points, point], lambda a, b: b)}
