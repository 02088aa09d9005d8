"""Why the old site stops by its own counters, not by the record: real name servers, one stretches TTLs."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import pytest

from lab import lock
from lab.addresses import here
from lab.dns import authority, resolvers
from lab.processes import Registry
from lab.traffic.stub import Stub
from livemove.dns import propagation
from livemove.dns.adapters.resolvers import DnsResolvers
from livemove.model.spec import Side
from livemove.model.time_series import recent
from livemove.runtime.clock import SystemClock
from livemove.traffic import drain

pytestmark = pytest.mark.servers
ZONE, NAME, TTL, PORT = "shop.test", "www.shop.test", 2, 8099
SITES = {"old": Side.SOURCE, "new": Side.TARGET}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    octet = next(n for n in range(20 + os.getpid() % 60, 100) if lock.holder(n) is None)
    with pytest.MonkeyPatch.context() as patch:
        state: Path = tmp_path_factory.mktemp("drain")
        patch.setenv("LIVEMOVE_LAB_STATE", str(state))
        patch.setenv("LIVEMOVE_LAB_OCTET", str(octet))
        patch.setattr(resolvers, "STRETCHED_TTL", 12)
        registry = Registry(state)
        for server in authority.authorities():
            server.start(registry)
        serve("old")
        resolvers.start(registry, (ZONE,))
        yield registry
        registry.stop_all(grace=3)


def address(site: str) -> str:
    return here().ip(9, 1 if site == "old" else 2)


def serve(site: str) -> None:
    authority.publish(ZONE, [{"name": NAME, "type": "A", "ttl": TTL, "values": [address(site)]}])


class World:
    """Two sites that count, and a user behind each cache who asks ten times a second."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(old=0, new=0)
        self.failed: Counter[str] = Counter()
        self.servers: dict[str, asyncio.Server] = {}

    async def __aenter__(self) -> World:
        for site in SITES:
            self.servers[site] = await asyncio.start_server(
                lambda r, w, s=site: self._answer(s, w), address(site), PORT
            )  # type: ignore[misc]
        self.users = [asyncio.create_task(self._user(r)) for r in here().resolvers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.users:
            task.cancel()
        for server in self.servers.values():
            server.close()

    async def _answer(self, site: str, writer: asyncio.StreamWriter) -> None:
        self.counts[site] += 1
        writer.write(b"fine")
        writer.close()

    async def _user(self, resolver: str) -> None:
        stub = Stub(resolver, here().dns, NAME)
        while True:
            try:
                reader, writer = await asyncio.open_connection(await stub.address(), PORT)
                if await reader.read() != b"fine":
                    self.failed[resolver] += 1
                writer.close()
            except OSError:
                self.failed[resolver] += 1
            await asyncio.sleep(0.1)

    def switch_off(self) -> None:
        self.servers["old"].close()


async def move(*, rule: bool) -> tuple[Counter[str], list[str]]:
    """Failed requests by cache, and the caches named as stretching TTLs.

    The old site stops by the rule, or when the honest caches have flipped.
    """
    asking = DnsResolvers(SystemClock(), timeout=1)
    caches = [f"{r}@{here().dns}" for r in here().resolvers]
    serve("old")
    while any(asking.ask(c, NAME).addresses != (address("old"),) for c in caches):
        await asyncio.sleep(0.2)
    async with World() as world:
        await asyncio.sleep(1)
        serve("new")
        rows: dict[str, propagation.Row] = {}
        samples: list[drain.Sample] = []
        off, deadline = False, time.monotonic() + 60
        while time.monotonic() < deadline:
            answers = [await asyncio.to_thread(asking.ask, c, NAME) for c in caches]
            rows = propagation.fold(rows, answers, wanted=[address("new")], record_ttl=TTL, authorities=[])
            samples = recent([*samples, (time.time(), dict(world.counts))], 4, itemgetter(0))
            judged = drain.judge(samples, SITES, old=Side.SOURCE, share=0, seconds=4)
            honest = all(rows[c].flipped_at for c in caches[:-1])
            if not off and (judged.done if rule else honest):
                world.switch_off()
                off = True
            if off and all(r.flipped_at for r in rows.values()):
                break
            await asyncio.sleep(0.3)
        assert off
        await asyncio.sleep(2)
        return world.failed, [r.server for r in rows.values() if r.stretches]


def test_without_the_rule_users_of_the_stretching_cache_fail_and_it_is_named(lab: Registry) -> None:
    failed, stretching = asyncio.run(move(rule=False))
    assert stretching == [f"{here().resolvers[-1]}@{here().dns}"]
    assert set(failed) == {here().resolvers[-1]}


def test_with_the_rule_nobody_fails(lab: Registry) -> None:
    failed, _ = asyncio.run(move(rule=True))
    assert not failed
