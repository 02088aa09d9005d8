"""`python -m lab.traffic run` sends users in the foreground, `... show` says what they have seen so far."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from lab.addresses import NAME, state_dir
from lab.traffic import service, users
from lab.traffic.audit import write_pause_ms
from lab.traffic.record import SECONDS, read_lines


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.traffic", description=__doc__)
    parser.add_argument("verb", choices=["run", "show"])
    parser.add_argument(
        "--folder", type=Path, default=state_dir() / "traffic", help="where the record is kept"
    )
    parser.add_argument("--name", default=NAME, help="the public name (default: %(default)s)")
    parser.add_argument("--port", type=int)
    parser.add_argument("--ca", type=Path, help="CA file of the name's certificate")
    parser.add_argument(
        "--resolver", action="append", default=[], metavar="ADDRESS@PORT", help="may be given several times"
    )
    parser.add_argument("--rate", type=float, default=40, help="requests a second (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=3600, help="end by itself after so long (default: %(default)s)"
    )
    parser.add_argument("--users", type=int, default=12)
    a = parser.parse_args(words)
    if a.rate <= 0 or a.users < 1:
        parser.error("--rate and --users must be above 0")
    if a.verb == "show":
        return _show(a.folder)
    load = service.plan(
        a.folder,
        name=a.name,
        resolvers=a.resolver,
        ca=a.ca,
        port=a.port,
        rate=a.rate,
        seconds=a.seconds,
        users=a.users,
    )
    asyncio.run(_run(load))
    return 0


async def _run(load: users.Plan) -> None:
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await users.run(load, stop)


def _show(folder: Path) -> int:
    seconds = read_lines(folder / SECONDS)
    if not seconds:
        print(f"{folder} holds no record of users")
        return 1
    total = {k: sum(s[k] for s in seconds) for k in ("ok", "failed", "unknown", "acknowledged")}
    print(", ".join(f"{k} {v}" for k, v in total.items()) + f"; write pause {write_pause_ms(folder)} ms")
    for s in seconds[-5:]:
        print(f"{s['t']:.0f} ok {s['ok']} failed {s['failed']} by site {s['by_site']} p95 {s['p95_ms']} ms")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
