"""`python -m lab up | down | status | logs`: the stand-in world on one machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from lab.addresses import state_dir
from lab.processes import LabError


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    sub = parser.add_subparsers(required=True, metavar="up | down | status | logs")
    up = sub.add_parser("up", help="bring the whole world up and wait until it serves")
    up.add_argument("--dump", type=Path, metavar="FILE_OR_FOLDER", help="this dump instead of the listings")
    up.add_argument("--rows", type=int, default=300_000, help="size of the listings (default: %(default)s)")
    up.set_defaults(run=_up)
    down = sub.add_parser("down", help="end everything and remove what was made, also after a crash")
    down.set_defaults(run=_down)
    status = sub.add_parser("status", help="every host: addresses, ports, pid, data, how to log in")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_status)
    logs = sub.add_parser("logs", help="list the logs, or show one")
    logs.add_argument("name", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("-n", "--lines", type=int, default=100)
    logs.set_defaults(run=_logs)
    return parser


def _up(args: argparse.Namespace) -> None:
    from lab.up import up

    up(dump=args.dump, rows=args.rows)


def _down(args: argparse.Namespace) -> None:
    from lab.down import down

    down()


def _status(args: argparse.Namespace) -> int:
    from lab import status

    found = status.read()
    print(status.as_json(found) if args.json else status.as_text(found))
    return 0 if found["standing"] else 3


def _logs(args: argparse.Namespace) -> None:
    folder = state_dir() / "logs"
    logs = sorted(folder.glob("*.log"))
    if not args.name:
        print("\n".join(f"{log.stat().st_size:>10}  {log.stem}" for log in logs) or f"no logs in {folder}")
        return
    if not (folder / f"{args.name}.log").exists():
        raise LabError(f"No log of {args.name!r}. Wanted: one of {', '.join(log.stem for log in logs)}")
    argv = ["tail", "-n", str(args.lines), *(["-F"] if args.follow else []), f"{folder / args.name}.log"]
    sys.stdout.flush()
    os.execvp("tail", argv)


if __name__ == "__main__":
    # an `up` that is told to end also ends what it has started
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
