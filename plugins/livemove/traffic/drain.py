"""Whether the old site is empty of users: request counters in, a share out. No I/O."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from livemove.model.counters import increase
from livemove.model.formatting import duration, percent
from livemove.model.spec import Side

Sample = tuple[float, dict[str, int]]
"""(seconds since the epoch, requests so far by server)."""


@dataclass(frozen=True)
class DrainResult:
    """What the window of samples shows. `share` is the old site's part of all requests in it."""

    done: bool
    message: str
    share: float
    rates: dict[str, float]
    """Requests per second by site."""
    covered: float
    """Seconds that the samples span, at most the wanted ones."""


def requests(samples: Sequence[Sample], server: str) -> int:
    """Requests between the first and the last sample."""
    values = [counts[server] for _, counts in samples if server in counts]
    return sum(increase(a, b) for a, b in itertools.pairwise(values))


def judge(
    samples: Sequence[Sample], sites: Mapping[str, Side], *, old: Side, share: float, seconds: float
) -> DrainResult:
    """Done when the samples span the whole window and the old site's share in it is within the limit."""
    span = samples[-1][0] - samples[0][0]
    by_site = dict.fromkeys(Side, 0)
    for server, site in sites.items():
        by_site[site] += requests(samples, server)
    total = sum(by_site.values())
    part = by_site[old] / total if total else 0.0
    covered = min(span, seconds)
    rates = {site: n / span if span else 0.0 for site, n in by_site.items()}
    message = (
        f"old site ({old}): {by_site[old]} of {total} requests in the last {duration(span)} ({percent(part)},"
        f" {rates[old]:.1f}/s; other site {rates[old.other]:.1f}/s); wanted at most {percent(share)} for"
        f" {duration(seconds)}"
    )
    if covered < seconds:
        message += f"; watched {duration(covered)} so far"
    return DrainResult(
        covered >= seconds and part <= share, message, part, {str(k): v for k, v in rates.items()}, covered
    )
