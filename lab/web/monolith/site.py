"""The site over HTTP: paths, shapes of the answers, and what is counted."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from . import queries
from .gate import Gate, served_by
from .pool import Unavailable

Endpoint = Callable[[Request], Awaitable[Response]]
Row = dict[str, Any]


class Answer(JSONResponse):
    """JSON as people read it; money and times as text."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str).encode()


class BadRequest(ValueError):
    """The request itself is wrong."""


class Site:
    """One running application: its gate to the database, its counters, its routes."""

    def __init__(
        self, gate: Gate, *, host: str, release: str, faults: float = 0, probed_from: str = ""
    ) -> None:
        self.gate, self.host, self.release, self.faults = gate, host, release, faults
        self.probed_from = probed_from
        """The one address that may ask for the page /livemove-probe; without one there is no such page."""
        self.seconds = 0.0
        self.by_path: Counter[str] = Counter()
        self.errors = 0
        self.in_flight = 0
        self.started = time.time()
        self._server_version = ""

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._user("/", self.index)),
                Route("/healthz", self.health),
                Route("/metrics.json", self.metrics),
                Route("/listings", self._user("/listings", self.listings)),
                Route("/listings/{number:int}", self._user("/listings/<id>", self.listing)),
                Route("/enquiries", self._user("/enquiries", self.enquire), methods=["POST"]),
                Route("/orders", self._user("/orders", self.order), methods=["POST"]),
                *([Route("/livemove-probe", self.probe)] if self.probed_from else []),
            ]
        )

    def _user(self, path: str, endpoint: Endpoint) -> Endpoint:
        """A user's request: counted, with the place that answered in its headers, and errors as JSON."""

        async def answer(request: Request) -> Response:
            self.by_path[path] += 1
            self.in_flight += 1
            began = time.monotonic()
            try:
                # a release with a bug fails before anything is written
                if self.faults and random.random() < self.faults:
                    response: Response = Answer({"error": "a bug of this release"}, 500)
                else:
                    response = await self._answer(endpoint, request)
            finally:
                self.in_flight -= 1
                self.seconds += time.monotonic() - began
            self.errors += response.status_code >= 500
            return self._placed(response)

        return answer

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            return await endpoint(request)
        except BadRequest as e:
            return Answer({"error": str(e)}, 400)
        except queries.NoSuchListing:
            return Answer({"error": "no such listing"}, 404)
        except Unavailable as e:
            # 504 is the only answer after which the write may be there; 503 promises that it is not
            return Answer({"error": str(e)}, 504 if e.uncertain else 503, headers={"Retry-After": "1"})

    def _placed(self, response: Response) -> Response:
        response.headers["X-Host"] = self.host
        settings = served_by.get() or (self.gate.pool.settings if self.gate.pool else None)
        if settings:
            response.headers["X-Site"], response.headers["X-Database"] = settings.site, settings.place
        return response

    # Paths ----------------------------------------------------------------------------------------
    async def index(self, request: Request) -> Response:
        return Answer({"service": "shop", "release": self.release})

    async def listings(self, request: Request) -> Response:
        try:
            after = int(request.query_params.get("after", "0"))
            limit = max(1, min(100, int(request.query_params.get("limit", "20"))))
        except ValueError:
            raise BadRequest("after and limit are numbers") from None
        return Answer({"listings": await self.gate.work(lambda c: queries.listings(c, after, limit))})

    async def listing(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        row = await self.gate.work(lambda c: queries.listing(c, number))
        return Answer(row) if row else Answer({"error": "no such listing"}, 404)

    async def enquire(self, request: Request) -> Response:
        row = await self._write(request)
        row |= {"contact": str(row.get("contact", ""))[:160], "message": str(row.get("message", ""))[:4000]}
        number, new = await self.gate.work(lambda c: queries.enquire(c, row))
        return Answer({"id": number}, 201 if new else 200)

    async def order(self, request: Request) -> Response:
        row = await self._write(request)
        number, new = await self.gate.work(lambda c: queries.order(c, row))
        return Answer({"id": number}, 201 if new else 200)

    async def _write(self, request: Request) -> Row:
        key = request.headers.get("Idempotency-Key", "")
        if not key or len(key) > 64 or not key.isascii():
            raise BadRequest("the header Idempotency-Key is needed: 1 to 64 ASCII characters")
        try:
            row = await request.json()
        except ValueError:
            raise BadRequest("the body is not JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get("listing_id"), int):
            raise BadRequest('the body needs "listing_id", a number')
        return {**row, "key": key}

    async def health(self, request: Request) -> Response:
        """503 when the database does not answer; during a hold it is not asked."""
        pool = self.gate.pool
        facts: Row = {"service": "shop", "host": self.host, "release": self.release}
        if pool:
            s = pool.settings
            facts |= {"site": s.site, "database_host": s.host, "database_port": s.port}
            facts |= {"epoch": s.epoch} if s.epoch is not None else {}
        if self.gate.held:
            return self._placed(
                Answer({**facts, "server_version": self._server_version, "held": self.gate.held})
            )
        try:
            server = await self.gate.work(queries.server)
        except Unavailable as e:
            return self._placed(Answer({**facts, "error": str(e)}, 503))
        self._server_version = server["server_version"]
        return self._placed(Answer({**facts, **server}))

    async def probe(self, request: Request) -> Response:
        """A write that says where it went, also during a hold; for the server itself only."""
        if request.client is None or request.client.host != self.probed_from:
            return PlainTextResponse("forbidden\n", 403)
        try:
            place = await self.gate.work(queries.livemove_probe, past_hold=True)
        except Unavailable as e:
            return PlainTextResponse(f"{e}\n", 503)
        return PlainTextResponse(place)

    async def metrics(self, request: Request) -> Response:
        """Users' requests only: health checks and this page are not counted."""
        return Answer(
            {
                "requests": self.by_path.total(),
                "errors": self.errors,
                "seconds": round(self.seconds, 4),
                "by_path": dict(self.by_path),
                "in_flight": self.in_flight,
                "waiting": self.gate.waiting,
                "uptime": round(time.time() - self.started, 1),
            }
        )
