"""Run the site: `python -m monolith`, in the folder `app/` of its login directory.

SHOP_ADDRESS, SHOP_PORT, SHOP_CERTIFICATE, SHOP_KEY and SHOP_HOST come from the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

import uvicorn

from . import laravel
from .admin import Admin
from .gate import Gate
from .settings import Settings, SettingsError, read_settings
from .site import Site

log = logging.getLogger("shop")


async def run(app: Path) -> None:
    folder = app / "run"
    folder.mkdir(exist_ok=True)
    host = os.environ.get("SHOP_HOST", "")
    release = (app / "VERSION").read_text().strip() if (app / "VERSION").exists() else "development"
    gate = Gate()
    planted = Path(__file__).with_name("FAULTS")
    faults = float(planted.read_text()) if planted.exists() else 0.0
    address = os.environ["SHOP_ADDRESS"] if laravel.is_laravel(app) else ""
    site = Site(gate, host=host, release=release, faults=faults, probed_from=address)
    server = uvicorn.Server(
        uvicorn.Config(
            site.application(),
            host=os.environ["SHOP_ADDRESS"],
            port=int(os.environ["SHOP_PORT"]),
            ssl_certfile=os.environ["SHOP_CERTIFICATE"],
            ssl_keyfile=os.environ["SHOP_KEY"],
            timeout_keep_alive=75,
            timeout_graceful_shutdown=15,
            access_log=False,
            log_level="warning",
            lifespan="off",
        )
    )

    def stop() -> None:
        server.should_exit = True

    def settings() -> Settings:
        return laravel.read_settings(app) if laravel.is_laravel(app) else read_settings(app / "shop.env")

    admin = Admin(gate, settings, host=host, release=release, stop=stop)
    tasks: set[asyncio.Task[object]] = set()

    def reload() -> None:
        task: asyncio.Task[object] = asyncio.create_task(_quietly(admin))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    await _quietly(admin)
    async with admin.listening(folder):
        watching = asyncio.create_task(_watch(server, site, folder / "shop.pid"))
        await server.serve()
        watching.cancel()
    (folder / "shop.pid").unlink(missing_ok=True)


async def _watch(server: uvicorn.Server, site: Site, pid: Path) -> None:
    """The pid file stands while the site listens. After the last answer nobody is waited for any more."""
    while not server.started:
        await asyncio.sleep(0.01)
    pid.write_text(f"{os.getpid()}\n")
    while not server.should_exit or site.in_flight:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    # idle users do not answer a TLS goodbye, and asyncio would wait half a minute for each
    for connection in list(server.server_state.connections):
        connection.transport.abort()


async def _quietly(admin: Admin) -> None:
    try:
        await admin.reload()
    except SettingsError as e:
        log.warning("%s; the settings that were in use stay in use", e)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = Path.cwd()
    if (app / "run" / "stopped").exists():
        sys.exit("this service was ended for good; remove run/stopped to start it again")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(app))


if __name__ == "__main__":
    main()
