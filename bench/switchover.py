"""The write pause as users see it, over many moves under load. `python -m bench.switchover --help`.

Two real databases, replicators, servers of both sites and users (lab/switchover_harness), on a real disk,
because each commit waits for one. Between two moves everything that the DAG does before its gate is done here
too: reverse replication is prepared and the tables count as compared. A pause is the longest gap between two
acknowledged writes of all users from the begin of a move to the end of its reverse replication.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.signals import ended_once
from lab.switchover_harness import SwitchoverHarness
from lab.switchover_harness.hosts import DELIVERY
from lab.switchover_harness.latency_relay import LatencyRelay
from lab.switchover_harness.settings import PORT
from livemove.model.spec import Side
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.adapters.wiring import build_dependencies, prepare_return
from livemove.switchover.guards import expected_pause, refusals
from livemove.switchover.protocol import Switchover

RESULTS = Path(__file__).parent / "results"
SETTLE = 1.0
"""Seconds of undisturbed load before and after each move."""


@dataclass(frozen=True)
class Profile:
    name: str
    message: str
    delivery: float = 0.0
    """Seconds until a command arrives at a server."""
    apply: float = 0.0
    """Seconds until a row of the owner is applied by the replicator."""
    round_trip: float = 0.0
    """Seconds between livemove's worker and each database and back."""


PROFILES = {
    "local": Profile("local", "all on one machine, nothing delayed"),
    "aws": Profile(
        "aws",
        "a command takes 2 s to a server, a row 2 s through the replicator, a round trip to a database 10 ms",
        delivery=2.0,
        apply=2.0,
        round_trip=0.01,
    ),
}


@dataclass
class Moved:
    """One move as its users saw it; milliseconds."""

    to: str
    pause: int
    fenced: int
    expected: int
    failed: int
    steps: dict[str, int] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    """What the expected pause was made of."""


@dataclass
class Outcome:
    profile: str
    message: str
    hold: bool
    rate: float
    connections: int
    measured_at: str
    cores: int
    moves: list[Moved] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    refused: list[str] = field(default_factory=list)
    """Why requests failed, each reason once."""

    def table(self) -> str:
        lines = [
            (
                f"{self.profile}: {self.message}; {'with' if self.hold else 'without'} hold, "
                f"{self.rate:g} writes/s over {self.connections} connections, {self.cores} cores"
            ),
            f"{'':24}{'median':>8}{'p95':>8}{'worst':>8}",
        ]
        for to in Side:
            mine = [m for m in self.moves if m.to == to]
            if mine:
                lines.append(_row(f"pause, to the {to}", [m.pause for m in mine]))
        lines.append(_row("pause, all", [m.pause for m in self.moves]))
        lines.append(_row("fence to open", [m.fenced for m in self.moves]))
        lines.append(_row("expected at the gate", [m.expected for m in self.moves]))
        for name in self.moves[0].steps if self.moves else ():
            lines.append(_row(f"  step {name}", [m.steps.get(name, 0) for m in self.moves]))
        lines.append(
            f"moves {len(self.moves)}, failed requests {sum(m.failed for m in self.moves)}, "
            f"acknowledged {self.acknowledged}, lost {self.lost}, duplicated {self.duplicated}"
        )
        lines += [f"  failed: {why}" for why in self.refused[:5]]
        return "\n".join(lines)


def _row(name: str, values: Sequence[int]) -> str:
    if not values:
        return f"{name:24}{'-':>8}{'-':>8}{'-':>8}"
    return f"{name:24}{round(statistics.median(values)):>8}{p95(values):>8}{max(values):>8}"


