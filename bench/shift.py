"""The shift by weights in a small world: `python -m bench.shift [--errors 0.05] [--out FOLDER]`.

The lab's Route 53, two Knots behind the front that draws by weight, four unbounds (one stretches TTLs), two
sites that count what they answer, and users behind those caches at a fixed rate. The sensor's own look acts
on them, paced as its trigger paces it; Airflow and the databases are left out. With --errors the cloud fails
that share of its requests, and the name has to go back by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from lab import lock
from lab.addresses import here, root
from lab.dns import authority, resolvers
from lab.processes import Registry
from lab.rehearsal import shares
from lab.signals import ended_once
from lab.traffic.record import FAILURES, SECONDS, Outcome, Recorder, Result, read_lines
from lab.traffic.stub import Stub, Unresolved
from livemove.dns import record
from livemove.dns.adapters.resolvers import DnsResolvers
from livemove.dns.adapters.route53 import Route53Zone
from livemove.dns.record import Change
from livemove.model.errors import UnreachableError
from livemove.model.ledger import Approval, Breach, Outputs, RecordChanged, WebServer
from livemove.model.spec import MigrationSpec, load_spec
from livemove.runtime.clock import SystemClock
from livemove.traffic.sensors.shift import look_at_baseline, look_at_shift
from tests.doubles.memory import MemoryLedger

ZONE, NAME, TTL, PORT = "shop.test", "www.shop.test", 2, 8099
STEPS, HOLD, RATE, USERS = (5, 25, 100), 30, 40, 16
RESULTS = Path(__file__).parent / "results"


class World:
    """What the looks need of a service context, with the lab's addresses."""

    def __init__(self, client: Any) -> None:
        a = here()
        self.spec = _spec()
        self.clock, self.ledger = SystemClock(), MemoryLedger()
        self.resolvers = DnsResolvers(self.clock, timeout=1)
        self.zone = Route53Zone(client, self.spec.dns, self.resolvers)
        self.outputs = Outputs(web_servers=[WebServer(instance_id="i-1", public_ip=a.ec2(0))])

    def hosts(self, site: Any = None) -> list[Any]:
        listed = zip(self.spec.servers, (here().idc, here().ec2(0)), strict=True)
        return [SimpleNamespace(name=s.name, address=at) for s, at in listed if site in (None, s.site)]

    def database(self, side: Any) -> Any:
        raise UnreachableError("there are no databases in this small world")


def _spec() -> MigrationSpec:
    spec = load_spec(root() / "include" / "migrations" / "shop.yaml")
    places = tuple(f"{r}@{here().dns}" for r in here().resolvers)
    return spec.model_copy(
        update={
            "dns": spec.dns.model_copy(
                update={"ttl": TTL, "steps": STEPS, "resolvers": places, "authority_port": here().dns}
            ),
            "watch": spec.watch.model_copy(
                update={"hold": HOLD, "baseline": 5, "poll": 1, "errors": 0.02, "on_breach": "rollback"}
            ),
            "application": spec.application.model_copy(update={"url": f"http://{NAME}:{PORT}"}),
        }
    )


class Site:
    """Answers and counts requests, and fails the given share of them."""

    def __init__(self, name: str, errors: float) -> None:
        self.name, self.failing = name, errors
        self.requests, self.errors, self.seconds = 0, 0, 0.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began = time.monotonic()
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode()
        status, body = (
            200,
            json.dumps({"requests": self.requests, "errors": self.errors, "seconds": self.seconds}),
        )
        if path == "/":
            self.requests += 1
            if random.random() < self.failing:
                self.errors += 1
                status = 500
            self.seconds += time.monotonic() - began
        text = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        writer.write(text.encode())
        await writer.drain()
        writer.close()


