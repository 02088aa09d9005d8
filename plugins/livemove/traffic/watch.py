"""Judge users' health while both sites serve: samples in, a verdict against the baseline out. No I/O."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livemove.model.counters import increases, total
from livemove.model.formatting import duration, milliseconds, percent
from livemove.model.ledger import Baseline
from livemove.model.ports import Json
from livemove.model.spec import Side, Watch

LEAST_ERRORS = 2
"""One failed request tells nothing about a share."""
LEAST_FOR_LATENCY = 20
"""Requests in the window before their mean is judged."""
NOISE = 0.025
"""Seconds by which a mean may differ whatever the factor: a mean of a few milliseconds triples by chance."""
IN_A_ROW = 2
"""Looks at which a server, or the lag, must have been bad: one may be an unlucky moment."""


@dataclass(frozen=True)
class Sum:
    """What the servers of one site did between two samples."""

    requests: int = 0
    errors: int | None = 0
    seconds: float | None = 0.0

    @property
    def share(self) -> float:
        return (self.errors or 0) / self.requests if self.requests else 0.0

    @property
    def latency(self) -> float | None:
        """Mean seconds of a request; None where the servers do not tell."""
        return self.seconds / self.requests if self.requests and self.seconds is not None else None


@dataclass(frozen=True)
class WatchResult:
    """`breach`: what exceeds the budget. `clean`: watched for long enough and over enough requests."""

    breach: tuple[str, ...]
    clean: bool
    message: str
    way_back_ill: str = ""
    """Why the old site is no better place; then nothing goes back by itself."""

    @property
    def document(self) -> Json:
        return {"breach": list(self.breach), "message": self.message}


def needed(watch: Watch) -> int:
    """Requests after which no error means, at 95 % certainty, a share within the budget (rule of three)."""
    return math.ceil(3 / watch.errors)


def of_site(samples: Sequence[Json], sites: Mapping[str, Side], site: Side) -> Sum:
    """Everything that the servers of a site answered between the first and the last sample."""
    found: list[dict[str, float | None]] = []
    for server in (s for s, where in sites.items() if where is site):
        looks = [
            x["servers"][server] for x in samples if x["servers"].get(server, {}).get("requests") is not None
        ]
        found += [increases(a, b) for a, b in itertools.pairwise(looks)]
    errors = total(found, "errors")
    return Sum(
        int(total(found, "requests") or 0), None if errors is None else int(errors), total(found, "seconds")
    )


def baseline(samples: Sequence[Json], sites: Mapping[str, Side]) -> Baseline:
    """What is normal: the old site's errors, latency, rate, and the owner's load."""
    before = of_site(samples, sites, Side.SOURCE)
    span = samples[-1]["at"] - samples[0]["at"]
    return Baseline(
        requests=before.requests,
        rate=round(before.requests / span, 2) if span else None,
        errors=before.share,
        latency=before.latency,
        load=_mean(s.get("load") for s in samples),
        seconds=round(span, 1),
    )


def judge(
    samples: Sequence[Json], sites: Mapping[str, Side], before: Baseline, watch: Watch, max_lag: float
) -> WatchResult:
    """Everything in these samples that exceeds the budget, in words for the person on duty."""
    cloud = of_site(samples, sites, Side.TARGET)
    span = samples[-1]["at"] - samples[0]["at"]
    breach = [
        *_errors(cloud, before, watch),
        *_latency(cloud, before, watch),
        *_health(samples, sites, Side.TARGET),
        *_lag(samples, max_lag),
        *_load(samples, before, watch),
    ]
    message = f"cloud: {cloud.requests} requests in {duration(span)}, {_told(cloud)}"
    enough = cloud.requests >= needed(watch)
    if span < watch.hold:
        message += f"; watched {duration(span)} of {duration(watch.hold)}"
    elif not enough:
        message += f"; {needed(watch)} requests are needed to tell {percent(watch.errors)}"
    ill = "; ".join(_health(samples, sites, Side.SOURCE))
    return WatchResult(tuple(breach), span >= watch.hold and enough and not breach, message, ill)


def _told(s: Sum) -> str:
    errors = "errors not counted" if s.errors is None else f"{s.errors} errors ({percent(s.share)})"
    return errors if s.latency is None else f"{errors}, {milliseconds(s.latency)} each"


def _errors(cloud: Sum, before: Baseline, watch: Watch) -> list[str]:
    limit = (before.errors or 0) + watch.errors
    if cloud.errors is None or cloud.errors < LEAST_ERRORS or cloud.share <= limit:
        return []
    return [
        f"{cloud.errors} of {cloud.requests} requests at the cloud failed ({percent(cloud.share)}; at most"
        f" {percent(limit)})"
    ]


def _latency(cloud: Sum, before: Baseline, watch: Watch) -> list[str]:
    normal = before.latency
    if not normal or cloud.latency is None or cloud.requests < LEAST_FOR_LATENCY:
        return []
    limit = max(normal * watch.latency, normal + NOISE)
    if cloud.latency <= limit:
        return []
    return [
        f"a request at the cloud takes {milliseconds(cloud.latency)} (before: {milliseconds(normal)}; at most"
        f" {milliseconds(limit)})"
    ]


def _health(samples: Sequence[Json], sites: Mapping[str, Side], site: Side) -> list[str]:
    last = samples[-IN_A_ROW:]
    ill = [
        name
        for name, where in sites.items()
        if where is site
        and len(last) == IN_A_ROW
        and not any(s["servers"][name].get("healthy") for s in last)
    ]
    return [f"{name} is not healthy: {last[-1]['servers'][name].get('why') or 'no answer'}" for name in ill]


def _lag(samples: Sequence[Json], limit: float) -> list[str]:
    last = [s.get("lag") for s in samples[-IN_A_ROW:]]
    if len(last) < IN_A_ROW or any(lag is None or lag <= limit for lag in last):
        return []
    return [f"the target's database is {last[-1]:.0f} s behind (at most {limit:g} s)"]


def _load(samples: Sequence[Json], before: Baseline, watch: Watch) -> list[str]:
    normal, now = before.load, _mean(s.get("load") for s in samples)
    if normal is None or now is None or len(samples) < 2 * IN_A_ROW:
        return []
    # a quiet server runs one or two statements; three times that is no load
    limit = max(normal * watch.load, normal + 4)
    if now <= limit:
        return []
    return [
        f"the owner's database runs {now:.1f} statements at once (before: {normal:.1f}; at most {limit:.1f})"
    ]


def _mean(values: Any) -> float | None:
    known = [float(v) for v in values if v is not None]
    return sum(known) / len(known) if known else None
