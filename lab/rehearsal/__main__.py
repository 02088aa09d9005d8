"""`python -m lab.rehearsal [run] [--dump ...] [--rollback ...] [--story ...]`, `up`, `down`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.addresses import root
from lab.processes import LabError
from lab.rehearsal.robot import PATIENCE
from lab.rehearsal.scenario import ROLLBACKS, STORIES
from lab.specs import APPS


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.dns != "route53" and (args.dump or args.story in ("weights", "breach")):
        print(
            "rehearsal: --dns rfc2136 and manual go with the lab's listings, and have no weights",
            file=sys.stderr,
        )
        return 2
    if args.dump and args.app:
        print("rehearsal: --app goes with the lab's listings, not with a dump", file=sys.stderr)
        return 2
    if args.rollback and args.story:
        print("rehearsal: --rollback and --story are two different stories; choose one", file=sys.stderr)
        return 2
    try:
        return int({"run": _run, "up": _up, "down": _down}[args.what](args))
    except LabError as e:
        print(f"rehearsal: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.rehearsal", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=("run", "up", "down"),
        default="run",
        help="run: a whole rehearsal; up: lab, users and Airflow for you to click in; down: end them",
    )
    parser.add_argument(
        "--dump", type=Path, metavar="FILE_OR_FOLDER", help="move this dump instead of the lab's listings"
    )
    parser.add_argument(
        "--rollback",
        choices=ROLLBACKS,
        metavar="|".join(ROLLBACKS),
        help=(
            'answer that gate "Roll back"; clear: move first, then clear the gate "Switch over?"; '
            "a chapter before the gates: mark the run failed after it, and trigger rollback_<service>"
        ),
    )
    parser.add_argument(
        "--story",
        choices=STORIES,
        metavar="|".join(STORIES),
        help=(
            "rollback: move, roll back, move again, retire; clears: move, and clear every task on the way; "
            "promote: the data centre dies before the writes moved; "
            "weights: the name moves by 5, 25, 100 %%; breach: the same with a bug in the cloud's release"
        ),
    )
    parser.add_argument(
        "--dns",
        choices=("route53", "rfc2136", "manual"),
        default="route53",
        help=(
            "who holds the zone: the lab's Route 53, a Knot that takes dynamic updates signed with TSIG, or a"
            " person at a panel"
        ),
    )
    parser.add_argument(
        "--app",
        choices=tuple(a for a in APPS if a),
        default="",
        help=(
            "laravel: the application has its settings as one of Laravel does, and is moved as the guide says"
        ),
    )
    parser.add_argument("--keep", action="store_true", help="leave lab and Airflow standing at the end")
    parser.add_argument(
        "--reports",
        type=Path,
        default=root() / "rehearsals",
        help="where the reports go (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        type=_seconds,
        default=PATIENCE,
        metavar="SECONDS",
        help="how long each question is read before it is answered (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=2700,
        metavar="SECONDS",
        help="longest time for the run (default: %(default)s)",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not PATIENCE <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: wanted seconds, from {PATIENCE:.0f} to 3600")
    return seconds


def _run(args: argparse.Namespace) -> int:
    from lab.rehearsal.runner import Options, rehearse
    from lab.rehearsal.scenario import choose

    scenario = choose(args.rollback, args.story)
    variant = scenario.variant or ("" if args.dns == "route53" else args.dns)
    return rehearse(
        Options(scenario, args.dump, args.keep, args.reports, args.timeout, variant, args.app, args.patience)
    )


def _up(args: argparse.Namespace) -> int:
    from lab.rehearsal.interactive import up

    return up(args.dump, args.app)


def _down(args: argparse.Namespace) -> int:
    from lab.rehearsal.runner import end

    end()
    print("Lab, users and Airflow are down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
