"""What each web server has answered so far, by its own page, its log, Prometheus or CloudWatch.

A server's own page is asked at its address under the public name, as a user's TLS would.
"""

from __future__ import annotations

import json
import shlex
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from livemove.model.errors import UnreachableError
from livemove.model.ports import Host
from livemove.model.spec import Application, Drain, Server
from livemove.servers.adapters.http_page import TIMEOUT, get_json

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


@dataclass(frozen=True)
class Count:
    """Totals since the counter started; a lower value means a restart. None when the source has no number."""

    requests: int
    errors: int | None = None
    """Answers of 500 and above."""
    seconds: float | None = None
    """Time spent on all of them together."""


def read_count(world: ServiceContext, server: Server, host: Host) -> Count:
    """UnreachableError says why the server's requests cannot be told."""
    drain = world.spec.drain
    if drain.source == "log":
        return Count(_lines(host, drain))
    if drain.source == "prometheus":
        return Count(_prometheus(drain, server.name, host.address))
    if drain.source == "cloudwatch":
        return Count(_cloudwatch(world, server.name, getattr(host, "instance_id", "")))
    return read_page(world.spec.application, host.address, drain.counter_path)


def read_page(application: Application, address: str, path: str) -> Count:
    """The counters of the server at this address."""
    try:
        said = get_json(application, address, path)
        errors, seconds = said.get("errors"), said.get("seconds")
        return Count(
            int(said["requests"]),
            None if errors is None else int(errors),
            None if seconds is None else float(seconds),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise UnreachableError(
            f"The request counter at {address}{path} does not tell its requests",
            wanted='JSON {"requests": N}',
            next_step="check drain.counter_path",
        ) from e


def _lines(host: Host, drain: Drain) -> int:
    ignore = f"-e {shlex.quote(drain.ignore)}" if drain.ignore else "-e '^$'"
    # grep ends with 1 when it counts nothing
    done = host.run(f"grep -cv {ignore} -- {shlex.quote(drain.log or '')} || test $? = 1", timeout=30)
    try:
        if done.exit_code == 0:
            return int(done.stdout.strip())
    except ValueError:
        pass
    raise UnreachableError(
        f"{host.name} does not count the lines of {drain.log}: {(done.stderr or done.stdout).strip()[-300:]}",
        wanted="an access log that the login may read",
        next_step="check drain.log in the spec",
    )


def _prometheus(drain: Drain, server: str, address: str) -> int:
    query = (drain.query or "").replace("{server}", server).replace("{address}", address)
    url = f"{(drain.prometheus or '').rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT) as reply:
            said = json.loads(reply.read(1_000_000))
        found = said["data"]["result"]
        # a scalar is [time, "value"], a vector a list of such under "value"
        values = [found] if said["data"]["resultType"] == "scalar" else [r["value"] for r in found]
        return round(sum(float(v[1]) for v in values))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as e:
        raise UnreachableError(
            f"Prometheus does not answer {query!r}: {type(e).__name__}: {e}",
            wanted="an instant vector or a scalar",
            next_step="check drain.prometheus and drain.query in the spec",
        ) from e


def _cloudwatch(world: ServiceContext, server: str, instance: str) -> int:
    """Requests since midnight UTC: the metric's minutes summed, at most the 1440 that one call gives."""
    from botocore.exceptions import BotoCoreError, ClientError

    drain, now = world.spec.drain, world.clock.now()
    namespace, _, metric = (drain.metric or "").rpartition("/")
    name, _, value = (drain.dimension or "").partition("=")
    value = value.replace("{server}", server).replace("{instance}", instance)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        found = world.aws("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value}],
            StartTime=midnight,
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
    except (BotoCoreError, ClientError) as e:
        raise UnreachableError(
            f"CloudWatch does not tell {drain.metric} of {value}: {e}",
            next_step="check drain.metric, drain.dimension and the permission cloudwatch:GetMetricStatistics",
        ) from e
    return round(sum(float(p["Sum"]) for p in found["Datapoints"]))
