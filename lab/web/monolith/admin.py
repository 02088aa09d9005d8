"""The application's own switchboard: a socket in its run/ folder, spoken to by `bin/shop`.

One line of JSON in, {"verb": ..., "seconds": ...}; one line of JSON out, with "error" when it failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from . import queries
from .gate import Gate, served_by
from .pool import Unavailable
from .settings import Settings, SettingsError

log = logging.getLogger("shop")
Facts = dict[str, Any]


class Admin:
    """reload, probe, hold, release, status, stop."""

    def __init__(
        self,
        gate: Gate,
        settings: Callable[[], Settings],
        *,
        host: str,
        release: str,
        stop: Callable[[], None],
    ) -> None:
        self.gate, self.settings, self.host, self.release_name, self._stop = (
            gate,
            settings,
            host,
            release,
            stop,
        )
        self._reloading = asyncio.Lock()

    async def reload(self) -> Facts:
        """Read the settings again and send all further requests to the database they name."""
        async with self._reloading:
            try:
                settings = self.settings()
            except SettingsError as e:
                # stay as we are: a file that is being written is no reason to stop serving
                if self.gate.pool is None:
                    self.gate.why = str(e)
                raise
            facts = await self.gate.use(settings)
        log.info("now on %s", settings)
        return facts

    async def probe(self) -> Facts:
        """Write one row the way a request would, also during a hold; say where it went."""

        def write(connection: Any) -> Facts:
            return queries.probe(connection, f"probe-{uuid.uuid4()}", settings.site, self.host)

        if self.gate.pool is None:
            raise Unavailable(self.gate.why, repeat=False)
        settings = self.gate.pool.settings
        # not in a task of its own: served_by must be seen here
        async with asyncio.timeout(15):
            server = await self.gate.work(write, past_hold=True)
        settings = served_by.get() or settings
        return {
            "site": settings.site,
            "database_host": settings.host,
            "database_port": settings.port,
            **server,
        }

    async def hold(self, seconds: float) -> Facts:
        return {"held": seconds, "in_flight": await self.gate.hold(seconds)}

    async def status(self) -> Facts:
        pool = self.gate.pool
        facts: Facts = {"host": self.host, "release": self.release_name, "pid": os.getpid()}
        facts |= {"held": round(self.gate.held, 3), "waiting": self.gate.waiting}
        if pool is None:
            return {**facts, "no_database": self.gate.why}
        s = pool.settings
        return {
            **facts,
            "site": s.site,
            "database_host": s.host,
            "database_port": s.port,
            "in_flight": pool.busy,
        }

    async def answer(self, verb: str, seconds: float) -> Facts:
        match verb:
            case "reload":
                return await self.reload()
            case "probe":
                return await self.probe()
            case "hold":
                return await self.hold(seconds)
            case "release":
                self.gate.release()
                return {"held": 0}
            case "status":
                return await self.status()
            case "stop":
                self._stop()
                return {"stopping": os.getpid()}
        return {"error": f"unknown verb {verb!r}"}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                asked = json.loads(await asyncio.wait_for(reader.readline(), 5))
                facts = await self.answer(asked["verb"], float(asked.get("seconds") or 0))
            except (SettingsError, Unavailable) as e:
                facts = {"error": str(e)}
            except Exception as e:
                log.exception("admin")
                facts = {"error": f"{type(e).__name__}: {e}"}
            writer.write(json.dumps(facts).encode() + b"\n")
            await writer.drain()
            writer.close()

    @contextlib.asynccontextmanager
    async def listening(self, folder: Path) -> AsyncIterator[None]:
        """Serve folder/admin.sock; the owner and the folder's group may speak to it."""
        (folder / "admin.sock").unlink(missing_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        try:
            # through the folder's handle: a unix socket's path may have 107 characters only
            server = await asyncio.start_unix_server(self._serve, f"/proc/self/fd/{handle}/admin.sock")
            os.chmod(folder / "admin.sock", 0o660)
            async with server:
                yield
        finally:
            os.close(handle)
            (folder / "admin.sock").unlink(missing_ok=True)
