"""Counters that only grow until their process restarts: then they have begun at zero again. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

REQUESTS = "requests"
"""The kind that tells whether a server restarted: of the others it may have none."""


def has_restarted(before: float, now: float) -> bool:
    """A counter that falls has begun at zero again."""
    return now < before


def increase[N: (int, float)](before: N, now: N) -> N:
    """What was counted between two looks; after a restart what was counted since, the rest is lost."""
    return now if has_restarted(before, now) else now - before


def increases(
    before: Mapping[str, float | None], now: Mapping[str, float | None], kinds: Iterable[str]
) -> dict[str, float | None]:
    """The increase of each kind that one server counts; None where one of the two looks does not tell it."""
    restarted = has_restarted(before.get(REQUESTS) or 0, now.get(REQUESTS) or 0)

    def of(kind: str) -> float | None:
        then, new = before.get(kind), now.get(kind)
        if then is None or new is None:
            return None
        return new if restarted else new - then

    return {kind: of(kind) for kind in kinds}
