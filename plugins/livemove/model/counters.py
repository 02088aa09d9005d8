"""Counters that only grow until their process restarts: then they have begun at zero again. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KINDS = ("requests", "errors", "seconds")
"""What is counted of each server: all requests, answers of 500 and above, time spent on them.

The requests tell whether it restarted: the others it may not count at all.
"""


def has_restarted(before: float, now: float) -> bool:
    """A counter that falls has begun at zero again."""
    return now < before


def increase[N: (int, float)](before: N, now: N) -> N:
    """What was counted between two looks; after a restart what was counted since, the rest is lost."""
    return now if has_restarted(before, now) else now - before


def increases(before: Mapping[str, float | None], now: Mapping[str, float | None]) -> dict[str, float | None]:
    """The increase of each of KINDS at one server; None where one of the two looks does not tell it."""
    restarted = has_restarted(before.get("requests") or 0, now.get("requests") or 0)

    def of(kind: str) -> float | None:
        then, new = before.get(kind), now.get(kind)
        if then is None or new is None:
            return None
        return new if restarted else new - then

    return {kind: of(kind) for kind in KINDS}


def total(found: Sequence[Mapping[str, float | None]], kind: str) -> float | None:
    """One kind added up; None where one of them does not tell it."""
    known = [n for f in found if (n := f[kind]) is not None]
    return sum(known) if len(known) == len(found) else None
