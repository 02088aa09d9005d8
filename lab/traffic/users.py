"""The users: requests leave at a fixed rate, whether or not earlier ones were answered (open loop).

Every user asks one resolver and believes it for the TTL, keeps connections alive, sends the public name and
checks the certificate against it. A failed write is not tried again: what a user saw is what counts.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from lab.traffic.record import Outcome, Recorder, Result
from lab.traffic.stub import Stub, Unresolved

WRITES = (0, 3, 6)
"""Of ten requests in a row these are writes: 30 %, evenly spaced, so that a pause shows sharply."""
PER_CONNECTION = 50
"""A user's connection is closed after so many requests."""
MOST_IN_FLIGHT = 2000


@dataclass(frozen=True)
class Plan:
    """What load, through which resolvers, to which name."""

    name: str
    port: int
    ca: Path
    resolvers: Sequence[str]
    """address@port each."""
    folder: Path
    rate: float = 40
    """Requests a second."""
    seconds: float = 3600
    users: int = 12
    listings: int = 200
    timeout: float = 30


class User:
    """One user behind one resolver."""

    def __init__(
        self, plan: Plan, resolver: str, session: aiohttp.ClientSession, tls: ssl.SSLContext
    ) -> None:
        server, _, port = resolver.partition("@")
        self.plan, self.resolver, self.session, self.tls = plan, resolver, session, tls
        self.stub = Stub(server, int(port or 53), plan.name)
        self.sent = 0

    async def read(self) -> Outcome:
        number = random.randint(1, self.plan.listings)
        path = f"/listings/{number}" if self.sent % 2 else f"/listings?limit=10&after={number}"
        return await self._request("GET", path, "read")

    async def write(self, table: str) -> Outcome:
        body = {
            "listing_id": random.randint(1, self.plan.listings),
            "contact": "김민준 🏠",
            "message": "보고 싶습니다",
        }
        return await self._request("POST", f"/{table}", table, key=str(uuid.uuid4()), body=body)

    async def _request(
        self, method: str, path: str, kind: str, key: str = "", body: object = None
    ) -> Outcome:
        began = time.monotonic()
        where = {"site": "", "host": "", "database": ""}

        def ended(result: Result, reason: str = "") -> Outcome:
            return Outcome(
                result,
                kind,
                time.monotonic() - began,
                key,
                resolver=self.resolver,
                reason=reason[:300],
                **where,
            )

        unclear = Result.UNKNOWN if key else Result.FAILED
        try:
            address = await self.stub.address()
            async with self.session.request(
                method,
                f"https://{address}:{self.plan.port}{path}",
                json=body,
                headers=self._headers(key),
                ssl=self.tls,
                server_hostname=self.plan.name,
            ) as answer:
                for name in where:
                    where[name] = answer.headers.get(f"X-{name.title()}", "")
                text = await answer.text()
        except (Unresolved, aiohttp.ClientConnectorError) as e:
            return ended(Result.FAILED, f"{type(e).__name__}: {e}")
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            return ended(unclear, f"{type(e).__name__}: {e}")
        if answer.status in (200, 201):
            return ended(Result.OK)
        return ended(unclear if answer.status == 504 else Result.FAILED, f"{answer.status} {text}")

    def _headers(self, key: str) -> dict[str, str]:
        self.sent += 1
        headers = {"Host": self.plan.name}
        if key:
            headers["Idempotency-Key"] = key
        if self.sent % PER_CONNECTION == 0:
            headers["Connection"] = "close"
        return headers


async def run(plan: Plan, stop: asyncio.Event) -> None:
    """Send until `stop` or until the plan's time is over, then wait for what is under way."""
    recorder = Recorder(plan.folder)
    tls = ssl.create_default_context(cafile=str(plan.ca))
    under_way: set[asyncio.Task[None]] = set()
    # keep-alive ends here first, long before the server's, so that no request meets a closing connection
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=15)
    timeout = aiohttp.ClientTimeout(total=plan.timeout, sock_connect=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        users = [User(plan, plan.resolvers[i % len(plan.resolvers)], session, tls) for i in range(plan.users)]

        async def one(number: int) -> None:
            user = users[number % len(users)]
            table = ("orders", "enquiries")[number // 3 % 2] if number % 10 in WRITES else ""
            recorder.add(await (user.write(table) if table else user.read()))

        def send(number: int) -> None:
            if len(under_way) >= MOST_IN_FLIGHT:
                recorder.add(
                    Outcome(Result.FAILED, "read", 0.0, reason=f"{MOST_IN_FLIGHT} requests wait already")
                )
                return
            task = asyncio.create_task(one(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        await _pace(plan, stop, send, lambda: recorder.second(len(under_way)))
        if under_way:
            await asyncio.wait(under_way, timeout=plan.timeout + 5)
        recorder.second(0)
    recorder.close()


async def _pace(
    plan: Plan, stop: asyncio.Event, send: Callable[[int], None], second: Callable[[], None]
) -> None:
    began = time.monotonic()
    number, next_second = 0, began + 1
    while not stop.is_set() and (now := time.monotonic()) < began + plan.seconds:
        due = began + number / plan.rate
        if now >= next_second:
            second()
            next_second += 1
        elif now < due:
            await asyncio.sleep(min(due, next_second) - now)
        else:
            send(number)
            number += 1