def p95(values: Sequence[int]) -> int:
    """The smallest value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def measure(
    profile: Profile, *, there_and_back: int, rate: float, connections: int, hold: bool, folder: Path
) -> Outcome:
    outcome = Outcome(
        profile.name,
        profile.message,
        hold,
        rate,
        connections,
        datetime.now(UTC).isoformat(timespec="seconds"),
        os.cpu_count() or 0,
    )
    with SwitchoverHarness(
        folder, rate=rate, connections=connections, hold=hold, lease=30, pause_budget=10
    ) as harness:
        ways = [
            (
                {
                    s: LatencyRelay(harness.settings.address(s), (harness.settings.address(s), PORT), seconds)
                    for s in Side
                }
                if seconds
                else {}
            )
            for seconds in (profile.round_trip / 2, profile.apply)
        ]
        mover_addresses, replicator_addresses = ({s: d.address for s, d in way.items()} for way in ways)
        replication = Slow(list(ways[1].values()), profile.apply)
        replication.off()
        harness.begin(mover_addresses=mover_addresses, replicator_addresses=replicator_addresses)
        for host in harness.hosts:
            (host.folder / DELIVERY).write_text(json.dumps({"delay": profile.delivery}))
        side = Side.TARGET
        for n in range(2 * there_and_back):
            outcome.moves.append(one_move(harness, side, f"bench-{n}", replication))
            print(f"{n + 1:3} to the {side}: {outcome.moves[-1].pause} ms", file=sys.stderr, flush=True)
            side = side.other
        found = harness.audit(side.other)
        for way in ways:
            for distance in way.values():
                distance.close()
    outcome.refused = sorted(set(harness.record.refused))[:20]
    outcome.acknowledged, outcome.lost, outcome.duplicated = found.acknowledged, found.lost, found.duplicated
    return outcome


class Slow:
    """Network delay for replication, switched on only while a move is measured."""

    def __init__(self, ways: Sequence[LatencyRelay], seconds: float) -> None:
        self.ways, self.seconds = ways, seconds

    def on(self) -> None:
        for way in self.ways:
            way.seconds = self.seconds

    def off(self) -> None:
        for way in self.ways:
            way.seconds = 0.0


def one_move(harness: SwitchoverHarness, to: Side, attempt: str, replication: Slow) -> Moved:
    world = harness.world()
    with build_dependencies(world) as parts:
        prepare_return(world, parts)
        harness.compared()
        replication.on()
        time.sleep(SETTLE)
        expected = expected_pause(parts, to)
        time.sleep(SETTLE)
        failed, began = len(harness.record.refused) + len(harness.record.unclear), time.monotonic()
        record = Switchover(parts, to, attempt, guards=refusals).run()
        replication.off()
        return_path.run(parts)
        time.sleep(SETTLE)
    return Moved(
        str(to),
        round(max(harness.record.gaps(began)) * 1000),
        record.fenced_ms or 0,
        expected.ms,
        len(harness.record.refused) + len(harness.record.unclear) - failed,
        {s.name: s.ms for s in record.steps if s.step > 0},
        expected.model_dump(include={"watermark_ms", "database_ms", "servers_ms", "probe_ms"}),
    )


def main(argv: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m bench.switchover", description=__doc__)
    p.add_argument("--profile", choices=sorted(PROFILES), action="append", help="default: all of them")
    p.add_argument("--moves", type=int, default=30, help="there and as many back (default: %(default)s)")
    p.add_argument("--rate", type=float, default=200, help="writes a second (default: %(default)s)")
    p.add_argument("--connections", type=int, default=8)
    p.add_argument(
        "--no-hold", action="store_true", help="let requests fail while nobody may write, and count them"
    )
    a = p.parse_args(argv)
    clean = True
    for name in a.profile or sorted(PROFILES):
        folder = Path(tempfile.mkdtemp(prefix="livemove-bench-"))
        try:
            done = measure(
                PROFILES[name],
                there_and_back=a.moves,
                rate=a.rate,
                connections=a.connections,
                hold=not a.no_hold,
                folder=folder,
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        RESULTS.mkdir(exist_ok=True)
        stem = f"switchover-{name}{'-no-hold' if a.no_hold else ''}"
        (RESULTS / f"{stem}.json").write_text(json.dumps(asdict(done), indent=1) + "\n")
        print(done.table(), "\n", flush=True)
        clean = clean and not (done.lost or done.duplicated)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(ended_once(main))
