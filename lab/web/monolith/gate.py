"""Every request's way to the database: it waits during a hold, and survives a change of database.

Work is a plain function on a connection. It may be done twice only because every write carries an
idempotency key: whatever became of the first attempt, the second finds or makes the same row.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar

from .pool import Pool, Unavailable
from .settings import Settings

log = logging.getLogger("shop")
T = TypeVar("T")
Work = Callable[[Any], T]
ATTEMPTS = 6
GRACE = 3.0
"""Seconds for work under way at a database that is being left; then its connections are cut."""
served_by: ContextVar[Settings | None] = ContextVar("served_by", default=None)
"""The settings with which this request's work was done: after a reload the current ones may be others."""


class Gate:
    """Holds the current pool. All methods run on the event loop; work runs in threads."""

    def __init__(self) -> None:
        self.pool: Pool | None = None
        self.why = "no settings read yet"
        self.waiting = 0
        self._holds = 0
        self._until = 0.0
        self._open = asyncio.Event()
        self._open.set()
        self._timer: asyncio.TimerHandle | None = None
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="work")
        # a probe must get through while users' work hangs at a dead database
        self._own = ThreadPoolExecutor(8, thread_name_prefix="own")

    # Hold -----------------------------------------------------------------------------------------
    @property
    def held(self) -> float:
        """Seconds that the hold still lasts; 0 when there is none."""
        return max(0.0, self._until - time.monotonic()) if not self._open.is_set() else 0.0

    async def hold(self, seconds: float) -> int:
        """New requests wait from now on. Returns how many are still at the database after a moment."""
        self._open.clear()
        self._holds += 1
        self._until = time.monotonic() + seconds
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.release)
        return await self._quiet(self.pool, min(1.0, seconds / 4))

    def release(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._open.set()

    async def _quiet(self, pool: Pool | None, limit: float) -> int:
        until = time.monotonic() + limit
        while pool and pool.busy and time.monotonic() < until:
            await asyncio.sleep(0.005)
        return pool.busy if pool else 0

    # Reload ---------------------------------------------------------------------------------------
    async def use(self, settings: Settings) -> dict[str, object]:
        """Send all further work to this database. Work under way ends where it began, or,
        if that database does not answer, is done again here."""
        old, new = self.pool, Pool(settings)
        warm = "yes"
        try:
            await asyncio.wait_for(self._run(self._own, new.warm), 5)
        except (Unavailable, TimeoutError, OSError) as e:
            # the file is the truth: a database that does not answer yet is no reason to stay with the old one
            warm = str(e) or type(e).__name__
            log.warning("%s does not answer yet: %s", settings.place, warm)
        self.pool, self.why = new, ""
        left = 0
        if old:
            old.retire()
            if await self._quiet(old, GRACE):
                old.cut()
                left = await self._quiet(old, 1)
        return {
            "database_host": settings.host,
            "database_port": settings.port,
            "site": settings.site,
            "warm": warm,
            "left": left,
        }

    # Work -----------------------------------------------------------------------------------------
    async def work(self, work: Work[T], *, past_hold: bool = False) -> T:
        """Do it once, on whichever database is right when it is done; Unavailable when it could not be."""
        limit = self.pool.settings.hold_limit if self.pool else 20.0
        until = time.monotonic() + limit
        uncertain = False
        for attempt in range(1, ATTEMPTS + 1):
            if not past_hold:
                await self._wait(until, uncertain)
            pool, holds = self.pool, self._holds
            if pool is None:
                raise Unavailable(self.why, repeat=False)
            try:
                result = await self._on(pool, work, self._own if past_hold else self._threads)
                served_by.set(pool.settings)
                return result
            except Unavailable as e:
                uncertain = uncertain or e.uncertain
                # a hold, even one that is over again, means that the failure was a move and not an outage
                moved = self.pool is not pool or (not past_hold and (self.held > 0 or self._holds != holds))
                again = moved or (e.repeat and attempt < 3)
                if not again or attempt == ATTEMPTS or time.monotonic() > until:
                    raise Unavailable(str(e), repeat=False, uncertain=uncertain) from e
                log.info("again after: %s", e)
        raise AssertionError("unreachable")

    async def _wait(self, until: float, uncertain: bool) -> None:
        if self._open.is_set():
            return
        self.waiting += 1
        try:
            await asyncio.wait_for(self._open.wait(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise Unavailable("the site is held for maintenance", repeat=False, uncertain=uncertain) from None
        finally:
            self.waiting -= 1

    async def _on(self, pool: Pool, work: Work[T], threads: ThreadPoolExecutor) -> T:
        def do() -> T:
            with pool.connection() as connection:
                return work(connection)

        pool.busy += 1
        try:
            return await self._run(threads, do)
        finally:
            pool.busy -= 1

    async def _run(self, threads: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, function)
