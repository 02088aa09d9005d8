"""How long the propagation sensor takes once the last cache has the new answer. Options: --switches N.

Two real Knots, four real unbounds (one stretches TTLs), and the sensor's own look, paced as its trigger paces
it. A watcher beside it asks the caches every 20 ms and notes when the last one gave the new answer for the
first time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from lab import lock
from lab.addresses import here
from lab.dns import authority, resolvers
from lab.processes import Registry
from lab.signals import ended_once
from livemove.dns import propagation
from livemove.dns.adapters.resolvers import DnsResolvers
from livemove.runtime.clock import SystemClock

ZONE, NAME, TTL = "shop.test", "www.shop.test", 5
RESULT = Path(__file__).parent / "results" / "propagation.json"


def place(address: str) -> str:
    return f"{address}@{here().dns}"


def serve(address: str) -> None:
    authority.publish(ZONE, [{"name": NAME, "type": "A", "ttl": TTL, "values": [address]}])


def watch(new: str, flipped: dict[str, float], stop: threading.Event) -> None:
    """The truth: when each cache gave the new answer first."""
    asking = DnsResolvers(SystemClock(), timeout=1)
    caches = [place(a) for a in here().resolvers]
    while not stop.is_set() and len(flipped) < len(caches):
        for c in caches:
            if c not in flipped and asking.ask(c, NAME).addresses == (new,):
                flipped[c] = time.monotonic()
        time.sleep(0.02)


def switch(old: str, new: str) -> dict[str, float]:
    """One change of the record: {"waited", "delay"} in seconds.

    `waited` counts from the change, `delay` from the last cache's new answer, both to the sensor's success.
    """
    asking = DnsResolvers(SystemClock(), timeout=1)
    authorities, caches = [place(a) for a in here().authorities], [place(a) for a in here().resolvers]
    for c in caches:
        while asking.ask(c, NAME).addresses != (old,):
            time.sleep(0.2)
    serve(new)
    began, flipped, stop = time.monotonic(), dict[str, float](), threading.Event()
    watcher = threading.Thread(target=watch, args=(new, flipped, stop))
    watcher.start()
    rows: dict[str, propagation.Row] = {}
    while True:
        answers = [asking.ask(s, NAME, recurse=s in caches) for s in (*authorities, *caches)]
        rows = propagation.fold(rows, answers, wanted=[new], record_ttl=TTL, authorities=authorities)
        look = propagation.judge(rows, wanted=[new], now=SystemClock().now(), record_ttl=TTL)
        if look.done:
            break
        time.sleep(look.again_in or TTL)
    done = time.monotonic()
    watcher.join(5)
    stop.set()
    return {"waited": round(done - began, 3), "delay": round(done - max(flipped.values()), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--switches", type=int, default=20)
    wanted = parser.parse_args().switches
    octet = next(n for n in range(20 + os.getpid() % 60, 100) if lock.holder(n) is None)
    with tempfile.TemporaryDirectory(prefix="livemove-bench-dns-") as state:
        os.environ |= {"LIVEMOVE_LAB_STATE": state, "LIVEMOVE_LAB_OCTET": str(octet)}
        registry = Registry(Path(state))
        try:
            authority.delegate(registry, ZONE)
            for server in authority.authorities():
                server.start(registry)
            ips = ("192.0.2.1", "198.51.100.1")
            serve(ips[0])
            resolvers.start(registry, (ZONE,))
            runs: list[dict[str, Any]] = []
            for n in range(wanted):
                runs.append(switch(ips[n % 2], ips[1 - n % 2]))
                print(
                    f"{n + 1:>3}  waited {runs[-1]['waited']:7.3f} s  delay after the last flip"
                    f" {runs[-1]['delay']:6.3f} s",
                    flush=True,
                )
        finally:
            registry.stop_all(grace=3)
    delays = [r["delay"] for r in runs]
    found = {
        "switches": len(runs),
        "median_s": statistics.median(delays),
        "worst_s": max(delays),
        "ttl_s": TTL,
        "stretched_ttl_s": resolvers.STRETCHED_TTL,
        "runs": runs,
    }
    print(
        f"delay between the last cache's flip and the sensor's success: median {found['median_s']:.3f} s,"
        f" worst {found['worst_s']:.3f} s"
    )
    RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(ended_once(main))