async def user(number: int, recorder: Recorder) -> None:
    resolver = here().resolvers[number % 4]
    stub = Stub(resolver, here().dns, NAME)
    names = {here().idc: "source", here().ec2(0): "target"}
    due = time.monotonic() + number / RATE
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += USERS / RATE
        began, site, result, reason = time.monotonic(), "", Result.FAILED, ""
        try:
            address = await stub.address()
            site = names[address]
            reader, writer = await asyncio.open_connection(address, PORT)
            writer.write(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            status = (await reader.read()).split(b" ", 2)[1]
            writer.close()
            result, reason = (Result.OK, "") if status == b"200" else (Result.FAILED, status.decode())
        except (OSError, Unresolved, IndexError) as e:
            reason = f"{type(e).__name__}: {e}"
        recorder.add(
            Outcome(result, "read", time.monotonic() - began, site=site, resolver=resolver, reason=reason)
        )


async def seconds(recorder: Recorder) -> None:
    while True:
        await asyncio.sleep(1)
        recorder.second(0)


async def story(world: World, folder: Path, errors: float) -> None:
    """Baseline, the first step as `change_record` makes it, then the shift to its end."""
    recorder = Recorder(folder)
    sites = (Site("old", 0), Site("new", errors))
    servers = [
        await asyncio.start_server(s.answer, at, PORT)
        for s, at in zip(sites, (here().idc, here().ec2(0)), strict=True)
    ]
    tasks = [asyncio.create_task(user(n, recorder)) for n in range(USERS)]
    tasks.append(asyncio.create_task(seconds(recorder)))
    try:
        await looks(world, look_at_baseline)
        await asyncio.sleep(10)
        await asyncio.to_thread(first_step, world)
        await looks(world, look_at_shift)
        # the caches of the last step, the stretching one included
        await asyncio.sleep(resolvers.STRETCHED_TTL + 3 * TTL)
    finally:
        for task in tasks:
            task.cancel()
        for server in servers:
            server.close()
        recorder.close()


def first_step(world: Any) -> None:
    from livemove.dns.adapters.public_record import commit, keep_original, live_record, new_addresses

    live = live_record(world)
    keep_original(world, live)
    world.ledger.save(Approval(gate="switch_dns", option="Proceed"))
    after = record.at_share(STEPS[0], live, new_addresses(world), TTL)
    commit(world, Change(live, after, STEPS), RecordChanged)


async def looks(world: Any, look: Any) -> None:
    state: dict[str, Any] = {}
    said = ""
    while True:
        seen = await asyncio.to_thread(look, world, state)
        if seen.message.split(";")[0] != said:
            said = seen.message.split(";")[0]
            print(f"{datetime.now():%H:%M:%S}  {seen.message}", flush=True)
        if seen.done:
            return
        state = seen.state
        await asyncio.sleep(seen.again_in or 1)


@contextmanager
def small_world() -> Iterator[World]:
    octet = next(n for n in range(20 + os.getpid() % 60, 100) if lock.holder(n) is None)
    with tempfile.TemporaryDirectory(prefix="livemove-bench-shift-") as state:
        os.environ |= {"LIVEMOVE_LAB_STATE": state, "LIVEMOVE_LAB_OCTET": str(octet)}
        registry = Registry(Path(state))
        (Path(state) / "dns").mkdir()
        authority.weights_file().write_text("{}")
        try:
            registry.start(
                "aws", [sys.executable, "-m", "lab.cloud"], ready=_answers, timeout=120, cwd=root()
            )
            for server in authority.authorities():
                server.start(registry)
            resolvers.start(registry, (ZONE,))
            client = boto3.client(
                "route53",
                endpoint_url=here().endpoint_url,
                region_name="us-east-1",
                aws_access_key_id="a",
                aws_secret_access_key="b",
            )
            zone = client.create_hosted_zone(Name=f"{ZONE}.", CallerReference="bench")["HostedZone"]["Id"]
            one = {"Name": NAME, "Type": "A", "TTL": TTL, "ResourceRecords": [{"Value": here().idc}]}
            client.change_resource_record_sets(
                HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": one}]}
            )
            while any(resolvers.lookup(NAME, r, here().dns)[0] != [here().idc] for r in here().resolvers):
                time.sleep(0.2)
            yield World(client)
        finally:
            registry.stop_all(grace=3)


def _answers() -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            here().endpoint_url, timeout=2
        ):
            return True
    except OSError as e:
        return getattr(e, "code", None) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", type=float, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    a = parser.parse_args()
    name = "shift-breach" if a.errors else "shift-weights"
    with small_world() as world, tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        asyncio.run(story(world, folder, a.errors))
        asked = shares.steps(world.ledger.noted)
        lines = read_lines(folder / SECONDS)
        failed = read_lines(folder / FAILURES)
        found: dict[str, Any] = {"steps": shares.measured(folder, asked), "failures": shares.failures(folder)}
        if (seen_breach := world.ledger.load(Breach)) and (breach := seen_breach.stored()):
            began = asked[0]["at"]
            restored = datetime.fromisoformat(breach["restored_at"]).timestamp()
            seen = [f["t"] for f in failed]
            found["breach"] = {
                "reasons": breach["reasons"],
                "at_percent": breach["share"],
                "restored_ms": breach["restored_ms"],
                "seconds_from_first_error_to_restored": round(restored - min(seen), 1) if seen else None,
                "seconds_from_step_to_restored": round(restored - began, 1),
                "errors_before_restored": sum(t <= restored for t in seen),
                "errors_after_restored": sum(t > restored for t in seen),
                "requests_meanwhile": sum(
                    s["ok"] + s["failed"] for s in lines if began <= s["t"] <= restored
                ),
            }
        a.out.mkdir(parents=True, exist_ok=True)
        (a.out / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        (a.out / f"{name}.svg").write_text(shares.svg(lines, asked))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    sys.exit(ended_once(main))
